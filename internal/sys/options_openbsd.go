package sys

// What the options of options_unix.go are called here: none exists. SO_REUSEPORT does, but gives
// all connections to one of the sockets. The times of keep-alive probes are the whole system's.
const (
	reusePortOption    = 0
	keepIdleOption     = 0
	keepIntervalOption = 0
	keepCountOption    = 0
)
