package kettle_test

import (
	"bytes"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/denied"
)

// withoutRings names the environment variable that has TestRunWithoutRings be the program that may
// not have a ring. Its value is the errno.
const withoutRings = "KETTLE_TEST_WITHOUT_RINGS"

// N18: where io_uring is forbidden Run goes on with the best selector. Stats say why, and the log
// does, once for all loops.
func TestRunWithoutRings(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Python)
	if text := os.Getenv(withoutRings); text != "" {
		errno, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		runWithoutRings(t, syscall.Errno(errno))
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for procs, errno := range map[int]syscall.Errno{1: syscall.EPERM, 2: syscall.ENOSYS} {
		cmd := denied.Rings(errno, program, "-test.run=^TestRunWithoutRings$")
		cmd.Env = append(os.Environ(), withoutRings+"="+strconv.Itoa(int(errno)),
			"GOMAXPROCS="+strconv.Itoa(procs), "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
		if text, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", errno, err, text)
		}
	}
}

func runWithoutRings(t *testing.T, errno syscall.Errno) {
	var text bytes.Buffer
	log.SetOutput(&text)
	defer log.SetOutput(os.Stderr)
	err := kettle.Run(func(task *kettle.Task) error {
		s := task.Stats()
		if s.Selector != "epoll" || !strings.Contains(s.Instead, errno.Error()) {
			t.Errorf("the loop waits with %q because of %q", s.Selector, s.Instead)
		}
		return task.Sleep(time.Microsecond)
	}, kettle.Backend("io_uring"), kettle.Loops(2))
	if err != nil {
		t.Error(err)
	}
	line := text.String()
	for _, want := range []string{"WARN", "asked=io_uring", "used=epoll", errno.Error()} {
		if strings.Count(line, want) != 1 || strings.Count(line, "\n") != 1 {
			t.Errorf("the log is not one line with %q:\n%s", want, line)
		}
	}
}
