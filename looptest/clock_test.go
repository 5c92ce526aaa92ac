package looptest_test

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

func TestClockGoesAheadAndNeverBack(t *testing.T) {
	c := looptest.NewClock()
	expect := func(want time.Duration) {
		t.Helper()
		if c.Now() != want {
			t.Errorf("it is %v, want %v", c.Now(), want)
		}
	}
	expect(0)
	if !c.Jump(0) {
		t.Error("a clock that stands still says that it does not")
	}
	if !c.Jump(time.Second) {
		t.Error("the clock does not jump")
	}
	expect(time.Second)
	c.Advance(time.Hour)
	expect(time.Hour + time.Second)
	c.Advance(-time.Minute)
	c.Advance(math.MinInt64)
	expect(time.Hour + time.Second)
	if c.Jump(selectors.Forever) {
		t.Error("the clock has jumped to the end of time")
	}
	expect(time.Hour + time.Second)
	c.Advance(math.MaxInt64 - 1)
	expect(math.MaxInt64)
}

func TestClockOfManyGoroutines(t *testing.T) {
	var c looptest.Clock
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				before := c.Now()
				if c.Advance(1); c.Now() <= before {
					t.Error("the clock has gone back")
				}
			}
		})
	}
	all.Wait()
	if c.Now() != 8000 {
		t.Errorf("it is %d, want 8000", c.Now())
	}
}

// TestYearTakesNoTime: a loop on a real selector, with a clock that jumps.
func TestYearTakesNoTime(t *testing.T) {
	l, err := loop.New(loop.Config{Clock: looptest.NewClock()})
	must(t, err)
	const year = 365 * 24 * time.Hour
	days := 0
	var day *loop.Timer
	day = l.After(24*time.Hour, func() {
		days++
		day.Reset(24 * time.Hour)
	})
	l.After(year+time.Second, l.Stop)
	must(t, l.Run())
	if days != 365 || l.Now() != year+time.Second {
		t.Errorf("after %d days it is %v", days, l.Now())
	}
	must(t, l.Close())
}
