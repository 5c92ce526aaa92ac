package cli_test

import (
	"bufio"
	"strings"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/denied"
)

// Where io_uring is forbidden, the command says so of the model that is about it.

func TestModelsTellsWithoutRings(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Python)
	text, err := denied.Rings(syscall.EPERM, "kettle", "models").Output()
	const want = "\n  here    no, it serves with another selector: open selector io_uring: "
	_, uring, _ := strings.Cut(string(text), "\nuring: ")
	if err != nil || strings.Count(string(text), want) != 1 || !strings.Contains(uring, want) {
		t.Errorf("%v; not once, and of uring, %q:\n%s", err, want, text)
	}
}

// TestLabLeavesOutWhatCannotBe, unless it was asked for by name: then that is wrong usage.
func TestLabLeavesOutWhatCannotBe(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Python)
	asked := denied.Rings(syscall.ENOSYS, "kettle", "lab", "--models", "streams,uring")
	text, err := asked.CombinedOutput()
	if code := asked.ProcessState.ExitCode(); code != 2 ||
		!strings.Contains(string(text), "model uring cannot be measured here: ") {
		t.Errorf("%v:\n%s", err, text)
	}
	all := denied.Rings(syscall.EPERM, "kettle", "lab", "--quick", "--conns", "2", "--out",
		t.TempDir())
	said, err := all.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "left out: uring: open selector io_uring: ") ||
		!strings.Contains(line, syscall.EPERM.Error()) {
		t.Errorf("the lab begins with %q, %v", line, err)
	}
	if err := all.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	_ = all.Wait() // it has failed, as it was stopped
}
