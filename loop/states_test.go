package loop_test

import (
	"errors"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

// T17: stopped before it runs, a loop runs one turn and does not wait in it.
func TestStopBeforeRunIsOneTurn(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.OnReadable(3, w.say("event")))
	w.kernel.SetReady(3, selectors.Read)
	w.After(time.Hour, w.say("timer"))
	w.Stop()
	w.Stop()
	w.run()
	w.expect("one turn", "event")
	if got := w.kernel.Timeouts(); !slices.Equal(got, []time.Duration{0}) || w.Now() != 0 {
		t.Errorf("the loop has selected for %v, until %v", got, w.Now())
	}
	if turns := w.Stats().Turns; turns != 1 {
		t.Errorf("%d turns", turns)
	}
}

// TestStopEndsTheTurnFirst: the rest of the batch runs, what it adds waits for the next Run.
func TestStopEndsTheTurnFirst(t *testing.T) {
	w := newWorld(t, nil)
	w.Soon(func() {
		w.Stop()
		w.Soon(w.say("next"))
	})
	w.Soon(w.say("rest"))
	w.run()
	w.expect("the first Run", "rest")
	w.After(0, w.Stop)
	w.run()
	w.expect("the second Run", "next")
}

// T18: an event whose callback has stopped the loop is not delivered by the next Run again.
func TestEventIsDeliveredOnceAcrossAStop(t *testing.T) {
	for _, order := range []bool{false, true} {
		w := newWorld(t, func(c *loop.Config) {
			if order {
				c.Order = looptest.Order(looptest.Seed(t))
			}
		})
		must(t, w.OnReadable(3, func() { w.say("event")(); w.Stop() }),
			w.OnReadable(4, w.say("event")))
		w.kernel.Script(looptest.Step{},
			looptest.Step{Ready: []looptest.Event{{FD: 3, Events: both}, {FD: 4, Events: both}}})
		w.run()
		w.expect("the first Run", "event", "event")
		w.turn()
		w.expect("the second Run")
	}
}

// T24: a loop does not run within itself, and is not closed while it runs. It goes on.
func TestRunningLoop(t *testing.T) {
	w := newWorld(t, nil)
	w.Soon(func() {
		if err := w.Run(); !errors.Is(err, loop.ErrRunning) {
			t.Errorf("run within itself: %v", err)
		}
		if err := w.Close(); !errors.Is(err, loop.ErrRunning) {
			t.Errorf("close: %v", err)
		}
		w.Soon(func() { w.say("goes on")(); w.Stop() })
	})
	w.run()
	w.expect("the loop", "goes on")
}

// T16: after Close nothing is left, and everything that needs the loop says so; closing again is no
// error.
func TestClosedLoop(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.OnReadable(3, w.say("read")))
	w.Soon(w.say("soon"))
	timer := w.After(time.Second, w.say("timer"))
	must(t, w.Close(), w.Close())
	if timer.Set() || timer.Stop() || !w.Idle() {
		t.Error("something is still set")
	}
	for what, err := range map[string]error{
		"run":   w.Run(),
		"watch": w.OnReadable(3, w.say("read")),
		"post":  w.Post(w.say("post")),
	} {
		if !errors.Is(err, loop.ErrClosed) || !errors.Is(err, net.ErrClosed) ||
			!strings.HasPrefix(err.Error(), "loop: "+what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if w.StopReading(3) {
		t.Error("a closed loop watches")
	}
	if got := w.watchCalls(); !slices.Equal(got, []string{"register 3 read", "close"}) {
		t.Errorf("the selector was told %q", got)
	}
}

// TestCloseInTheMiddleOfAPhase, which Goexit leaves, unsets the timers that were to run.
func TestCloseInTheMiddleOfAPhase(t *testing.T) {
	w := newWorld(t, nil)
	w.After(0, runtime.Goexit)
	timer := w.After(0, w.say("timer"))
	runToItsEnd(w)
	if !timer.Set() {
		t.Error("the timer is gone")
	}
	must(t, w.Close())
	if timer.Set() {
		t.Error("the timer is still set")
	}
}

func TestErrorOfCloseIsReturned(t *testing.T) {
	selector := looptest.NewSelector()
	l, err := loop.New(loop.Config{Selector: selector})
	must(t, err)
	selector.Fail(looptest.OpClose, errRefused)
	err = l.Close()
	if !errors.Is(err, errRefused) || !strings.HasPrefix(err.Error(), "loop: close: ") {
		t.Errorf("close: %v", err)
	}
}

// TestSelectThatFailsEndsRun, with its error, in each way of waiting. What was due or set stays so,
// and the loop can run again.
func TestSelectThatFailsEndsRun(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"something is due":          func(w *world) { w.Soon(w.say("soon")) },
		"the clock could jump":      func(w *world) { w.After(time.Second, w.say("timer")) },
		"nothing would ever happen": func(*world) {},
		"work is outside": func(w *world) {
			w.Outside(1)
			w.After(time.Second, func() {})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			must(t, w.OnReadable(3, w.say("event")))
			prepare(w)
			w.kernel.Fail(looptest.OpSelect, errRefused)
			err := w.Run()
			if !errors.Is(err, errRefused) || err.Error() != "loop: select: refused" {
				t.Errorf("Run: %v", err)
			}
			w.expect("callbacks")
			w.kernel.SetReady(3, selectors.Read)
			w.After(0, w.Stop)
			w.run()
			if !slices.Contains(w.log, "event") {
				t.Errorf("the second Run: %q", w.log)
			}
		})
	}
}

