package loop_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

// TestTimersExpireInTheOrderOfTheirTimes, and those of the same time in the order in which they
// were set, which for one that was set again is the last time.
func TestTimersExpireInTheOrderOfTheirTimes(t *testing.T) {
	w := newWorld(t, nil)
	again := w.At(2, w.say("2, set again"))
	for _, n := range numbers(20) {
		w.At(2, w.say("2, "+n))
		w.At(1, w.say("1, "+n))
	}
	again.ResetAt(2)
	w.clock.Advance(2)
	w.turn()
	var want []string
	for _, when := range []string{"1, ", "2, "} {
		for _, n := range numbers(20) {
			want = append(want, when+n)
		}
	}
	w.expect("timers", append(want, "2, set again")...)
}

// T20: negative delays are in the past, the more negative ones more so. None is too long for the
// clock.
func TestNegativeDelays(t *testing.T) {
	w := newWorld(t, nil)
	w.clock.Advance(time.Minute)
	for _, d := range []time.Duration{0, -1, -2, -time.Hour, math.MinInt64, -3} {
		w.After(d, w.say(fmt.Sprint(int64(d))))
	}
	w.clock.Advance(time.Minute)
	w.turn()
	w.expect("timers", "-9223372036854775808", "-3600000000000", "-3", "-2", "-1", "0")
}

// TestPastIsNotWaitedFor, however long ago it is.
func TestPastIsNotWaitedFor(t *testing.T) {
	w := newWorld(t, nil)
	w.clock.Advance(time.Minute)
	w.At(math.MinInt64, w.Stop)
	must(t, w.OnReadable(3, func() {}))
	w.run()
	if got := w.kernel.Timeouts(); !slices.Equal(got, []time.Duration{0}) || w.Now() > time.Minute {
		t.Errorf("the loop has selected for %v, until %v", got, w.Now())
	}
}

// TestDelaysThatReachBeyondTheClock end with it.
func TestDelaysThatReachBeyondTheClock(t *testing.T) {
	w := newWorld(t, nil)
	w.clock.Advance(time.Minute)
	timer := w.After(math.MaxInt64, func() { t.Error("the end of time is here") })
	if timer.When() != math.MaxInt64 {
		t.Errorf("set to %v", timer.When())
	}
	w.turn()
}

// TestNoTimerExpiresEarly, and each as soon as it may.
func TestNoTimerExpiresEarly(t *testing.T) {
	w := newWorld(t, nil)
	left := 100
	for i := range left {
		when := time.Duration(1 + i*i%37)
		w.At(when, func() {
			if w.Now() != when {
				t.Errorf("the timer of %d ran at %d", when, w.Now())
			}
			if left--; left == 0 {
				w.Stop()
			}
		})
	}
	w.turn()
	if left != 100 {
		t.Errorf("%d timers ran at once", 100-left)
	}
	w.run()
}

// T19
func TestStoppedTimersAreGone(t *testing.T) {
	w := newWorld(t, nil)
	var all []*loop.Timer
	for range 1000 {
		all = append(all, w.After(time.Second, func() { t.Error("a stopped timer ran") }))
	}
	for i := range all { // from the middle outwards
		timer := all[(500+i*7)%1000]
		if !timer.Set() || !timer.Stop() || timer.Set() || timer.Stop() {
			t.Fatal("Stop does not say whether the timer was set")
		}
		if length, _ := w.HeapSize(); length != 999-i {
			t.Fatalf("%d timers are left after %d of 1000 were stopped", length, i+1)
		}
	}
	w.clock.Advance(time.Hour)
	w.turn()
	if !w.Idle() {
		t.Error("something is left")
	}
}

// TestRestIsInOrder when timers were stopped anywhere among others.
func TestRestIsInOrder(t *testing.T) {
	random := looptest.Order(looptest.Seed(t))
	w := newWorld(t, nil)
	for range 50 {
		left, last := 0, w.Now()
		var all []*loop.Timer
		for range 100 + random.IntN(200) {
			when := w.Now() + time.Duration(random.IntN(1000))
			all = append(all, w.At(when, func() {
				if when < last {
					t.Errorf("the timer of %d ran after that of %d", when, last)
				}
				last = when
				left--
			}))
		}
		for _, i := range random.Perm(len(all))[:len(all)/2] {
			all[i].Stop()
		}
		left = len(all) - len(all)/2
		w.clock.Advance(1000)
		if w.turn(); left != 0 {
			t.Errorf("%d timers have not run", left)
		}
	}
}

// TestHeapShrinks when a burst is over, and not before.
func TestHeapShrinks(t *testing.T) {
	w := newWorld(t, nil)
	var all []*loop.Timer
	for range 100_000 {
		all = append(all, w.After(time.Second, func() {}))
	}
	for _, timer := range all[100:] {
		timer.Stop()
		if length, capacity := w.HeapSize(); capacity > 4096 && capacity > 8*length+8 {
			t.Fatalf("room for %d, and %d are there", capacity, length)
		}
	}
	w.clock.Advance(time.Second)
	w.turn()
	if length, capacity := w.HeapSize(); length != 0 || capacity > 4096 {
		t.Errorf("room for %d, and %d are there", capacity, length)
	}
}

