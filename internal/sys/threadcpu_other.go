//go:build !(darwin || dragonfly || freebsd || linux || openbsd)

package sys

import (
	"errors"
	"time"
)

// ThreadCPU returns the CPU time that the calling thread has used so far, where the system
// tells it: not here.
func ThreadCPU() (time.Duration, error) { return 0, errors.ErrUnsupported }
