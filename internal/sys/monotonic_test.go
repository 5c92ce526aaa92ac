package sys_test

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

// clockVariable names the environment variable that makes TestMonotonicClockIsThatOfAllProcesses
// the other process.
const clockVariable = "KETTLE_TEST_CLOCK"

// TestMonotonicClockIsThatOfAllProcesses: what another one reads lies between what this one reads
// before and after.
func TestMonotonicClockIsThatOfAllProcesses(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	if os.Getenv(clockVariable) != "" {
		now, err := sys.Monotonic()
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("clock " + strconv.FormatInt(now, 10) + "\n")
		return
	}
	other := exec.Command(os.Args[0], "-test.run=^TestMonotonicClockIsThatOfAllProcesses$")
	other.Env = append(os.Environ(), clockVariable+"=1")
	before, err := sys.Monotonic()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	after, err := sys.Monotonic()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(out), "clock ")
	text, _, _ := strings.Cut(rest, "\n")
	there, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatalf("the other process said %q: %v", out, err)
	}
	if there <= before || there >= after {
		t.Errorf("the clock stood at %d, there at %d, and then at %d", before, there, after)
	}
}

// TestThreadsHaveNumbers of their own, where the system tells them.
func TestThreadsHaveNumbers(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	here, there := sys.ThreadID(), make(chan int)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		there <- sys.ThreadID()
	}()
	if other := <-there; here <= 0 || other <= 0 || here == other {
		t.Errorf("two threads have the numbers %d and %d", here, other)
	}
	if again := sys.ThreadID(); again != here {
		t.Errorf("the thread %d is now %d", here, again)
	}
}
