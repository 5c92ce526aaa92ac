//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package sys

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ChildSignal is the signal that tells a process that a child of its has ended.
const ChildSignal = syscall.SIGCHLD

// StartChild runs a program in a new process, whose descriptors 0, 1, 2 and so on are files.
// Nobody waits for it: see Reap.
func StartChild(path string, args, env []string, files []int) (int, error) {
	attr := &syscall.ProcAttr{Env: env}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	pid, err := syscall.ForkExec(path, args, attr)
	return pid, os.NewSyscallError("fork and exec", err)
}

// Reap reports whether a child has ended, and with it frees the entry that the kernel keeps
// for an ended process (a zombie) until its parent has asked. It does not wait. exit is the
// child's exit code, or minus the number of the signal that ended it.
func Reap(pid int) (exit int, ended bool) {
	var status unix.WaitStatus
	for {
		got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, true // not our child, or reaped already
		case got == 0 || !(status.Exited() || status.Signaled()):
			return 0, false
		case status.Signaled():
			return -int(status.Signal()), true
		}
		return status.ExitStatus(), true
	}
}

// Kill ends a process at once.
func Kill(pid int) error { return os.NewSyscallError("kill", unix.Kill(pid, unix.SIGKILL)) }

// ProcessLimit returns how many processes and threads this process's user, or its container,
// may have; others may have some of them already.
func ProcessLimit() int {
	most := containerLimit()
	var lim unix.Rlimit
	if unix.Getrlimit(rlimitProcesses, &lim) == nil && uint64(lim.Cur) < uint64(most) {
		most = int(lim.Cur)
	}
	return most
}

// noLimit stands for a limit that is not there.
const noLimit = 1 << 30

// Sleep blocks the calling thread for d, as a blocking call for something slow would.
func Sleep(d time.Duration) {
	left := unix.NsecToTimespec(int64(max(d, 0)))
	for nanosleep(&left) == unix.EINTR {
		continue // left is what remains
	}
}
