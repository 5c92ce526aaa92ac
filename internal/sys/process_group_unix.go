//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// OwnGroup returns the attributes of a process that begins a process group, of itself and of all
// that it starts, unless those leave it. What a terminal sends to our group does not reach it.
func OwnGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// SignalGroup sends a signal to every process of the group that process pid has begun, also when
// pid itself has ended. The error matches ESRCH if none is left.
func SignalGroup(pid int, sig syscall.Signal) error {
	return os.NewSyscallError("kill", unix.Kill(-pid, sig))
}
