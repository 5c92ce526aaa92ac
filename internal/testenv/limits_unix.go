//go:build unix

package testenv

import "syscall"

// descriptorLimit returns how many descriptors this process may have open, or 0
// if the system does not say.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur) // signed on FreeBSD
}
