package testenv

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// probeRings asks the kernel for a ring without saying of what kind: one that has rings, and lets
// this process have them, finds fault with the question. The version tells whether they have what
// is needed.
func probeRings() error {
	const ioUringSetup = 425 // on every processor but alpha
	_, _, errno := syscall.Syscall(ioUringSetup, 0, 0, 0)
	if errno != syscall.EFAULT && errno != syscall.EINVAL {
		return fmt.Errorf("io_uring_setup: %w", errno)
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(release), "%d.%d", &major, &minor); err != nil {
		return err
	}
	if major < 5 || major == 5 && minor < 19 {
		return errors.New("the kernel is older than Linux 5.19")
	}
	return nil
}
