//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"time"

	"golang.org/x/sys/unix"
)

const rlimitProcesses = 7 // RLIMIT_NPROC of the BSDs, which x/sys does not have everywhere

// nanosleep waits in poll, as x/sys does not have the call everywhere; an interruption ends
// it early by what has not been waited for, which it works out itself.
func nanosleep(left *unix.Timespec) error {
	start := time.Now()
	total := time.Duration(left.Nano())
	_, err := unix.Poll(nil, timeoutMS(total))
	*left = unix.NsecToTimespec(int64(max(total-time.Since(start), 0)))
	return err
}

// containerLimit is Linux's.
func containerLimit() int { return noLimit }
