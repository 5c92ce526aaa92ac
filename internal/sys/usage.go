package sys

import "time"

// Usage is what a thread or a process has had of the CPUs so far.
type Usage struct {
	CPU         time.Duration // user and system, to the microsecond
	Voluntary   int64         // context switches: it had to wait
	Involuntary int64         // context switches: another one was given the CPU
}

// Switches returns the context switches of both kinds.
func (u Usage) Switches() int64 { return u.Voluntary + u.Involuntary }

// Plus returns the sum of two.
func (u Usage) Plus(v Usage) Usage {
	return Usage{u.CPU + v.CPU, u.Voluntary + v.Voluntary, u.Involuntary + v.Involuntary}
}

// Since returns what there is more than before.
func (u Usage) Since(before Usage) Usage {
	return Usage{u.CPU - before.CPU, u.Voluntary - before.Voluntary,
		u.Involuntary - before.Involuntary}
}
