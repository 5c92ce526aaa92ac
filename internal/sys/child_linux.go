package sys

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const rlimitProcesses = unix.RLIMIT_NPROC

func nanosleep(left *unix.Timespec) error { return unix.Nanosleep(left, left) }

// containerLimit returns the limit on processes and threads of the control group (version 2)
// that the process is in, or of the nearest one above it that is visible and has one.
func containerLimit() int {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return noLimit
	}
	_, group, ok := strings.Cut(strings.TrimSpace(string(text)), "0::")
	if !ok {
		return noLimit
	}
	group, _, _ = strings.Cut(group, "\n")
	for ; ; group = filepath.Dir(group) {
		limit, err := os.ReadFile(filepath.Join("/sys/fs/cgroup", group, "pids.max"))
		if err == nil {
			if n, err := strconv.Atoi(strings.TrimSpace(string(limit))); err == nil {
				return min(n, noLimit)
			}
		}
		if len(group) <= 1 { // the root, or no path at all
			return noLimit
		}
	}
}
