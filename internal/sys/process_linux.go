package sys

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Affinity returns the numbers of the CPUs that the calling thread may run on.
func Affinity() ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, os.NewSyscallError("sched_getaffinity", err)
	}
	var cpus []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// SetAffinity binds a thread (0: the calling one) to CPUs. Threads and processes that it
// starts from then on inherit the binding.
func SetAffinity(tid int, cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	return os.NewSyscallError("sched_setaffinity", unix.SchedSetaffinity(tid, &set))
}

// ProcessCPU returns the CPU time, user and system, that a process has used so far, its
// ended threads included and its children not. The kernel counts it to the nanosecond.
func ProcessCPU(pid int) (time.Duration, error) {
	// The clock of another process: clock_getcpuclockid(3) computes it in the same way,
	// ~pid above three bits of which 2 means "scheduled time of the whole process".
	const scheduled = 2
	clock := int32(^uint32(pid)<<3 | scheduled)
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, os.NewSyscallError("clock_gettime", err)
	}
	return time.Duration(ts.Nano()), nil
}

// SetTimerSlack says how late the kernel may end the calling thread's waits in order to end
// several at once; 50 µs if never set.
func SetTimerSlack(slack time.Duration) error {
	err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(slack.Nanoseconds()), 0, 0, 0)
	return os.NewSyscallError("prctl PR_SET_TIMERSLACK", err)
}
