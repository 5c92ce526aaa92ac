//go:build unix

package selectortest

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

func waitingChecks() []check {
	return []check{
		{"NothingRegistered", nothingRegistered},
		{"ZeroAndNegativeDoNotWait", zeroAndNegativeDoNotWait},
		{"TimeoutPasses", timeoutPasses},
		{"TimeoutIsNeverEarly", timeoutIsNeverEarly},
		{"NothingRegisteredWaits", nothingRegisteredWaits},
		{"TinyTimeoutLooks", tinyTimeoutLooks},
		{"HugeTimeout", hugeTimeout},
		{"ReadinessEndsTheWait", readinessEndsTheWait},
		{"SignalsDoNotEndTheWait", signalsDoNotEndTheWait},
	}
}

// late is how much longer than asked a wait may take on a busy machine.
const late = 5 * time.Second

func duration(ns int64) time.Duration { return time.Duration(ns) }

// timed returns what a Select finds and how long it took.
func (f *fixture) timed(timeout time.Duration) (map[int]selectors.Events, time.Duration) {
	f.Helper()
	start := time.Now()
	found := f.find(timeout)
	return found, time.Since(start)
}

// S27
func nothingRegistered(f *fixture) {
	for _, timeout := range []time.Duration{0, -1, time.Millisecond} {
		if got := f.find(timeout); len(got) != 0 {
			f.Errorf("Select(%v) of nothing: %v", timeout, got)
		}
	}
}

// S28: with something ready and with nothing.
func zeroAndNegativeDoNotWait(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	for _, want := range []int{0, 1} {
		for _, timeout := range []time.Duration{0, -1, -time.Hour} {
			got, took := f.timed(timeout)
			if len(got) != want || took > late {
				f.Errorf("Select(%v): %v after %v, want %d", timeout, got, took, want)
			}
		}
		b.send("x")
	}
}

// S29
func timeoutPasses(f *fixture) {
	const timeout = 150 * time.Millisecond
	a, _ := f.pair()
	f.watch(a, selectors.Read, nil)
	if got, took := f.timed(timeout); len(got) != 0 || took < timeout || took > timeout+late {
		f.Errorf("Select(%v): %v after %v", timeout, got, took)
	}
}

// timeoutIsNeverEarly: poll counts milliseconds and select microseconds, but none rounds down.
func timeoutIsNeverEarly(f *fixture) {
	a, _ := f.pair()
	f.watch(a, selectors.Read, nil)
	for _, timeout := range []time.Duration{
		0, 1, 999, 1001, 50 * time.Microsecond, 999_999, time.Millisecond, 1_000_001,
		1500 * time.Microsecond, 2 * time.Millisecond, 5 * time.Millisecond,
	} {
		for range 10 {
			if got, took := f.timed(timeout); len(got) != 0 || took < timeout {
				f.Fatalf("Select(%v): %v after %v", timeout, got, took)
			}
		}
	}
}

// S35: an empty set is waited for like any other.
func nothingRegisteredWaits(f *fixture) {
	const timeout = 100 * time.Millisecond
	if got, took := f.timed(timeout); len(got) != 0 || took < timeout || took > timeout+late {
		f.Errorf("Select(%v): %v after %v", timeout, got, took)
	}
}

// tinyTimeoutLooks: a time-out that has passed before the wait begins still finds what is
// ready, as one of zero does.
func tinyTimeoutLooks(f *fixture) {
	a, _ := f.pair()
	f.watch(a, selectors.Write, nil)
	for _, timeout := range []time.Duration{1, 10, 100, 1000} {
		for range 100 {
			if got := f.find(timeout); got[a.fd] != selectors.Write {
				f.Fatalf("Select(%v) found %v", timeout, got)
			}
		}
	}
}

// hugeTimeout: so long that adding it to a time or to nanoseconds overflows.
func hugeTimeout(f *fixture) {
	a, _ := f.pair()
	f.watch(a, selectors.Write, nil)
	for _, timeout := range []time.Duration{
		24 * time.Hour, 1 << 62, selectors.Forever - 1, selectors.Forever,
	} {
		if got := f.find(timeout); got[a.fd] != selectors.Write {
			f.Fatalf("Select(%v) found %v", timeout, got)
		}
		f.unwatch(a)
		woken := make(chan error)
		go func() { woken <- f.sel.Wake() }()
		if got := f.find(timeout); len(got) != 0 {
			f.Fatalf("Select(%v) found %v", timeout, got)
		}
		if err := <-woken; err != nil {
			f.Fatal(err)
		}
		f.watch(a, selectors.Write, nil)
	}
}

// readinessEndsTheWait sends from another goroutine what a long Select waits for.
func readinessEndsTheWait(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	for _, timeout := range []time.Duration{time.Minute, selectors.Forever} {
		for range 20 {
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				b.send("x")
			}()
			got, took := f.timed(timeout)
			if got[a.fd] != selectors.Read || took > 30*time.Second {
				f.Fatalf("Select(%v): %v after %v", timeout, got, took)
			}
			<-sent
			a.receive()
		}
	}
}

// S31: the wait goes on with the time that is left. The signals follow each other as fast as
// they are delivered, so that some interrupt the thread that waits.
func signalsDoNotEndTheWait(f *fixture) {
	const timeout = 150 * time.Millisecond
	a, _ := f.pair()
	f.watch(a, selectors.Read, nil)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	defer signal.Stop(signals)
	stop, sent := make(chan struct{}), make(chan int)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				sent <- n
				return
			default:
				_ = syscall.Kill(syscall.Getpid(), syscall.SIGWINCH)
				<-signals
			}
		}
	}()
	got, took := f.timed(timeout)
	close(stop)
	if n := <-sent; n == 0 {
		f.Error("no signal was sent")
	}
	if len(got) != 0 || took < timeout || took > timeout+late {
		f.Errorf("Select(%v): %v after %v", timeout, got, took)
	}
}
