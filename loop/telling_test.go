package loop_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

// TestLoopTellsWhenItWaits, and of what it has found, until nobody wants to know; to be told costs
// no allocation.
func TestLoopTellsWhenItWaits(t *testing.T) {
	w := newWorld(t, nil)
	w.OnWait(func(found int) { w.say(fmt.Sprint("wait ", found))() })
	must(t, w.OnReadable(3, w.say("event")))
	w.turn()
	w.kernel.Script(looptest.Step{Ready: []looptest.Event{{FD: 3, Events: selectors.Read}}})
	w.turn()
	w.expect("two turns", "wait -1", "wait 0", "wait -1", "wait 1", "event")
	told := 0
	w.OnWait(func(int) { told++ })
	w.StopReading(3)
	must(t, w.OnReadable(3, func() {}))
	if n := testing.AllocsPerRun(100, w.turn); n != 0 {
		t.Errorf("a turn that is told of allocates %v times", n)
	}
	if told == 0 {
		t.Error("nobody was told")
	}
	w.OnWait(nil)
	told = 0
	if w.turn(); told != 0 {
		t.Errorf("it was told of %d times although nobody wants to know", told)
	}
}

// TestLoopOnTheSystemTellsHowLongItWaits: the time between the two calls.
func TestLoopOnTheSystemTellsHowLongItWaits(t *testing.T) {
	l := newLoop(t, loop.Config{})
	const wait = 5 * time.Millisecond
	var began time.Time
	var longest time.Duration
	l.OnWait(func(found int) {
		if found < 0 {
			began = time.Now()
		} else {
			longest = max(longest, time.Since(began))
		}
	})
	l.After(wait, l.Stop)
	must(t, l.Run())
	if longest < wait/2 {
		t.Errorf("it waited for %v at most, and its timer was set to %v", longest, wait)
	}
}
