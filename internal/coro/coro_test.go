package coro_test

import (
	"iter"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStepsAlternate: the coroutine runs while Resume does, and at no other time.
func TestStepsAlternate(t *testing.T) {
	var steps []string
	c := coro.New(func(c *coro.Coro) {
		for _, step := range []string{"a", "b", "c"} {
			steps = append(steps, step)
			if !c.Yield() {
				t.Error("Yield returned false, and nobody has stopped the coroutine")
			}
		}
		steps = append(steps, "end")
	})
	steps = append(steps, "created")
	for c.Resume() {
		steps = append(steps, "yielded")
	}
	want := []string{"created", "a", "yielded", "b", "yielded", "c", "yielded", "end"}
	if !slices.Equal(steps, want) {
		t.Errorf("the steps are %q, want %q", steps, want)
	}
}

func TestResumeAfterTheEnd(t *testing.T) {
	runs := 0
	c := coro.New(func(*coro.Coro) { runs++ })
	for range 3 {
		if c.Resume() {
			t.Error("a body without Yield has yielded")
		}
	}
	c.Stop()
	if c.Resume() || runs != 1 {
		t.Errorf("the body ran %d times", runs)
	}
}

// TestStopBeforeTheFirstResume: the body never begins.
func TestStopBeforeTheFirstResume(t *testing.T) {
	c := coro.New(func(*coro.Coro) { t.Error("the body ran") })
	c.Stop()
	c.Stop()
	if c.Resume() {
		t.Error("a stopped coroutine was resumed")
	}
}

// TestStopRunsDeferredFunctions, and returns when they have run.
func TestStopRunsDeferredFunctions(t *testing.T) {
	var steps []string
	c := coro.New(func(c *coro.Coro) {
		defer func() { steps = append(steps, "deferred") }()
		for c.Yield() {
			steps = append(steps, "resumed")
		}
		steps = append(steps, "stopped")
	})
	for range 2 {
		if !c.Resume() {
			t.Fatal("the coroutine has ended")
		}
	}
	c.Stop()
	if want := []string{"resumed", "stopped", "deferred"}; !slices.Equal(steps, want) {
		t.Errorf("the steps are %q, want %q", steps, want)
	}
	c.Stop()
	if c.Resume() {
		t.Error("a stopped coroutine was resumed")
	}
}

// TestDeferredFunctionsThatYield do not wait when the coroutine is stopped: Yield returns false at
// once, as often as it is called, and Stop returns when the body has.
func TestDeferredFunctionsThatYield(t *testing.T) {
	yields, ended := 0, false
	c := coro.New(func(c *coro.Coro) {
		defer func() { ended = true }()
		defer func() {
			for range 3 {
				if c.Yield() {
					t.Error("Yield returned true in a stopped coroutine")
				}
				yields++
			}
		}()
		c.Yield()
	})
	c.Resume()
	c.Stop()
	if yields != 3 || !ended {
		t.Errorf("after Stop: %d of 3 yields, the body has ended: %v", yields, ended)
	}
}

// TestGoroutineIsThatOfTheBody, from its beginning to its end, and of nobody else.
func TestGoroutineIsThatOfTheBody(t *testing.T) {
	if sys.Goroutine() == 0 {
		return // goroutines cannot be told apart here
	}
	c := coro.New(func(c *coro.Coro) {
		for {
			if c.Goroutine() != sys.Goroutine() {
				t.Error("Goroutine is not the one that runs the body")
			}
			if !c.Yield() {
				return
			}
		}
	})
	for range 3 {
		c.Resume()
		if c.Goroutine() == sys.Goroutine() {
			t.Error("Goroutine is the one that resumes")
		}
	}
	c.Stop()
}

// TestCoroutineMovesBetweenGoroutines: whoever resumes it, one at a time.
func TestCoroutineMovesBetweenGoroutines(t *testing.T) {
	count := 0
	c := coro.New(func(c *coro.Coro) {
		for c.Yield() {
			count++
		}
	})
	for range 100 {
		done := make(chan bool)
		go func() { done <- c.Resume() }()
		if !<-done {
			t.Fatal("the coroutine has ended")
		}
	}
	c.Stop()
	if count != 99 {
		t.Errorf("%d steps, want 99", count)
	}
}

// TestCoroutineRunsCoroutines: one that resumes another waits for it like any caller.
func TestCoroutineRunsCoroutines(t *testing.T) {
	var steps []int
	outer := coro.New(func(outer *coro.Coro) {
		inner := coro.New(func(inner *coro.Coro) {
			for i := range 3 {
				steps = append(steps, i)
				inner.Yield()
			}
		})
		defer inner.Stop()
		for inner.Resume() {
			outer.Yield()
		}
	})
	resumes := 0
	for outer.Resume() {
		resumes++
	}
	if resumes != 3 || !slices.Equal(steps, []int{0, 1, 2}) {
		t.Errorf("%d resumes, steps %v", resumes, steps)
	}
}

// BenchmarkSwitch is one switch there and back: of a coroutine, of the bare iter.Pull that it
// stands on, and of two goroutines that hand over through channels.
//
//	go test -bench Switch -count 10 ./internal/coro | benchstat -col /by -
func BenchmarkSwitch(b *testing.B) {
	b.Run("by=coro", func(b *testing.B) {
		c := coro.New(func(c *coro.Coro) {
			for c.Yield() {
			}
		})
		defer c.Stop()
		for b.Loop() {
			c.Resume()
		}
	})
	b.Run("by=pull", func(b *testing.B) {
		next, stop := iter.Pull(func(yield func(struct{}) bool) {
			for yield(struct{}{}) {
			}
		})
		defer stop()
		for b.Loop() {
			next()
		}
	})
	b.Run("by=channels", func(b *testing.B) {
		there, back := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(back)
			for range there {
				back <- struct{}{}
			}
		}()
		for b.Loop() {
			there <- struct{}{}
			<-back
		}
		close(there)
		<-back
	})
}

// BenchmarkLife is a coroutine from its creation to its end.
func BenchmarkLife(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		c := coro.New(func(c *coro.Coro) { c.Yield() })
		c.Resume()
		c.Resume()
	}
}
