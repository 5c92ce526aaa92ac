package sys

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A CallCounter counts the system calls of a thread by kind, and those of all that the thread
// starts after it. It makes every system call on the machine a little slower while it is open.
//
// It is a perf event for each kind, on the tracepoint that every system call begins with. A filter
// on the call's number tells the kind, so that the kernel counts, and nothing is sampled or lost.
// The filters leave no call out and have none in common: the total is their sum.
type CallCounter struct{ fds []int }

// DescriptorsPerCounter is how many descriptors a CallCounter holds.
const DescriptorsPerCounter = callKinds

// CountCalls begins to count the system calls of a thread, from 0; of the calling one if tid is
// 0. It takes the right to trace the whole system, which root has; the error says what is missing,
// and what to do about it as far as that is known.
func CountCalls(tid int) (*CallCounter, error) {
	id, err := callTracepoint("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
	if err != nil {
		return nil, err
	}
	filters := callFilters()
	if filters == nil {
		return nil, fmt.Errorf("which system calls are of which kind is not known on %s",
			runtime.GOARCH)
	}
	c := &CallCounter{}
	for _, filter := range filters {
		fd, err := openCallEvent(id, tid, filter)
		if err != nil {
			c.Close()
			return nil, err
		}
		c.fds = append(c.fds, fd)
	}
	return c, nil
}

// callTracepoint returns the number of the event that every system call begins with, as the first
// of some directories says that has tracefs.
func callTracepoint(dirs ...string) (uint64, error) {
	var denied error
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "events/raw_syscalls/sys_enter/id"))
		if err == nil {
			return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
		}
		if errors.Is(err, fs.ErrPermission) && denied == nil {
			denied = fmt.Errorf("to read %s takes root", dir)
		}
	}
	switch {
	case denied != nil:
		return 0, denied
	case exists(filepath.Join(dirs[0], "events")):
		return 0, errors.New("the kernel was built without a tracepoint of system calls")
	case exists(dirs[0]):
		return 0, fmt.Errorf("tracefs is not mounted: mount -t tracefs nodev %s", dirs[0])
	}
	return 0, fmt.Errorf("the kernel was built without tracing: there is no %s", dirs[0])
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// callFilters returns for each kind the filter that lets its calls through; nil where the numbers
// of the calls are not known.
func callFilters() []string {
	const equal, different = "id == %d", "id != %d"
	old := oldCalls(runtime.GOARCH)
	if old == nil {
		return nil
	}
	filters := make([]string, callKinds)
	var others []string
	for kind := range OtherCall {
		var same []string
		for _, number := range append(newCalls()[kind], old[kind]...) {
			same = append(same, fmt.Sprintf(equal, number))
			others = append(others, fmt.Sprintf(different, number))
		}
		filters[kind] = strings.Join(same, " || ")
	}
	filters[OtherCall] = strings.Join(others, " && ")
	return filters
}

// newCalls returns the numbers of the calls that every processor has, by kind.
func newCalls() map[CallKind][]int {
	return map[CallKind][]int{
		ReceiveCall: {unix.SYS_READ, unix.SYS_READV, unix.SYS_PREAD64, unix.SYS_PREADV,
			unix.SYS_PREADV2, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG},
		SendCall: {unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_PWRITE64, unix.SYS_PWRITEV,
			unix.SYS_PWRITEV2, unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
			unix.SYS_SENDFILE},
		WaitCall: {unix.SYS_EPOLL_PWAIT, unix.SYS_EPOLL_PWAIT2, unix.SYS_PPOLL, unix.SYS_PSELECT6,
			unix.SYS_IO_URING_ENTER},
		AcceptCall: {unix.SYS_ACCEPT4},
		ThreadCall: {unix.SYS_FUTEX, unix.SYS_FUTEX_WAITV, unix.SYS_FUTEX_WAIT,
			unix.SYS_FUTEX_WAKE, unix.SYS_SCHED_YIELD, unix.SYS_NANOSLEEP,
			unix.SYS_CLOCK_NANOSLEEP, unix.SYS_TGKILL, unix.SYS_RT_SIGRETURN},
	}
}

// oldCalls returns the numbers of the calls that not every processor has, by kind; nil of a
// processor for which they have not been looked up.
func oldCalls(processor string) map[CallKind][]int {
	switch processor {
	case "amd64":
		const accept, wait, poll, choose = 43, 232, 7, 23 // epoll_wait, poll, select
		return map[CallKind][]int{AcceptCall: {accept}, WaitCall: {wait, poll, choose}}
	case "arm64", "loong64", "riscv64":
		const accept = 202
		return map[CallKind][]int{AcceptCall: {accept}}
	}
	return nil
}

// openCallEvent opens a perf event that counts the system calls of a thread that a filter lets
// through. It counts none before it has its filter.
func openCallEvent(id uint64, tid int, filter string) (int, error) {
	attr := unix.PerfEventAttr{
		Type:   unix.PERF_TYPE_TRACEPOINT,
		Config: id,
		Bits:   unix.PerfBitInherit | unix.PerfBitDisabled,
	}
	attr.Size = uint32(unsafe.Sizeof(attr))
	fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return -1, fmt.Errorf("it takes root, or CAP_PERFMON: %w",
			os.NewSyscallError("perf_event_open", err))
	}
	if err != nil {
		return -1, os.NewSyscallError("perf_event_open", err)
	}
	err = unix.IoctlSetString(fd, unix.PERF_EVENT_IOC_SET_FILTER, filter)
	if err == nil {
		err = unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0)
	}
	if err != nil {
		Close(fd)
		return -1, os.NewSyscallError("ioctl of a perf event", err)
	}
	return fd, nil
}

// Count returns how many there have been.
func (c *CallCounter) Count() (Calls, error) {
	var calls Calls
	for kind, fd := range c.fds {
		var count [8]byte
		if _, err := unix.Read(fd, count[:]); err != nil {
			return calls, os.NewSyscallError("read a perf event", err)
		}
		calls[kind] = int64(binary.NativeEndian.Uint64(count[:]))
	}
	return calls, nil
}

// Close ends the counting.
func (c *CallCounter) Close() {
	for _, fd := range c.fds {
		Close(fd)
	}
	c.fds = nil
}
