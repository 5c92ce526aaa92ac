package meter_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/meter"
)

// counting starts a process whose system calls are counted.
func counting(t *testing.T) *process {
	t.Helper()
	testenv.Need(t, testenv.CountedCalls)
	p := start(t)
	p.sample(t)
	stop, err := p.meter.CountCalls()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return p
}

// TestEachWaitIsSystemCalls: a write and a read at the least, of this process and of the other
// that is started while they are counted.
func TestEachWaitIsSystemCalls(t *testing.T) {
	p := counting(t)
	const waits = 300
	before := p.sample(t)
	p.do(t, "switch 300")
	used := p.sample(t).Since(before).Calls
	if n := used.Total(); n < 4*waits || n > 100*waits {
		t.Errorf("%d system calls in %d waits of two processes for each other", n, waits)
	}
	for kind, least := range map[sys.CallKind]int64{sys.ReceiveCall: 2 * waits,
		sys.SendCall: 2 * waits, sys.OtherCall: 1} {
		if used[kind] < least {
			t.Errorf("%d of kind %d in %d waits, want %d: %v", used[kind], kind, waits, least, used)
		}
	}
	before = p.sample(t)
	if used := p.sample(t).Since(before).Calls; used.Total() > waits {
		t.Errorf("%d system calls while nothing was done: %v", used.Total(), used)
	}
}

// TestCallsThatAreKnown: bytes that go through a pipe, each by a write and a read.
func TestCallsThatAreKnown(t *testing.T) {
	p := counting(t)
	const bytes, orders = 1000, 20 // of which the second is what the order itself may take
	before := p.sample(t)
	p.do(t, "pass 1000")
	used := p.sample(t).Since(before).Calls
	for _, kind := range []sys.CallKind{sys.ReceiveCall, sys.SendCall} {
		if n := used[kind]; n < bytes || n > bytes+orders {
			t.Errorf("%d calls of kind %d for %d bytes: %v", n, kind, bytes, used)
		}
	}
	if n := used[sys.AcceptCall]; n != 0 {
		t.Errorf("%d connections accepted", n)
	}
}

// TestCallsAreCountedOrTheReasonIsKnown, wherever this runs.
func TestCallsAreCountedOrTheReasonIsKnown(t *testing.T) {
	why := meter.CallsCounted()
	m := meter.New(os.Getpid())
	stop, err := m.CountCalls()
	if (why == nil) != (err == nil) {
		t.Errorf("calls are counted: %v; count them: %v", why, err)
	}
	if err == nil {
		stop()
	}
	if why != nil && strings.Contains(why.Error(), "\n") {
		t.Errorf("the reason is more than a line: %v", why)
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
