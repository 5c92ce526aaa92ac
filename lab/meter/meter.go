// Package meter measures what a server costs: the CPU time, context switches, system calls,
// memory, threads and processes of a process and all its descendants.
//
//	m := meter.New(pid)
//	before, err := m.Begin()
//	...
//	after, err := m.Sample()
//	used := after.Since(before)
//
// It reads them from outside, from the kernel's own accounts, so the server need not know. CPU
// time comes from the clock of each process, which counts every nanosecond that the kernel
// has scheduled it. How much of it is the program's own and how much the kernel's is another
// matter: the figures of user and system time are samples of a tick, some milliseconds apart,
// and worth something over seconds only. Memory is the proportional set size: pages that
// several processes share are divided among them, so that the sum over processes counts each
// page once. Buffers in the kernel, as those of sockets, belong to no process and are not in it.
//
// All this is Linux's. On other systems every function returns an error that matches
// errors.ErrUnsupported, and figures are shown as not available.
//
// A Meter may be used from one goroutine at a time.
package meter

import (
	"fmt"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Sample is the state of a process tree at one time.
type Sample struct {
	At        time.Time     // when the CPU clocks were read
	CPU       time.Duration // used by the processes that live
	User      time.Duration // of it, by samples: in the program
	System    time.Duration // of it, by samples: in the kernel
	Switches  int64         // context switches of the threads that live, of both kinds
	Calls     sys.Calls     // system calls by kind, since CountCalls; 0 if they are not counted
	Threads   int
	Processes int

	cpu      map[int]time.Duration // by process
	split    map[int]split         // by process
	switches map[int]int64         // by thread
}

// Usage is what a process tree has used between two samples. Of a process that has ended in
// between nothing is known, and nothing is counted.
type Usage struct {
	Elapsed  time.Duration
	CPU      time.Duration
	User     time.Duration // by samples, as in Sample
	System   time.Duration
	Switches int64
	Calls    sys.Calls // if they are counted
}

// Meter measures one process and its descendants.
type Meter struct {
	pid  int
	tree []int
	proc procfs

	count    func(tid int) (*sys.CallCounter, error)
	counters []*sys.CallCounter
}

// New returns a meter of the process pid.
func New(pid int) *Meter {
	return &Meter{pid: pid, tree: []int{pid}, proc: "/proc", count: sys.CountCalls}
}

// Refresh looks for the descendants that there are now. Begin, Sample and Memory measure those
// that the last Refresh has found, as looking takes longer than measuring.
func (m *Meter) Refresh() error {
	tree, err := m.proc.descendants(m.pid)
	if err != nil {
		return fmt.Errorf("look for the processes below %d: %w", m.pid, err)
	}
	m.tree = tree
	return nil
}

// Processes returns how many processes the last Refresh has found; 1 before the first.
func (m *Meter) Processes() int { return len(m.tree) }

// Begin takes the sample that a window begins with: the CPU clocks, which take a microsecond
// for each process, are read at the very end. The switches are read before them, which takes
// up to some 100 µs for each process: those that happen meanwhile are counted in the window.
func (m *Meter) Begin() (Sample, error) {
	s := m.sample()
	if err := m.readSwitches(&s); err != nil {
		return s, err
	}
	m.readSplit(&s)
	if err := m.readCalls(&s); err != nil {
		return s, err
	}
	return s, m.readCPU(&s)
}

// Sample takes the sample that a window ends with: the CPU clocks are read at once, and the
// switches after them, so that a window's switches include those that happened during both
// readings, and its CPU time does not.
func (m *Meter) Sample() (Sample, error) {
	s := m.sample()
	if err := m.readCPU(&s); err != nil {
		return s, err
	}
	if err := m.readCalls(&s); err != nil {
		return s, err
	}
	m.readSplit(&s)
	return s, m.readSwitches(&s)
}

func (m *Meter) sample() Sample {
	return Sample{cpu: make(map[int]time.Duration, len(m.tree)),
		split: make(map[int]split, len(m.tree)), switches: make(map[int]int64, len(m.tree))}
}

// readCPU reads the CPU clocks of the processes that live.
func (m *Meter) readCPU(s *Sample) error {
	s.At = time.Now()
	for _, pid := range m.tree {
		cpu, err := sys.ProcessCPU(pid)
		if err != nil && pid == m.pid {
			return fmt.Errorf("read the CPU time of process %d: %w", pid, err)
		}
		if err != nil {
			continue // it has ended
		}
		s.cpu[pid] = cpu
		s.CPU += cpu
		s.Processes++
	}
	return nil
}

// readSplit reads the samples of user and system time of the processes that live.
func (m *Meter) readSplit(s *Sample) {
	for _, pid := range m.tree {
		part, ok := m.proc.splitOf(pid)
		if !ok {
			continue // it has ended
		}
		s.split[pid] = part
		s.User += part.user
		s.System += part.system
	}
}

// readSwitches reads the context switches of the threads that live.
func (m *Meter) readSwitches(s *Sample) error {
	for _, pid := range m.tree {
		err := m.proc.addSwitches(s.switches, pid)
		if ended(err) && pid != m.pid {
			continue // it has ended
		}
		if err != nil {
			err = m.proc.missing(err)
			return fmt.Errorf("read the context switches of process %d: %w", pid, err)
		}
	}
	s.Threads = len(s.switches)
	for _, n := range s.switches {
		s.Switches += n
	}
	return nil
}

// Since returns what has been used since an earlier sample of the same meter.
func (s Sample) Since(before Sample) Usage {
	u := Usage{Elapsed: s.At.Sub(before.At), Calls: s.Calls.Minus(before.Calls)}
	for pid, cpu := range s.cpu {
		u.CPU += cpu - before.cpu[pid]
	}
	for pid, part := range s.split {
		u.User += part.user - before.split[pid].user
		u.System += part.system - before.split[pid].system
	}
	for tid, n := range s.switches {
		u.Switches += n - before.switches[tid]
	}
	return u
}

// Memory returns the proportional set size of the tree, in bytes. It makes the kernel go
// through the page tables, which takes up to a millisecond for each process.
func (m *Meter) Memory() (int64, error) {
	var sum int64
	for _, pid := range m.tree {
		pss, err := m.proc.proportionalSetSize(pid)
		if ended(err) && pid != m.pid {
			continue // it has ended
		}
		if err != nil {
			err = m.proc.missing(err)
			return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
		}
		sum += pss
	}
	return sum, nil
}
