package sys

import "golang.org/x/sys/unix"

// What the options of options_unix.go are called here; 0 is one that there is not. SO_REUSEPORT
// exists, but gives all connections to one of the sockets.
const (
	reusePortOption    = 0
	keepIdleOption     = unix.TCP_KEEPALIVE
	keepIntervalOption = unix.TCP_KEEPINTVL
	keepCountOption    = unix.TCP_KEEPCNT
)
