//go:build unix

package sys_test

import (
	"bufio"
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
)

// TestSignalReachesTheWholeGroup, also what the first process has started and left behind.
func TestSignalReachesTheWholeGroup(t *testing.T) {
	// The shell gives a process in the background no input, so cat gets it by another number.
	cmd := exec.Command("/bin/sh", "-c", "exec 3<&0; cat <&3 & echo begun")
	cmd.SysProcAttr = sys.OwnGroup()
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "begun\n" || err != nil {
		t.Fatalf("the shell says %q, %v", line, err)
	}
	if _, err := cmd.Process.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := sys.SignalGroup(cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Errorf("the shell has ended and cat has not: %v", err)
	}
	// cat holds the other end, and has ended when that has.
	if rest, err := lines.ReadString('\n'); rest != "" || err == nil {
		t.Errorf("cat says %q, %v", rest, err)
	}
}

func TestSignalToAGroupThatIsGone(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", ":")
	cmd.SysProcAttr = sys.OwnGroup()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	err := sys.SignalGroup(cmd.Process.Pid, syscall.SIGKILL)
	if !errors.Is(err, syscall.ESRCH) {
		t.Errorf("a signal to nobody: %v, want ESRCH", err)
	}
}
