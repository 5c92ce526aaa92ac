package loop_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

func TestSoonIsFirstInFirstOut(t *testing.T) {
	w := newWorld(t, nil)
	for _, n := range numbers(100) {
		w.Soon(w.say(n))
	}
	w.turn()
	w.expect("callbacks", numbers(100)...)
}

// TestWhatATurnAddsWaitsForTheNext, also what that adds.
func TestWhatATurnAddsWaitsForTheNext(t *testing.T) {
	w := newWorld(t, nil)
	w.Soon(func() {
		w.say("a")()
		w.Soon(func() {
			w.say("c")()
			w.Soon(w.say("d"))
		})
	})
	w.Soon(w.say("b"))
	for _, want := range [][]string{{"a", "b"}, {"c"}, {"d"}, nil} {
		w.turn()
		w.expect("turn", want...)
	}
}

// TestSoonNeverRunsAtOnce, not even where the loop does nothing else.
func TestSoonNeverRunsAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	ran := false
	w.Soon(func() {
		w.Soon(func() { ran = true })
		if ran {
			t.Error("Soon has run its callback")
		}
	})
	w.turn()
	w.turn()
	if !ran {
		t.Error("the callback has not run")
	}
}

// TestPhasesRunInTheirOrder: in one turn, posts become due before events and timers run, and what
// these add runs in the fifth phase of the same turn.
func TestPhasesRunInTheirOrder(t *testing.T) {
	w := newWorld(t, nil)
	both := func(word string) func() {
		return func() {
			w.say(word)()
			w.Soon(w.say("of " + word))
		}
	}
	w.After(time.Second, both("timer"))
	must(t, w.OnReadable(3, both("event")))
	w.Soon(both("soon"))
	w.kernel.Script(looptest.Step{
		Before: func() {
			w.clock.Advance(time.Second)
			must(t, w.Post(both("post")))
		},
		Ready: []looptest.Event{{FD: 3, Events: selectors.Read}},
	})
	w.turn()
	w.expect("one turn", "event", "timer", "soon", "post", "of event", "of timer")
	w.turn()
	w.expect("the next", "of soon", "of post")
}

// TestLoopThatIsBusyLooksForEventsInEachTurn: a chain of callbacks does not keep them out, and
// where nothing is watched there is nothing to look for.
func TestLoopThatIsBusyLooksForEventsInEachTurn(t *testing.T) {
	w := newWorld(t, nil)
	turns := 0
	var chain func()
	chain = func() {
		if turns++; turns < 10 {
			w.Soon(chain)
			return
		}
		w.Stop()
	}
	w.Soon(chain)
	w.run()
	if got := w.kernel.Timeouts(); len(got) != 0 {
		t.Errorf("with nothing to watch the loop has selected for %v", got)
	}
	must(t, w.OnReadable(3, w.say("event")))
	w.kernel.SetReady(3, selectors.Read)
	turns = 0
	w.Soon(chain)
	w.run()
	if got, want := w.kernel.Timeouts(), make([]time.Duration, 10); !slices.Equal(got, want) {
		t.Errorf("the loop has selected for %v, want %v", got, want)
	}
	if len(w.log) != 10 {
		t.Errorf("%d events in 10 turns", len(w.log))
	}
}

// shuffled returns the order in which a loop with this seed runs n callbacks, events and posts, and
// then one that was added by the first of them.
func shuffled(t *testing.T, seed uint64, n int) []string {
	w := newWorld(t, func(c *loop.Config) { c.Order = looptest.Order(seed) })
	later := false
	for i, name := range numbers(n) {
		w.Soon(func() {
			w.say(name)()
			if !later {
				later = true
				w.Soon(w.say("later"))
			}
		})
		must(t, w.OnReadable(i, w.say("event")))
		must(t, w.OnReadable(i, w.say("event "+name)))
		w.kernel.SetReady(i, selectors.Read)
	}
	w.turn()
	if len(w.log) != 2*n {
		t.Fatalf("one turn: %q", w.log)
	}
	w.turn()
	return w.log[:2*n+n+1]
}

// TestOrderIsThatOfTheSeed, and everything runs once, in its turn.
func TestOrderIsThatOfTheSeed(t *testing.T) {
	const n = 20
	seed := looptest.Seed(t)
	one, same, other := shuffled(t, seed, n), shuffled(t, seed, n), shuffled(t, seed+1, n)
	if !slices.Equal(one, same) {
		t.Errorf("the same seed: %q and %q", one, same)
	}
	for name, of := range map[string]func([]string) []string{
		"events":    func(l []string) []string { return l[:n] },
		"callbacks": func(l []string) []string { return l[n : 2*n] },
	} {
		if slices.Equal(of(one), of(other)) {
			t.Errorf("another seed: the same %s, %q", name, of(one))
		}
		if got := slices.Sorted(slices.Values(of(one))); !slices.Equal(got, slices.Compact(got)) {
			t.Errorf("%s ran twice: %q", name, of(one))
		}
	}
	if last := one[len(one)-1]; last != "later" {
		t.Errorf("what a turn added ran before its end: %q", one)
	}
}

