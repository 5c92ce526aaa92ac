package coro_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/coro"
)

var errBroken = errors.New("broken")

// breakDown is what the stack of a failure has to name.
func breakDown(value any) { panic(value) }

// leave is it for Goexit.
func leave() { runtime.Goexit() }

// ending is a way in which a body can end.
type ending struct {
	name   string
	body   func()
	value  any    // of the failure
	goexit bool   // the failure says
	stack  string // a function in its stack; "" is no failure
}

func endings() []ending {
	return []ending{
		{name: "return", body: func() {}},
		{name: "panic", body: func() { breakDown(errBroken) }, value: errBroken,
			stack: "coro_test.breakDown"},
		{name: "Goexit", body: leave, goexit: true, stack: "coro_test.leave"},
		{name: "panic while Goexit is under way", body: func() {
			defer breakDown(errBroken)
			leave()
		}, value: errBroken, stack: "coro_test.breakDown"},
		{name: "Goexit while a panic is under way", body: func() {
			defer leave()
			breakDown(errBroken)
		}, goexit: true, stack: "coro_test.leave"},
		{name: "recovered", body: func() {
			defer func() { _ = recover() }()
			breakDown(errBroken)
		}},
	}
}

// check compares the failure of a coroutine that has ended so.
func (e ending) check(t *testing.T, c *coro.Coro) {
	t.Helper()
	f := c.Failure()
	if e.stack == "" {
		if f != nil {
			t.Errorf("the failure is %v, want none", f)
		}
		return
	}
	if f == nil {
		t.Fatal("there is no failure")
	}
	if f.Goexit() != e.goexit || f.Value != e.value {
		t.Errorf("the failure has Goexit %v and value %v, want %v and %v", f.Goexit(), f.Value,
			e.goexit, e.value)
	}
	if errors.Is(f, errBroken) == e.goexit {
		t.Errorf("errors.Is says of %q that it is the error of the panic: %v", f, !e.goexit)
	}
	if !strings.Contains(string(f.Stack), e.stack) {
		t.Errorf("the stack does not name %s:\n%s", e.stack, f.Stack)
	}
}

// TestEndingsStayInside: however a body ends, and whether it was resumed or stopped then, its
// caller's goroutine goes on, and learns of it from Failure.
func TestEndingsStayInside(t *testing.T) {
	enders := map[string]func(*coro.Coro){
		"Resume": func(c *coro.Coro) { c.Resume() },
		"Stop":   (*coro.Coro).Stop,
	}
	pool := coro.Pool{Max: 1}
	defer pool.Close()
	for name, end := range enders {
		for _, e := range endings() {
			t.Run(name+"/"+e.name, func(t *testing.T) {
				body := func(c *coro.Coro) {
					c.Yield()
					e.body()
				}
				c := coro.New(body)
				fromPool := pool.New(coro.Func(body))
				for _, c := range []*coro.Coro{c, fromPool} {
					if !c.Resume() || c.Failure() != nil {
						t.Fatal("the coroutine has ended before its end")
					}
					end(c)
					e.check(t, c)
					if c.Resume() {
						t.Error("the coroutine lives on")
					}
					c.Stop()
					e.check(t, c)
				}
				pool.Put(fromPool)
			})
		}
	}
}

// TestFailuresSayWhatHappened, as errors do.
func TestFailuresSayWhatHappened(t *testing.T) {
	for _, c := range []struct {
		failure coro.Failure
		want    string
	}{
		{coro.Failure{Value: "oops"}, "panic: oops"},
		{coro.Failure{Value: errBroken}, "panic: broken"},
		{coro.Failure{}, "the coroutine was ended by runtime.Goexit"},
	} {
		if got := c.failure.Error(); got != c.want {
			t.Errorf("the failure is %q, want %q", got, c.want)
		}
	}
}

// TestDeferredFunctionsOfGoexit run in the coroutine, and may yield as any of its code.
func TestDeferredFunctionsOfGoexit(t *testing.T) {
	var steps []string
	c := coro.New(func(c *coro.Coro) {
		defer func() { steps = append(steps, "outer") }()
		defer func() {
			c.Yield() // waits: a coroutine that exits has not been stopped
			steps = append(steps, "inner")
		}()
		leave()
	})
	if !c.Resume() {
		t.Fatal("the coroutine has ended before its deferred functions")
	}
	if len(steps) != 0 {
		t.Errorf("the steps are %q before the coroutine was resumed", steps)
	}
	if c.Resume() {
		t.Fatal("the coroutine has not ended")
	}
	if len(steps) != 2 || !c.Failure().Goexit() {
		t.Errorf("the steps are %q, the failure is %v", steps, c.Failure())
	}
}
