//go:build unix

package sys_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// flag reports whether a flag of a descriptor is set.
func flag(t *testing.T, fd, command, flag int) bool {
	t.Helper()
	got, err := unix.FcntlInt(uintptr(fd), command, 0)
	if err != nil {
		t.Fatalf("fcntl: %v", err)
	}
	return got&flag != 0
}