// TestTimersKeepTheirOrder where the rest is shuffled.
func TestTimersKeepTheirOrder(t *testing.T) {
	w := newWorld(t, func(c *loop.Config) { c.Order = looptest.Order(looptest.Seed(t)) })
	for _, n := range numbers(100) {
		w.After(0, w.say(n))
	}
	w.turn()
	w.expect("timers", numbers(100)...)
}

func TestIdle(t *testing.T) {
	w := newWorld(t, nil)
	idle := func(when string, want bool) {
		t.Helper()
		if got := w.Idle(); got != want {
			t.Errorf("%s: idle is %v", when, got)
		}
	}
	idle("a new loop", true)
	w.Soon(func() { idle("in the first of two callbacks", false) })
	w.Soon(func() { idle("in the last", true) })
	idle("with something due", false)
	w.turn()
	idle("after it", true)
	timer := w.After(0, func() { idle("in a timer, another due", false) })
	w.After(0, func() { idle("in the last timer", true) })
	idle("with timers", false)
	w.turn()
	timer.Reset(time.Hour)
	timer.Stop()
	idle("with a stopped timer", true)
	must(t, w.OnReadable(3, func() {}), w.OnWritable(3, func() {}))
	w.StopReading(3)
	idle("with a descriptor", false)
	w.StopWriting(3)
	idle("without", true)
	w.Outside(1)
	idle("with work outside", false)
	w.Outside(-1)
	w.Offer(1)
	idle("with an offer", true)
	w.Offer(-1)
	must(t, w.Post(func() {}))
	idle("with a post", false)
}

// TestVirtualTimePassesOnlyWhenNothingElseCanRun: not while something is due or ready, nor while
// there is work outside.
func TestVirtualTimePassesOnlyWhenNothingElseCanRun(t *testing.T) {
	w := newWorld(t, nil)
	w.After(time.Hour, func() { w.say(fmt.Sprint("timer at ", w.Now()))(); w.Stop() })
	w.Soon(func() { w.say(fmt.Sprint("callback at ", w.Now()))() })
	must(t, w.OnReadable(3, func() {
		w.say(fmt.Sprint("event at ", w.Now()))()
		w.StopReading(3)
	}))
	w.turn()
	w.expect("what is due", "callback at 0s")
	w.Outside(1)
	w.kernel.Script(looptest.Step{Before: func() {
		w.kernel.SetReady(3, selectors.Read)
		must(t, w.Post(func() { w.say(fmt.Sprint("post at ", w.Now()))(); w.Outside(-1) }))
	}})
	w.run()
	w.expect("all", "post at 0s", "event at 0s", "timer at 1h0m0s")
	want := []time.Duration{0, selectors.Forever, 0, 0}
	if got := w.kernel.Timeouts(); !slices.Equal(got, want) {
		t.Errorf("the loop has selected for %v, want %v", got, want)
	}
}

// TestPostKeepsTheClockFromJumping: it can run at once.
func TestPostKeepsTheClockFromJumping(t *testing.T) {
	w := newWorld(t, nil)
	w.After(time.Hour, func() {})
	must(t, w.Post(w.Stop))
	w.run()
	if w.Now() != 0 {
		t.Errorf("it is %v", w.Now())
	}
}

// TestOfferIsNotLag: what others do on the processor meanwhile is no part of a turn. Where Go's
// scheduler takes the processor away by itself it is, so there are some attempts.
func TestOfferIsNotLag(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 20 {
		w := newWorld(t, nil)
		w.Offer(1)
		w.Soon(func() {
			go w.clock.Advance(time.Second)
			w.Soon(w.Stop)
		})
		w.run()
		if s := w.Stats(); w.Now() == time.Second && s.Lag[0] == s.Turns {
			return
		}
	}
	t.Error("what another goroutine does is counted as the loop's")
}

// TestProcessorIsOffered while there is work outside: otherwise Go's scheduler would leave the loop
// on the only processor for 10 ms, which is very many turns.
func TestProcessorIsOffered(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for name, offer := range map[string]func(*loop.Loop){
		"Outside": func(l *loop.Loop) { l.Outside(1) },
		"Offer":   func(l *loop.Loop) { l.Offer(1) },
	} {
		l := newLoop(t, loop.Config{})
		offer(l)
		var busy func()
		busy = func() { l.Soon(busy) }
		l.Soon(func() {
			go func() { _ = l.Post(l.Stop) }()
			busy()
		})
		must(t, l.Run())
		if turns := l.Stats().Turns; turns > 50 {
			t.Errorf("%s: another goroutine has come to run after %d turns", name, turns)
		}
	}
}