// TestTimersOfOnePhaseSeeEachOther: one that has expired and has not run can be stopped, or set to
// another time, and then it does not run in this phase.
func TestTimersOfOnePhaseSeeEachOther(t *testing.T) {
	w := newWorld(t, nil)
	var first, stopped, later, past *loop.Timer
	first = w.After(0, func() {
		if first.Set() || first.Stop() {
			t.Error("a timer that runs is set")
		}
		if !stopped.Set() || !stopped.Stop() || stopped.Stop() {
			t.Error("Stop does not say whether the timer was set")
		}
		later.Reset(time.Second)
		past.Reset(-time.Second)
		past.Reset(-time.Second)
		w.say("first")()
	})
	stopped = w.After(0, w.say("stopped"))
	later = w.After(0, w.say("later"))
	past = w.After(0, w.say("past"))
	w.After(0, w.say("last"))
	w.turn()
	w.expect("the first turn", "first", "last")
	w.turn()
	w.expect("the second turn", "past")
	w.clock.Advance(time.Second)
	w.turn()
	w.expect("a second later", "later")
}

// TestTimersSetWhileOthersExpire, to the past, wait for the next turn and keep out nobody.
func TestTimersSetWhileOthersExpire(t *testing.T) {
	w := newWorld(t, nil)
	w.clock.Advance(time.Minute)
	var again *loop.Timer
	again = w.At(0, func() {
		w.say("again")()
		again.Reset(-time.Hour)
	})
	w.At(1, func() {
		w.say("1")()
		w.After(-2, w.say("-2"))
		w.After(-1, w.say("-1"))
	})
	w.At(2, w.say("2"))
	w.turn()
	w.expect("the first turn", "again", "1", "2")
	w.turn()
	w.expect("the second turn", "again", "-2", "-1")
}

// TestTimersMoveBothWays: to an earlier time, to a later one, and to an earlier one than that.
func TestTimersMoveBothWays(t *testing.T) {
	w := newWorld(t, nil)
	timer := w.At(100, func() { w.say(fmt.Sprint("moved ", int64(w.Now())))() })
	for _, n := range []time.Duration{10, 20, 30, 40, 50} {
		w.At(n, w.say(fmt.Sprint(int64(n))))
	}
	w.At(60, w.Stop)
	w.At(15, func() { timer.ResetAt(45) })
	w.At(25, func() { timer.ResetAt(55) })
	w.At(35, func() { timer.ResetAt(38) })
	w.run()
	w.expect("timers", "10", "20", "30", "moved 38", "40", "50")
	if timer.Set() || timer.When() != 38 {
		t.Errorf("set: %v, to %d", timer.Set(), timer.When())
	}
}

// TestDeadlinesAreExtendedForNothing: no growth, no allocation, and no turn at the former times.
func TestDeadlinesAreExtendedForNothing(t *testing.T) {
	w := newWorld(t, nil)
	ran := 0
	var all []*loop.Timer
	for range 1000 {
		all = append(all, w.After(time.Second, func() { ran++ }))
	}
	_, before := w.HeapSize()
	allocations := testing.AllocsPerRun(1000, func() {
		w.clock.Advance(time.Millisecond)
		for _, timer := range all {
			timer.Reset(time.Second)
		}
	})
	if length, after := w.HeapSize(); length != 1000 || after != before || allocations != 0 {
		t.Errorf("%d timers, room for %d after %d, %v allocations", length, after, before,
			allocations)
	}
	turns := w.Stats().Turns
	w.After(time.Second, w.Stop)
	w.run()
	if ran != 1000 || w.Now() != 1001*time.Millisecond+time.Second {
		t.Errorf("%d timers ran, the last at %v", ran, w.Now())
	}
	if turns = w.Stats().Turns - turns; turns != 1 {
		t.Errorf("%d turns for timers of the same time", turns)
	}
}

// TestTimerThatIsPartOfSomething is no allocation.
func TestTimerThatIsPartOfSomething(t *testing.T) {
	w := newWorld(t, nil)
	var owner struct {
		counter
		timer loop.Timer
	}
	owner.timer.Init(w.Loop, &owner.counter)
	if owner.timer.Set() || owner.timer.Stop() {
		t.Error("set before it was")
	}
	run := func() {
		owner.timer.Reset(time.Second)
		w.clock.Advance(time.Second)
		w.Stop()
		_ = w.Run()
	}
	run()
	before := owner.count
	allocations := testing.AllocsPerRun(100, func() {
		for range 100 {
			owner.timer.Reset(time.Second)
			owner.timer.Stop()
		}
	})
	if run(); owner.count != before+1 || allocations != 0 {
		t.Errorf("it ran %d times, with %v allocations", owner.count-before, allocations)
	}
}

// counter is a Runner.
type counter struct{ count int }

func (c *counter) Run() { c.count++ }

// TestLoopSleepsUntilTheNextTimer, and without one for ever.
func TestLoopSleepsUntilTheNextTimer(t *testing.T) {
	w := newWorld(t, func(c *loop.Config) { c.Clock = &frozenClock{} })
	w.kernel.Script(postStep(w, w.Stop))
	w.run()
	timer := w.At(5*time.Second, func() {})
	w.At(7*time.Second, func() {})
	w.kernel.Script(postStep(w, func() { timer.Stop() }), postStep(w, w.Stop))
	w.run()
	want := []time.Duration{selectors.Forever, 5 * time.Second, 7 * time.Second}
	if got := w.kernel.Timeouts(); !slices.Equal(got, want) {
		t.Errorf("the loop has selected for %v, want %v", got, want)
	}
}

// frozenClock is one that goes by itself, as far as a loop can see, and stands still.
type frozenClock struct{}

func (*frozenClock) Now() time.Duration      { return 0 }
func (*frozenClock) Jump(time.Duration) bool { return false }
