//go:build darwin || dragonfly || freebsd || linux || openbsd

package sys

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ThreadCPU returns the CPU time, user and system, that the calling thread has used so far,
// to the nanosecond. It means something to a goroutine that is locked to its thread.
func ThreadCPU() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(ts.Nano()), nil
}
