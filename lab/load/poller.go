package load

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// interest says what a descriptor is watched for, or ready for.
type interest uint8

const (
	reading interest = 1 << iota
	writing
)

// event says that the descriptor watched under a number is ready.
type event struct {
	index int
	ready interest // an error or a hang-up is both
}

// batch is the most events that one wait returns, so that the clock is looked at often.
const batch = 128

// poller is the operating system's way to wait for many descriptors. All are level-triggered.
type poller interface {
	// watch changes the interest in a descriptor from was to want; 0 is none. index is what
	// its events carry. A descriptor is taken out before it is closed.
	watch(index, fd int, was, want interest) error

	// wait collects at most batch events into out, which has room for that many, and waits
	// for the first up to timeout; 0 only looks. The wait may end early, with no event.
	wait(out []event, timeout time.Duration) ([]event, error)

	close() error
}

// backendAuto chooses the first backend that can be opened.
const backendAuto = "auto"

// backend is a poller that can exist on this system. size is the greatest index plus one.
type backend struct {
	name string
	open func(size int) (poller, error)
}

// Backends returns the names of the backends of this system, the best first. It has none
// where kettle makes no system calls of its own, as on Windows.
func Backends() []string {
	var names []string
	for _, b := range backends() {
		names = append(names, b.name)
	}
	return names
}

func openPoller(name string, size int) (poller, error) {
	err := fmt.Errorf("load on %s: %w", runtime.GOOS, errors.ErrUnsupported)
	for _, b := range backends() {
		if name != backendAuto && name != b.name {
			continue
		}
		p, openErr := b.open(size)
		if openErr == nil {
			return p, nil
		}
		err = fmt.Errorf("opening %s: %w", b.name, openErr)
	}
	return nil, err
}
