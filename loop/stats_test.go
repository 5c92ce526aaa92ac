package loop_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// TestStatsCount what happened, up to the last turn that has ended.
func TestStatsCount(t *testing.T) {
	w := newWorld(t, nil)
	for fd := range 3 {
		must(t, w.OnReadable(fd, func() {}))
	}
	w.kernel.SetReady(0, selectors.Read)
	w.kernel.SetReady(1, selectors.Write) // it is not watched for that
	w.kernel.SetReady(2, both)
	for range 5 {
		must(t, w.Post(func() {}))
	}
	w.After(time.Hour, func() {})
	w.After(0, func() { w.clock.Advance(3 * time.Millisecond) })
	if got := w.Stats(); got != (loop.Stats{}) {
		t.Errorf("before the first turn: %+v", got)
	}
	w.turn()
	w.clock.Advance(time.Second) // between two turns is not in a turn
	w.turn()
	for fd := range 3 {
		w.StopReading(fd)
	}
	w.clock.Advance(time.Second)
	w.turn()
	want := loop.Stats{Turns: 3, Events: 4, Posts: 5, Timers: 1, Watched: 0}
	want.Lag[0], want.Lag[loop.LagIndex(3*time.Millisecond)] = 2, 1
	if diff := cmp.Diff(want, w.Stats()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLagBounds: each duration is counted below its bound, and not below the one before.
func TestLagBounds(t *testing.T) {
	last := len(loop.Lag{}) - 1
	if loop.LagBound(0) != time.Microsecond || loop.LagBound(10) != 1024*time.Microsecond {
		t.Errorf("the bounds are %v, ..., %v", loop.LagBound(0), loop.LagBound(10))
	}
	for i := range last {
		bound := loop.LagBound(i)
		if got, next := loop.LagIndex(bound-1), loop.LagIndex(bound); got != i || next != i+1 {
			t.Errorf("below %v is counted at %d, that itself at %d", bound, got, next)
		}
	}
	for d, want := range map[time.Duration]int{
		-1: 0, math.MinInt64: 0, 0: 0, loop.LagBound(last): last, math.MaxInt64: last,
	} {
		if got := loop.LagIndex(d); got != want {
			t.Errorf("%v is counted at %d, want %d", d, got, want)
		}
	}
}

// TestStatsFromOtherGoroutines never go back, while the loop runs.
func TestStatsFromOtherGoroutines(t *testing.T) {
	l := newLoop(t, loop.Config{})
	var busy func()
	busy = func() { l.Soon(busy) }
	busy()
	done := make(chan error)
	go func() { done <- l.Run() }()
	var before loop.Stats
	for before.Turns < 1000 {
		s := l.Stats()
		if s.Turns < before.Turns || s.Lag[0] < before.Lag[0] {
			t.Fatal(fmt.Errorf("%+v came after %+v", s, before))
		}
		before = s
	}
	must(t, l.Post(l.Stop), <-done)
}
