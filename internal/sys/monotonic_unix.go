//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"os"

	"golang.org/x/sys/unix"
)

// Monotonic returns the time of the clock that never jumps, in nanoseconds. It is the same clock
// for all processes of the machine.
func Monotonic() (int64, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(monotonicClock, &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return ts.Nano(), nil
}
