package sys

import "golang.org/x/sys/unix"

// What the options of options_unix.go are called here. SO_REUSEPORT balances, unless the
// administrator has turned that off for the system.
const (
	reusePortOption    = unix.SO_REUSEPORT
	keepIdleOption     = unix.TCP_KEEPIDLE
	keepIntervalOption = unix.TCP_KEEPINTVL
	keepCountOption    = unix.TCP_KEEPCNT
)
