// Package denied has tests look at programs to which the kernel denies what it has, as the
// sandboxes of containers do:
//
//	testenv.Need(t, testenv.Linux, testenv.Python)
//	cmd := denied.Rings(syscall.EPERM, "server", "--addr", "127.0.0.1:0")
package denied

import (
	_ "embed"
	"os/exec"
	"strconv"
	"syscall"
)

//go:embed rings.py
var rings string

// Rings returns a command that runs a program which can have no io_uring, nor can whatever it
// starts: io_uring_setup fails with errno. It needs Linux and Python.
func Rings(errno syscall.Errno, program string, args ...string) *exec.Cmd {
	args = append([]string{"-c", rings, strconv.Itoa(int(errno)), program}, args...)
	return exec.Command("python3", args...)
}
