package loop_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

// TestLoopTellsWhenItWaits, and what it has found, until nobody wants to know; to be told costs no
// allocation.
func TestLoopTellsWhenItWaits(t *testing.T) {
	w := newWorld(t, nil)
	w.OnWait(func(found int) { w.say(fmt.Sprint("wait ", found))() })
	must(t, w.OnReadable(3, w.say("event")))
	w.turn()
	w.kernel.Script(looptest.Step{Ready: []looptest.Event{{FD: 3, Events: selectors.Read}}})
	w.turn()
	w.expect("two turns", "wait -1", "wait 0", "wait -1", "wait 1", "event")
	w.OnWait(nil)
	w.turn()
	w.expect("with nobody to be told")

	told, turns := 0, 0
	untold := fewestAllocs(w.turn) // Run has some of its own
	w.OnWait(func(int) { told++ })
	n := fewestAllocs(func() { turns++; w.turn() })
	if n > untold || told != 2*turns {
		t.Errorf("a turn allocates %v times, and %v if somebody is told, who was %d times in %d "+
			"turns", untold, n, told, turns)
	}
}

// fewestAllocs is how often f allocates: what others in the process do meanwhile can only add to
// it.
func fewestAllocs(f func()) float64 {
	fewest := math.Inf(1)
	for range 10 {
		fewest = min(fewest, testing.AllocsPerRun(30, f))
	}
	return fewest
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
