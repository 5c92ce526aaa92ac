package testenv

import (
	_ "embed"
	"os/exec"
	"strconv"
	"syscall"
)

//go:embed forbid_rings.py
var forbidRings string

// WithoutRings returns a command that runs a program to which the kernel denies io_uring, and to
// whatever it starts, as containers do: io_uring_setup fails with errno. It needs Python and Linux.
func WithoutRings(errno syscall.Errno, program string, args ...string) *exec.Cmd {
	args = append([]string{"-c", forbidRings, strconv.Itoa(int(errno)), program}, args...)
	return exec.Command("python3", args...)
}
