package sys

import "golang.org/x/sys/unix"

// What the options of options_unix.go are called here.
const (
	reusePortOption    = unix.SO_REUSEPORT
	keepIdleOption     = unix.TCP_KEEPIDLE
	keepIntervalOption = unix.TCP_KEEPINTVL
	keepCountOption    = unix.TCP_KEEPCNT
)
