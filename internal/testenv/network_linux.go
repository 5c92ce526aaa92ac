package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// probeOwnNetwork starts this program, to do nothing, in a network namespace: root alone may,
// and a sandbox may refuse even that.
func probeOwnNetwork() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, "-test.run=^$")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if err := child.Run(); err != nil {
		return fmt.Errorf("no network namespace: %w", err)
	}
	return nil
}
