package sys

import "golang.org/x/sys/unix"

// What the options of options_unix.go are called here. Plain SO_REUSEPORT gives all connections
// to one of the sockets.
const (
	reusePortOption    = unix.SO_REUSEPORT_LB
	keepIdleOption     = unix.TCP_KEEPIDLE
	keepIntervalOption = unix.TCP_KEEPINTVL
	keepCountOption    = unix.TCP_KEEPCNT
)
