package sys_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// usage returns what has been used so far.
func usage(t *testing.T, of func() (sys.Usage, error)) sys.Usage {
	t.Helper()
	u, err := of()
	if err != nil {
		t.Error(err)
	}
	return u
}

// compute uses the CPU for so long, whoever else has it meanwhile. The goroutine is locked to its
// thread.
func compute(t *testing.T, d time.Duration) {
	t.Helper()
	var begun time.Duration
	for first := true; ; first = false {
		used, err := sys.ThreadCPU()
		if err != nil {
			t.Error(err)
		}
		if first {
			begun = used
		}
		if used-begun >= d || err != nil {
			return
		}
	}
}

// TestUsageCountsWaits of the calling thread and of no other one, and computing.
func TestUsageCountsWaits(t *testing.T) {
	const waits = 100
	there, to := pipe(t)
	back, from := pipe(t)
	other := make(chan sys.Usage)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		before := usage(t, sys.ThreadUsage)
		p := make([]byte, 1)
		for range waits {
			if _, err := sys.Recv(there, p); err != nil {
				t.Error(err)
			}
			compute(t, 200*time.Microsecond) // who waits for the answer has begun to
			if _, err := sys.WritePipe(from, p); err != nil {
				t.Error(err)
			}
		}
		other <- usage(t, sys.ThreadUsage).Since(before)
	}()
	own := make(chan sys.Usage)
	go func() {
		runtime.LockOSThread() // as above
		before := usage(t, sys.ThreadUsage)
		p := make([]byte, 1)
		for range waits {
			_, errWrite := sys.WritePipe(to, p)
			_, errRead := sys.Recv(back, p)
			if errWrite != nil || errRead != nil {
				t.Error(errWrite, errRead)
			}
		}
		own <- usage(t, sys.ThreadUsage).Since(before)
	}()
	waited, computed := <-own, <-other
	if n := waited.Switches(); n < waits/2 || n > 10*waits {
		t.Errorf("a thread that waited %d times: %+v", waits, waited)
	}
	if computed.CPU < waits*190*time.Microsecond || computed.CPU < waited.CPU {
		t.Errorf("a thread that computed %d times 200 µs: %+v; the one that waited for it: %+v",
			waits, computed, waited)
	}
}

// TestUsageOfTheProcessIsThatOfItsThreads, ended ones included.
func TestUsageOfTheProcessIsThatOfItsThreads(t *testing.T) {
	before := usage(t, sys.ProcessUsage)
	thread := make(chan sys.Usage)
	go func() {
		runtime.LockOSThread() // as above
		before := usage(t, sys.ThreadUsage)
		compute(t, 20*time.Millisecond)
		thread <- usage(t, sys.ThreadUsage).Since(before)
	}()
	one := <-thread
	const rounding = time.Millisecond
	all := usage(t, sys.ProcessUsage).Since(before)
	if one.CPU < 20*time.Millisecond-rounding || all.CPU < one.CPU-rounding ||
		all.Switches() < one.Switches() {
		t.Errorf("one thread has used %+v, the process %+v", one, all)
	}
}

func TestUsagesAreAddedAndSubtracted(t *testing.T) {
	a, b := sys.Usage{CPU: 10, Voluntary: 5, Involuntary: 2}, sys.Usage{CPU: 1, Voluntary: 1}
	if sum := a.Plus(b); sum != (sys.Usage{CPU: 11, Voluntary: 6, Involuntary: 2}) {
		t.Errorf("the sum is %+v", sum)
	}
	if left := a.Plus(b).Since(b); left != a || left.Switches() != 7 {
		t.Errorf("the difference is %+v, with %d switches", left, left.Switches())
	}
}
