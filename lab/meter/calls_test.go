package meter_test

import (
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
)

// TestEachWaitIsSystemCalls: a write and a read at the least, of this process and of the other
// that is started while they are counted.
func TestEachWaitIsSystemCalls(t *testing.T) {
	testenv.Need(t, testenv.Root)
	p := start(t)
	p.sample(t)
	stop, err := p.meter.CountCalls()
	if err != nil {
		t.Logf("not tested: system calls are not counted here: %v", err) // as in most containers
		return
	}
	defer stop()
	const waits = 300
	before := p.sample(t)
	p.do(t, "switch 300")
	used := p.sample(t).Since(before)
	if used.Calls < 4*waits || used.Calls > 100*waits {
		t.Errorf("%d system calls in %d waits of two processes for each other", used.Calls, waits)
	}
	before = p.sample(t)
	if used := p.sample(t).Since(before); used.Calls > waits {
		t.Errorf("%d system calls while nothing was done", used.Calls)
	}
}

// TestSamplesSayWhereTheTimeGoes: a process that computes is charged user time.
func TestSamplesSayWhereTheTimeGoes(t *testing.T) {
	p := start(t)
	before := p.sample(t)
	p.do(t, "spin 300")
	used := p.sample(t).Since(before)
	if used.User < used.System || used.User+used.System < 100*time.Millisecond {
		t.Errorf("a process that computes: %v of user and %v of system time in %v of CPU time",
			used.User, used.System, used.CPU)
	}
}
