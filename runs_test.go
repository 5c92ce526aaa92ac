package kettle_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

// K15: however main ends, Run returns it, and what main has left has been cancelled and has ended.
func TestMainEnds(t *testing.T) {
	for name, c := range map[string]struct {
		main func(*kettle.Task) error
		want error
		text string
	}{
		"returns nil": {func(*kettle.Task) error { return nil }, nil, ""},
		"fails":       {func(*kettle.Task) error { return errOne }, errOne, "one"},
		"fails late":  {fail(time.Hour, errOne), errOne, "one"},
		"panics": {func(*kettle.Task) error {
			return explode(errOne)
		}, errOne, "kettle_test.explode"},
		"panics in the runtime": {func(t *kettle.Task) error {
			var none []int
			return fmt.Errorf("there is %d", none[len(t.Name())])
		}, nil, "out of range"},
		"calls Goexit": {func(*kettle.Task) error {
			runtime.Goexit()
			return nil
		}, kettle.ErrGoexit, ""},
		"is cancelled by nobody": {func(*kettle.Task) error {
			return &kettle.CancelError{Cause: errOne}
		},
			errOne, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := kettle.Run(c.main, virtualTime())
			if c.want != nil && !errors.Is(err, c.want) || (err == nil) != (c.want == nil &&
				c.text == "") {
				t.Errorf("Run returns %v, want %v", err, c.want)
			}
			if c.text != "" && !strings.Contains(err.Error(), c.text) {
				t.Errorf("the error does not name %s: %v", c.text, err)
			}
		})
	}
	if err := kettle.Run(func(*kettle.Task) error { return errOne }); err != errOne {
		t.Errorf("Run returns %#v, and not what main did", err)
	}
}

// K15: a Run within a Run is a loop of its own; the outer one stands still, as with every call that
// blocks.
func TestRunWithinRun(t *testing.T) {
	simulated(t, func(outer *kettle.Task, clock *looptest.Clock) error {
		return outer.Group(func(g *kettle.Group) error {
			others := 0
			err := g.Go("other", func(*kettle.Task) error { others++; return nil })
			inner := kettle.Run(func(inner *kettle.Task) error {
				return errors.Join(inner.Sleep(time.Hour),
					want("the outer task", outer.Sleep(1) == kettle.ErrWrongGoroutine, true))
			}, virtualTime())
			return errors.Join(err, inner, want("others ran", others, 0), want("time",
				clock.Now(), 0),
				outer.Sleep(time.Second))
		})
	})
}

// K15: nothing can be used after the end of its Run.
func TestUseAfterTheEnd(t *testing.T) {
	var x *things
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.Group(func(g *kettle.Group) error {
			x = newThings(g)
			return errors.Join(x.mutex.Lock(task), x.queue.Put(task, 1))
		})
	})
	for range 20 { // on goroutines that were the loop's, or its tasks', perhaps
		elsewhere(func() {
			for name, call := range calls() {
				err := call(x)
				if !errors.Is(err, kettle.ErrWrongGoroutine) && !errors.Is(err, kettle.ErrClosed) {
					t.Errorf("%s after the end returns %v", name, err)
				}
			}
			x.Cancel(errStop)
			x.Drain(time.Second)
		})
	}
}

// TestRunCanBeRepeated, also many at a time.
func TestRunCanBeRepeated(t *testing.T) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if err := kettle.Run(sleepLong, virtualTime()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

// TestContextOption: its cancellation ends the tasks, with its cause, before Run and meanwhile.
func TestContextOption(t *testing.T) {
	for _, before := range []bool{true, false} {
		for _, loops := range []int{1, 3} {
			ctx, cancel := context.WithCancelCause(context.Background())
			if before {
				cancel(errStop)
			}
			err := kettle.Run(func(task *kettle.Task) error {
				if !before {
					go cancel(errStop)
				}
				return task.Sleep(time.Hour)
			}, kettle.Context(ctx), kettle.Loops(loops))
			var cancelled *kettle.CancelError
			if !errors.As(err, &cancelled) || cancelled.Cause != errStop ||
				strings.Count(err.Error(), "stop") != 1 {
				t.Errorf("cancelled before %v, on %d loops: %v", before, loops, err)
			}
			cancel(nil)
		}
	}
}

// TestContextOptionThatEndsLate does nothing to what has ended by itself.
func TestContextOptionThatEndsLate(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	simulated(t, func(*kettle.Task, *looptest.Clock) error { return nil }, kettle.Context(ctx))
	cancel()
}

// TestLoops: main runs once on each, and Run returns when all have ended.
func TestLoops(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 4} {
		var mu sync.Mutex
		ran := map[int]int{}
		err := kettle.Run(func(task *kettle.Task) error {
			if err := task.Sleep(time.Duration(task.Loop()) * time.Hour); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			ran[task.Loop()]++
			return nil
		}, kettle.Loops(n), virtualTime())
		if len(ran) != max(1, n) || err != nil {
			t.Errorf("of %d loops, main has run on %v: %v", n, ran, err)
		}
	}
}

