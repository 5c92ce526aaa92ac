package coro_test

import (
	"errors"
	"iter"
	"runtime"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/coro"
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

// TestPanicSurfacesInTheCaller of Resume, or of Stop, and the coroutine has then ended.
func TestPanicSurfacesInTheCaller(t *testing.T) {
	errBroken := errors.New("broken")
	body := func(c *coro.Coro) {
		defer func() {
			if p := recover(); p != nil {
				panic(p) // what a body adds to a panic on its way is its own affair
			}
		}()
		c.Yield()
		panic(errBroken)
	}
	for name, end := range map[string]func(*coro.Coro){
		"Resume": func(c *coro.Coro) { c.Resume() },
		"Stop":   (*coro.Coro).Stop,
	} {
		c := coro.New(body)
		if !c.Resume() {
			t.Fatal("the coroutine has ended")
		}
		if got := panicOf(func() { end(c) }); got != errBroken {
			t.Errorf("%s panicked with %v, want %v", name, got, errBroken)
		}
		if c.Resume() {
			t.Errorf("%s: the coroutine lives on", name)
		}
		c.Stop()
	}
}

func panicOf(f func()) (p any) {
	defer func() { p = recover() }()
	f()
	return nil
}

// TestGoexitEndsTheCaller: t.FailNow in a coroutine ends the test, as it should.
func TestGoexitEndsTheCaller(t *testing.T) {
	returned := false
	done := make(chan struct{})
	c := coro.New(func(*coro.Coro) { runtime.Goexit() })
	go func() {
		defer close(done)
		c.Resume()
		returned = true
	}()
	<-done
	if returned {
		t.Error("Resume returned")
	}
	if c.Resume() {
		t.Error("the coroutine lives on")
	}
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

// TestManyCoroutinesLeaveNothing: a third ends, a third is stopped in the middle, and a third
// before it begins.
func TestManyCoroutinesLeaveNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	const many = 10_000
	ended := 0
	all := make([]*coro.Coro, many)
	for i := range all {
		all[i] = coro.New(func(c *coro.Coro) {
			defer func() { ended++ }()
			for step := 0; step < 3 && c.Yield(); step++ {
			}
		})
	}
	for range 4 {
		for i, c := range all {
			if i%3 == 0 {
				c.Resume()
			}
		}
	}
	for i, c := range all {
		if i%3 == 1 && !c.Resume() {
			t.Fatal("the coroutine has ended")
		}
	}
	if want := (many + 2) / 3; ended != want {
		t.Errorf("%d coroutines have ended, want %d", ended, want)
	}
	for _, c := range all {
		c.Stop()
	}
	if want := (many+2)/3 + (many+1)/3; ended != want {
		t.Errorf("after Stop %d coroutines have ended, want %d", ended, want)
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines are left", after-before)
	}
}

// TestSwitchDoesNotAllocate, however often it is done.
func TestSwitchDoesNotAllocate(t *testing.T) {
	c := coro.New(func(c *coro.Coro) {
		for c.Yield() {
		}
	})
	defer c.Stop()
	if n := testing.AllocsPerRun(1000, func() { c.Resume() }); n != 0 {
		t.Errorf("%v allocations for each switch", n)
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
