package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A CallCounter counts the system calls of a thread, and of all that the thread starts after it.
// It makes every system call on the machine a little slower while it is open.
type CallCounter struct{ fd int }

// CountCalls begins to count the system calls of a thread, from 0. It takes the right to trace
// the whole system, which root has; the error says what is missing.
func CountCalls(tid int) (CallCounter, error) {
	id, err := callTracepoint()
	if err != nil {
		return CallCounter{-1}, err
	}
	attr := unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_TRACEPOINT,
		Config: id,
		Bits:   unix.PerfBitInherit,
	}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return CallCounter{-1}, os.NewSyscallError("perf_event_open", err)
	}
	return CallCounter{fd}, nil
}

// callTracepoint returns the number of the event that every system call begins with.
func callTracepoint() (uint64, error) {
	var errs []error
	for _, dir := range [...]string{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"} {
		text, err := os.ReadFile(dir + "/events/raw_syscalls/sys_enter/id")
		if err == nil {
			return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		}
		errs = append(errs, err)
	}
	return 0, fmt.Errorf("find the event of system calls: %w", errors.Join(errs...))
}

// Count returns how many there have been.
func (c CallCounter) Count() (int64, error) {
	var count [8]byte
	if _, err := unix.Read(c.fd, count[:]); err != nil {
		return 0, os.NewSyscallError("read a perf event", err)
	}
	return int64(binary.NativeEndian.Uint64(count[:])), nil
}

// Close ends the counting.
func (c CallCounter) Close() error { return Close(c.fd) }
