package loop_test

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// TestTimersAreASortedList: random operations on timers, in callbacks of timers as well, and the
// same on a list that is sorted anew for each turn.
func TestTimersAreASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &timerModel{T: t, clock: looptest.NewClock()}
		l, err := loop.New(loop.Config{Clock: m.clock, Selector: looptest.NewSelector()})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		m.loop = l
		t.Repeat(map[string]func(*rapid.T){
			"set":  func(*rapid.T) { m.operate() },
			"turn": func(*rapid.T) { m.turn() },
			"":     func(*rapid.T) { m.compare() },
		})
	})
}

// timerModel knows in principle what the timers of a loop do.
type timerModel struct {
	*rapid.T
	loop  *loop.Loop
	clock *looptest.Clock
	all   []*modelTimer
	seq   int
	due   []*modelTimer // of the phase that runs, those that have to run
}

// modelTimer is a timer, and what it must be.
type modelTimer struct {
	timer *loop.Timer
	set   bool
	when  time.Duration
	seq   int
}

// operate does something with a timer, in a callback too.
func (m *timerModel) operate() {
	if len(m.all) < 2 || len(m.all) < 40 && rapid.Bool().Draw(m.T, "another timer") {
		mt := &modelTimer{timer: &loop.Timer{}}
		mt.timer.Init(m.loop, loop.Func(func() { m.expired(mt) }))
		m.all = append(m.all, mt)
	}
	mt := rapid.SampledFrom(m.all).Draw(m.T, "timer")
	if rapid.IntRange(0, 3).Draw(m.T, "operation") == 0 {
		if mt.timer.Stop() != mt.set {
			m.Fatalf("Stop says %v", !mt.set)
		}
		mt.set = false
		m.forget(mt)
		return
	}
	delay := rapid.OneOf(rapid.Int64Range(-5, 20),
		rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64})).Draw(m.T, "delay")
	mt.timer.Reset(time.Duration(delay))
	m.seq++
	mt.set, mt.seq, mt.when = true, m.seq, m.clock.Now()+time.Duration(delay)
	if delay > 0 && mt.when < 0 {
		mt.when = math.MaxInt64
	}
	m.forget(mt)
}

// forget takes a timer out of those that have to run.
func (m *timerModel) forget(mt *modelTimer) {
	m.due = slices.DeleteFunc(m.due, func(other *modelTimer) bool { return other == mt })
}

// expired is the callback of all timers.
func (m *timerModel) expired(mt *modelTimer) {
	if len(m.due) == 0 || m.due[0] != mt {
		m.Fatalf("the timer of %d has run, and not in its turn", mt.when)
	}
	m.due = m.due[1:]
	mt.set = false
	for range rapid.IntRange(0, 3).Draw(m.T, "operations in the callback") {
		m.operate()
	}
}

// turn lets some time pass, and what has expired run.
func (m *timerModel) turn() {
	m.clock.Advance(time.Duration(rapid.IntRange(0, 15).Draw(m.T, "time")))
	for _, mt := range m.all {
		if mt.set && mt.when <= m.clock.Now() {
			m.due = append(m.due, mt)
		}
	}
	slices.SortFunc(m.due, func(a, b *modelTimer) int {
		return cmp.Or(cmp.Compare(a.when, b.when), cmp.Compare(a.seq, b.seq))
	})
	m.loop.Stop()
	if err := m.loop.Run(); err != nil {
		m.Fatal(err)
	}
	if len(m.due) > 0 {
		m.Fatalf("%d timers have not run", len(m.due))
	}
}

func (m *timerModel) compare() {
	set := 0
	for _, mt := range m.all {
		if mt.set {
			set++
		}
		if mt.timer.Set() != mt.set || mt.set && mt.timer.When() != mt.when {
			m.Fatalf("set: %v, to %d; want %v, %d", mt.timer.Set(), mt.timer.When(), mt.set,
				mt.when)
		}
	}
	if length, _ := m.loop.HeapSize(); length != set {
		m.Fatalf("the heap has %d timers, %d are set", length, set)
	}
}