// TestFailureOnOneLoop cancels main on the others; their cancellations are no errors of Run.
func TestFailureOnOneLoop(t *testing.T) {
	for _, broken := range []error{errOne, uncomparable{1}} {
		var mu sync.Mutex
		var causes []error
		err := kettle.Run(func(task *kettle.Task) error {
			if task.Loop() == 1 {
				return broken
			}
			err := task.Sleep(time.Hour)
			mu.Lock()
			defer mu.Unlock()
			causes = append(causes, err)
			return err
		}, kettle.Loops(3))
		if err == nil || err.Error() != broken.Error() {
			t.Errorf("Run returns %v, want %v", err, broken)
		}
		for _, cause := range causes {
			if !errors.Is(cause, context.Canceled) ||
				!strings.Contains(cause.Error(), broken.Error()) {
				t.Errorf("main on another loop is cancelled with %v", cause)
			}
		}
		if len(causes) != 2 {
			t.Errorf("main has ended on %d of 2 other loops", len(causes))
		}
	}
}

// TestFailuresOnManyLoops are all returned.
func TestFailuresOnManyLoops(t *testing.T) {
	var together sync.WaitGroup
	together.Add(2)
	err := kettle.Run(func(task *kettle.Task) error {
		together.Done()
		together.Wait() // no loop is cancelled before both have failed
		return []error{errOne, errTwo}[task.Loop()]
	}, kettle.Loops(2))
	if !errors.Is(err, errOne) || !errors.Is(err, errTwo) {
		t.Errorf("Run returns %v", err)
	}
}

// TestBackends: each will do that is there; an unknown one is an error, and nothing runs.
func TestBackends(t *testing.T) {
	for _, name := range selectors.Candidates() {
		t.Run(name, func(t *testing.T) {
			if name == "io_uring" {
				testenv.Need(t, testenv.Rings) // see TestRunWithoutRings
			}
			var stats kettle.Stats
			err := kettle.Run(func(task *kettle.Task) error {
				stats = task.Stats()
				nothing := func(context.Context) error { return nil }
				return errors.Join(task.Sleep(time.Microsecond), task.Blocking(nothing))
			}, kettle.Backend(name))
			if err != nil || stats.Selector != name || stats.Instead != "" {
				t.Errorf("%v, and the loop waits with %q because of %q", err, stats.Selector,
					stats.Instead)
			}
		})
	}
	err := kettle.Run(func(*kettle.Task) error { t.Error("main runs"); return nil },
		kettle.Backend("none"), kettle.Loops(2))
	if !errors.Is(err, selectors.ErrUnknown) {
		t.Errorf("with an unknown one: %v", err)
	}
}

// TestStuck: where every task waits for something that cannot happen, Run ends and says what for,
// be the error heeded or not, and also where a cancellation does not end the wait.
func TestStuck(t *testing.T) {
	for name, main := range map[string]func(*kettle.Task) error{
		"heeded": (*kettle.Task).AwaitDrain,
		"ignored": func(task *kettle.Task) error {
			_ = task.AwaitDrain()
			return nil
		},
		"in a group": func(task *kettle.Task) error {
			return task.Group(func(g *kettle.Group) error {
				return start(g, (*kettle.Task).AwaitDrain)
			})
		},
		"after the cancellation": func(task *kettle.Task) error {
			var m kettle.Mutex
			c := kettle.NewCondition(&m)
			return task.Group(func(g *kettle.Group) error {
				return start(g, func(task *kettle.Task) error {
					if err := m.Lock(task); err != nil {
						return err
					}
					defer m.Unlock()
					return c.Wait(task)
				}, m.Lock) // and never unlocks it
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := kettle.Run(main, virtualTime())
			if !errors.Is(err, kettle.ErrStuck) ||
				!strings.Contains(err.Error(), "main: waits for") {
				t.Errorf("Run returns %v", err)
			}
		})
	}
}

// TestOneLoopWaitsForAnother: it is not stuck, before the other has ended too.
func TestOneLoopWaitsForAnother(t *testing.T) {
	main := func(drain bool) func(*kettle.Task) error {
		return func(task *kettle.Task) error {
			if task.Loop() == 0 {
				return task.AwaitDrain()
			}
			err := task.Blocking(func(context.Context) error { return nil })
			if drain {
				task.Drain(time.Hour)
			}
			return err
		}
	}
	if err := kettle.Run(main(true), virtualTime(), kettle.Loops(2)); err != nil {
		t.Error(err)
	}
	err := kettle.Run(main(false), virtualTime(), kettle.Loops(2))
	if !errors.Is(err, kettle.ErrStuck) {
		t.Errorf("when the other one has ended: %v", err)
	}
}
