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

// GroupSignals returns the signals that may be sent to every process of a service, and that its
// children therefore leave to their parent: those that ask it to end, and the one for which a
// terminal stops a process that writes to it from another group.
func GroupSignals() []os.Signal {
	return []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGTTOU}
}

// StartChild runs a program in a new process, whose descriptors 0, 1, 2 and so on are files.
// Nobody waits for it: see Reap.
//
// The child has a process group of its own, so that what a terminal sends to its parent's does
// not reach it. What is sent to each process by itself does: a child that is to survive the
// GroupSignals ignores them as the first thing in main. Before that they end it, for some
// milliseconds, and nothing can be done about it here: Go's runtime lifts a mask that a process
// is born with, and takes SIGTERM back from being ignored. A service manager can be told to
// signal the main process alone (systemd: KillMode=mixed).
//
// Between fork and exec, for some microseconds, a child is in its parent's group. One that gets the
// group's signal there has died of it when StartChild returns: Reap says so, and the parent, which
// has the signal too, may start another.
func StartChild(path string, args, env []string, files []int) (int, error) {
	attr := &syscall.ProcAttr{Env: env, Sys: &syscall.SysProcAttr{Setpgid: true}}
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
