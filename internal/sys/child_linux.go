package sys

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const rlimitProcesses = unix.RLIMIT_NPROC

func nanosleep(left *unix.Timespec) error { return unix.Nanosleep(left, left) }

// containerLimit returns the limit on processes and threads of the control groups that the
// process is in.
func containerLimit() int { return groupLimit(os.DirFS("/")) }

// groupLimit returns the smallest limit of the groups that the process is in and of those above
// them, as each of them binds; root is the file system's. A group that is out of sight, as a
// container's outer ones are, has no limit that could be read.
func groupLimit(root fs.FS) int {
	most := noLimit
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return most
	}
	for line := range strings.Lines(string(text)) {
		// HIERARCHY:CONTROLLERS:GROUP, where version 2 is the hierarchy without a list.
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) < 3 {
			continue
		}
		mount := "sys/fs/cgroup"
		if slices.Contains(strings.Split(fields[1], ","), "pids") {
			mount = "sys/fs/cgroup/pids"
		} else if fields[1] != "" {
			continue
		}
		for group := path.Clean("/" + fields[2]); ; group = path.Dir(group) {
			limit, err := fs.ReadFile(root, path.Join(mount, group, "pids.max"))
			if n, bad := strconv.Atoi(strings.TrimSpace(string(limit))); err == nil && bad == nil {
				most = min(most, n) // a group without a limit has "max"
			}
			if group == "/" {
				break
			}
		}
	}
	return most
}
