//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"math"

	"golang.org/x/sys/unix"
)

// DescriptorLimit returns how many descriptors the process may hold. Go's runtime has
// already raised the soft limit to the hard one.
func DescriptorLimit() int {
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil || uint64(lim.Cur) > math.MaxInt32 {
		return math.MaxInt32
	}
	return int(lim.Cur)
}
