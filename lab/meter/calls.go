package meter

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/kettle-go/kettle/internal/sys"
)

// CallsCounted returns nil if system calls can be counted here, and else what is missing.
func CallsCounted() error {
	c, err := sys.CountCalls(0)
	if err != nil {
		return err
	}
	c.Close()
	return nil
}

// CountCalls has samples count system calls from now on: those of the threads that the last
// Refresh has found, and of what they start. That needs the right to trace the whole system, and
// slows down every system call on it, so that other figures are not to be compared with those of
// a meter that does not count. Call stop when done.
func (m *Meter) CountCalls() (stop func(), err error) {
	stop = func() {
		for _, c := range m.counters {
			c.Close()
		}
		m.counters = nil
	}
	for _, pid := range m.tree {
		tids, err := m.proc.threads(pid)
		if err != nil && pid == m.pid {
			stop()
			return nil, fmt.Errorf("count the system calls of process %d: %w", pid, err)
		}
		for _, tid := range tids {
			c, err := m.count(tid)
			if errors.Is(err, syscall.ESRCH) {
				continue // it has ended
			}
			if err != nil {
				counted := len(m.counters)
				stop()
				return nil, notCounted(err, counted)
			}
			m.counters = append(m.counters, c)
		}
	}
	return stop, nil
}

// notCounted says why the system calls of a thread cannot be counted beside those of others.
func notCounted(err error, counted int) error {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		err = fmt.Errorf("there are descriptors for %d threads, as each takes %d: %w", counted,
			sys.DescriptorsPerCounter, err)
	}
	return fmt.Errorf("count system calls: %w", err)
}

// readCalls reads the counters of system calls.
func (m *Meter) readCalls(s *Sample) error {
	for _, c := range m.counters {
		calls, err := c.Count()
		if err != nil {
			return fmt.Errorf("count the system calls of process %d: %w", m.pid, err)
		}
		s.Calls = s.Calls.Plus(calls)
	}
	return nil
}
