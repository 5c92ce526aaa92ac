package testenv

import (
	"fmt"
	"os"
	"syscall"
)

// probeCountedCalls looks for the tracepoint of system calls where tracefs is mounted by custom,
// and asks the kernel for a perf event without saying which: one that lets this process have them
// finds fault with the question.
func probeCountedCalls() error {
	const point = "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id"
	if _, err := os.ReadFile(point); err != nil {
		return err
	}
	_, _, errno := syscall.Syscall6(syscall.SYS_PERF_EVENT_OPEN, 0, 0, 0, 0, 0, 0)
	if errno != syscall.EFAULT {
		return fmt.Errorf("perf_event_open: %w", errno)
	}
	return nil
}
