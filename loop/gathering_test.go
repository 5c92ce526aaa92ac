package loop_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

// sayLast returns what puts a word into the log, as a Runner.
func (w *world) sayLast(word string) loop.Runner { return loop.Func(w.say(word)) }

// TestLastRunsAfterEverythingElse: in the same turn, once, in order. What it adds is for the next
// turn, which does not wait.
func TestLastRunsAfterEverythingElse(t *testing.T) {
	w := newWorld(t, nil)
	w.Soon(func() {
		w.Last(loop.Func(func() {
			w.say("last")()
			w.Last(w.sayLast("last of the last"))
			w.Soon(w.say("next turn"))
		}))
		w.Last(w.sayLast("another"))
		w.say("soon")()
	})
	w.After(0, func() { w.Last(w.sayLast("of a timer")); w.say("timer")() })
	w.turn()
	w.expect("a turn", "timer", "soon", "of a timer", "last", "another")
	w.After(time.Hour, w.Stop)
	w.Soon(func() { w.Soon(func() { w.Soon(w.Stop) }) })
	w.run()
	w.expect("the next one", "next turn", "last of the last")
}

// TestLastDoesNotWait: what is added while the loop does not run is run in the first turn, though
// nothing else is due, and until then the loop is not idle.
func TestLastDoesNotWait(t *testing.T) {
	w := newWorld(t, nil)
	for range 2 {
		if !w.Idle() {
			t.Error("the loop is not idle")
		}
		w.Last(loop.Func(func() { w.say("last")(); w.Stop() }))
		if w.Idle() {
			t.Error("the loop is idle")
		}
		w.run()
		w.expect("the run", "last")
	}
}

// TestPanicInLast: it is an incident, and the others run all the same.
func TestPanicInLast(t *testing.T) {
	w := newWorld(t, nil)
	w.Last(w.sayLast("before"))
	w.Last(loop.Func(func() { panic("last") }))
	w.Last(w.sayLast("after"))
	w.turn()
	w.expect("the turn", "before", "after")
	if len(w.incidents) != 1 {
		t.Errorf("there are %d incidents", len(w.incidents))
	}
	w.incidents = nil
}

// TestTurnsAreNumbered: from 1, whatever a turn does.
func TestTurnsAreNumbered(t *testing.T) {
	w := newWorld(t, nil)
	var turns []uint64
	note := func() { turns = append(turns, w.Turn()) }
	note()
	w.Soon(func() { note(); w.Last(loop.Func(note)); w.Soon(note) })
	w.turn()
	w.turn()
	if want := []uint64{0, 1, 1, 2}; !slices.Equal(turns, want) {
		t.Errorf("the turns are %v, want %v", turns, want)
	}
}

type (
	keyOne struct{}
	keyTwo struct{}
)

// closer is a Local that says when its loop is closed.
type closer struct {
	w    *world
	name string
	then func()
}

// LoopClosed says so.
func (c *closer) LoopClosed() {
	c.w.say(c.name)()
	if c.then != nil {
		c.then()
	}
}

// TestLocalIsMadeOnce: for each key, also by the making of another one, and it is told of Close.
func TestLocalIsMadeOnce(t *testing.T) {
	w := newWorld(t, nil)
	made := 0
	one := func() any {
		return w.Local(keyOne{}, func() any { made++; return &closer{w: w, name: "one"} })
	}
	two := w.Local(keyTwo{}, func() any { made++; one(); return &closer{w: w, name: "two"} })
	if a, b := one(), one(); a != b || made != 2 {
		t.Errorf("%d were made, and %p is not %p", made, a, b)
	}
	again := w.Local(keyTwo{}, func() any { t.Error("it is made again"); return nil })
	if again != two {
		t.Error("it is another one")
	}
	must(t, w.Close(), w.Close())
	w.expect("the end", "one", "two")
}

// TestLocalThatPanicsAtTheEnd: the others are told, and the selector is closed.
func TestLocalThatPanicsAtTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.Local(keyOne{}, func() any { return &closer{w, "one", func() { panic("one") }} })
	w.Local(keyTwo{}, func() any { return &closer{w, "two", nil} })
	must(t, w.Close())
	w.expect("the end", "one", "two")
	if len(w.incidents) != 1 {
		t.Errorf("there are %d incidents", len(w.incidents))
	}
	w.incidents = nil
	if _, err := w.kernel.Register(1, selectors.Read, nil); !errors.Is(err, selectors.ErrClosed) {
		t.Errorf("the selector is open: %v", err)
	}
}

// TestEndWaitsForWhatHoldsTheLoop: and for nothing else. Held from within several turns, it ends in
// the one in which the last hold ends; without a hold, at once.
func TestEndWaitsForWhatHoldsTheLoop(t *testing.T) {
	w := newWorld(t, nil)
	w.After(time.Hour, w.say("an hour"))
	w.Soon(w.End)
	w.run()
	w.expect("without a hold")

	w.Hold(2)
	w.After(time.Minute, func() { w.say("one")(); w.Hold(-1) })
	w.After(2*time.Minute, func() { w.say("two")(); w.Hold(1); w.Hold(-1) })
	w.After(3*time.Minute, func() { w.say("three")(); w.Hold(-1) })
	w.End() // also before it runs
	w.run()
	w.expect("with two", "one", "two", "three")

	w.Hold(1)
	w.Soon(func() { w.Hold(-1); w.Soon(w.Stop) }) // nobody has said End since
	w.turn()
	if w.Now() != 3*time.Minute {
		t.Errorf("it is %v", w.Now())
	}
}

// TestHoldInTheTurnOfTheEnd: what begins to hold the loop when End was called already, in the same
// turn, such as a connection that is closed in the last phase, is waited for.
func TestHoldInTheTurnOfTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.Soon(func() {
		w.End()
		w.Last(loop.Func(func() {
			w.Hold(1)
			w.After(time.Minute, func() { w.say("sent")(); w.Hold(-1) })
		}))
	})
	w.run()
	w.expect("held since", "sent")
}

// TestUnwatchEndsBothEvents: what is ready in the same turn is not delivered any more, and the
// number can be watched anew at once.
func TestUnwatchEndsBothEvents(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.OnReadable(3, func() {
		w.say("readable")()
		if !w.Unwatch(3) || w.Unwatch(3) {
			t.Error("Unwatch does not say whether it was watched")
		}
		must(t, w.OnWritable(3, w.say("writable, anew")))
	}), w.OnWritable(3, w.say("writable")))
	w.kernel.SetReady(3, selectors.Read|selectors.Write)
	w.turn()
	w.expect("the first turn", "readable")
	w.turn()
	w.expect("the second turn", "writable, anew")
	if !w.Unwatch(3) || w.Unwatch(-1) || w.Unwatch(1<<30) || w.kernel.Len() != 0 {
		t.Errorf("%d are registered", w.kernel.Len())
	}
}

// TestWallGoesOnWithTheClock: a virtual clock takes the time of the day along, and an ordinary
// loop's is the system's.
func TestWallGoesOnWithTheClock(t *testing.T) {
	w := newWorld(t, nil)
	begin := w.Wall()
	if d := time.Since(begin); d < 0 || d > time.Minute {
		t.Errorf("it is %v, %v ago", begin, d)
	}
	w.clock.Advance(1000 * time.Hour)
	if d := w.Wall().Sub(begin); d != 1000*time.Hour {
		t.Errorf("%v have passed", d)
	}
	l := newLoop(t, loop.Config{Selector: looptest.NewSelector()})
	if d := time.Since(l.Wall()); d < 0 || d > time.Minute {
		t.Errorf("the system's time is %v ago", d)
	}
}
