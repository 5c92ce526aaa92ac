//go:build !linux

package sys

import (
	"errors"
	"time"
)

// ThreadCPU returns the CPU time that the calling thread has used so far: Linux only.
func ThreadCPU() (time.Duration, error) { return 0, errors.ErrUnsupported }