// runToItsEnd runs the loop on a goroutine of its own, which a callback ends.
func runToItsEnd(w *world) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = w.Run()
		w.Error("Run has returned")
	}()
	<-done
}

// TestGoexitInACallback, as t.FailNow does it, ends the goroutine of Run, and only that: the rest
// runs when the loop does again.
func TestGoexitInACallback(t *testing.T) {
	w := newWorld(t, nil)
	w.Soon(func() {
		w.Soon(w.say("added"))
		w.Mark(&loop.Label{Name: "gone"})
		runtime.Goexit()
	})
	w.Soon(w.say("soon"))
	w.After(0, runtime.Goexit)
	w.After(0, w.say("timer"))
	runToItsEnd(w)
	if w.Idle() || w.Inside() {
		t.Error("the loop has nothing left, or runs")
	}
	runToItsEnd(w)
	if name, stack := w.Holder(); name != "" || stack != nil {
		t.Errorf("%q still holds the loop:\n%s", name, stack)
	}
	w.turn()
	w.expect("what was left", "timer", "soon", "added")
}

// T21: whether it is called by the loop, one can ask from anywhere: by a callback, or a coroutine
// that the label names.
func TestInsideTellsWhoseGoroutineItIs(t *testing.T) {
	if sys.Goroutine() == 0 {
		t.Log("goroutines cannot be told apart here")
		return
	}
	w := newWorld(t, nil)
	elsewhere := func() bool {
		answer := make(chan bool)
		go func() { answer <- w.Inside() }()
		return <-answer
	}
	expect := func(where string, here bool) {
		t.Helper()
		if w.Inside() != here || elsewhere() {
			t.Errorf("%s: inside is %v, on another goroutine %v", where, w.Inside(), elsewhere())
		}
	}
	expect("before Run", false)
	label := &loop.Label{Name: "task"}
	co := coro.New(func(co *coro.Coro) {
		label.Goroutine.Store(co.Goroutine())
		expect("in a coroutine without a label", false)
		co.Yield()
		expect("in a coroutine with a label", true)
		co.Yield()
		expect("in a coroutine of another turn", false)
	})
	w.Soon(func() {
		expect("in a callback", true)
		co.Resume()
		w.Mark(label)
		co.Resume()
	})
	w.turn()
	w.Soon(func() { co.Resume() })
	w.turn()
	expect("after Run", false)
}

// TestZeroConfigIsAnOrdinaryLoop: real time, a real selector.
func TestZeroConfigIsAnOrdinaryLoop(t *testing.T) {
	l := newLoop(t, loop.Config{})
	begun := time.Now()
	l.After(2*time.Millisecond, l.Stop)
	must(t, l.Run())
	if took := time.Since(begun); took < 2*time.Millisecond || l.Now() < 2*time.Millisecond {
		t.Errorf("2 ms took %v, by the loop's clock %v", took, l.Now())
	}
}
