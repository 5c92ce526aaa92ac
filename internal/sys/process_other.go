//go:build !linux

package sys

import (
	"errors"
	"time"
)

// Affinity returns the numbers of the CPUs that the calling thread may run on: Linux only.
func Affinity() ([]int, error) { return nil, errors.ErrUnsupported }

// SetAffinity binds a thread to CPUs: Linux only.
func SetAffinity(int, []int) error { return errors.ErrUnsupported }

// ProcessCPU returns the CPU time that a process has used so far: Linux only.
func ProcessCPU(int) (time.Duration, error) { return 0, errors.ErrUnsupported }

// SetTimerSlack says how late the kernel may end the calling thread's waits: Linux only.
func SetTimerSlack(time.Duration) error { return errors.ErrUnsupported }
