package meter

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

var errNoTracing = errors.New("tracefs is not mounted")

// TestCallsThatCannotBeCounted: the reason is told, and what else is sampled is there.
func TestCallsThatCannotBeCounted(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Proc)
	for want, fault := range map[string]error{
		"count system calls: tracefs is not mounted": errNoTracing,
		fmt.Sprintf("count system calls: there are descriptors for 0 threads, as each takes %d: ",
			sys.DescriptorsPerCounter): syscall.EMFILE,
	} {
		m := New(os.Getpid())
		m.count = func(int) (*sys.CallCounter, error) { return nil, fault }
		stop, err := m.CountCalls()
		if stop != nil || !errors.Is(err, fault) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		s, err := m.Sample()
		if err != nil || s.Calls.Total() != 0 || s.Threads == 0 {
			t.Errorf("a sample: %v, %+v", err, s)
		}
	}
}

// TestThreadsThatHaveEnded meanwhile make no calls.
func TestThreadsThatHaveEnded(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Proc)
	m := New(os.Getpid())
	asked := 0
	m.count = func(int) (*sys.CallCounter, error) {
		asked++
		return nil, os.NewSyscallError("perf_event_open", syscall.ESRCH)
	}
	stop, err := m.CountCalls()
	if err != nil || asked == 0 {
		t.Fatalf("%d threads, %v", asked, err)
	}
	stop()
}
