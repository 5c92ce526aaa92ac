//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ProcessUsage returns what this process has used, its ended threads included.
func ProcessUsage() (Usage, error) { return usageOf(unix.RUSAGE_SELF) }

func usageOf(who int) (Usage, error) {
	var r unix.Rusage
	if err := unix.Getrusage(who, &r); err != nil {
		return Usage{}, os.NewSyscallError("getrusage", err)
	}
	return Usage{time.Duration(r.Utime.Nano() + r.Stime.Nano()), int64(r.Nvcsw),
		int64(r.Nivcsw)}, nil
}
