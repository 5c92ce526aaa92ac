package kettle_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
)

var errStop = errors.New("stop")

// elsewhere runs f on another goroutine, while the loop stands still.
func elsewhere(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// closed reports whether a channel is.
func closed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// TestTaskIsAContext: a scope that is cancelled is a context that is, seen from any goroutine, and
// stays so after the scope is left.
func TestTaskIsAContext(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		var scope *kettle.Task
		_ = task.WithCancel(func(task *kettle.Task) error {
			scope = task
			before := task.Done()
			elsewhere(func() {
				if closed(scope.Done()) || scope.Err() != nil || scope.Cause() != nil ||
					context.Cause(scope) != nil {
					t.Errorf("before the cancellation: %v, %v", scope.Err(), scope.Cause())
				}
			})
			scope.Cancel(errStop)
			if !closed(before) {
				t.Error("the channel of Done is not closed by the cancellation")
			}
			return nil
		})
		elsewhere(func() {
			var cancelled *kettle.CancelError
			if !errors.As(scope.Cause(), &cancelled) || cancelled.Cause != errStop {
				t.Errorf("the cause is %v", scope.Cause())
			}
			if scope.Err() != context.Canceled || context.Cause(scope) != context.Canceled {
				t.Errorf("the error is %v, the context's cause %v", scope.Err(),
					context.Cause(scope))
			}
			if !closed(scope.Done()) {
				t.Error("Done is not closed after the cancellation")
			}
		})
		if task.Err() != nil || closed(task.Done()) {
			t.Error("the scope around it is cancelled too")
		}
		return nil
	})
}

// TestEndOfAScope makes its context done, whether it was asked before or not, however its function
// ends; nothing that is derived from it outlives it.
func TestEndOfAScope(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		kinds := map[string]func(func(*kettle.Task) error) error{
			"WithCancel": task.WithCancel,
			"WithTimeout": func(f func(*kettle.Task) error) error {
				return task.WithTimeout(1e9, f)
			},
			"Shield": func(f func(*kettle.Task) error) error { return task.Shield(1e9, f) },
			"WithValue": func(f func(*kettle.Task) error) error {
				return task.WithValue(1, 2, f)
			},
			"Group": func(f func(*kettle.Task) error) error {
				return task.Group(func(g *kettle.Group) error { return f(g.Task) })
			},
		}
		for name, with := range kinds {
			for _, panics := range []bool{false, true} {
				var scope *kettle.Task
				var derived context.Context
				var cancel context.CancelFunc
				func() {
					defer func() { _ = recover() }()
					_ = with(func(task *kettle.Task) error {
						scope = task
						derived, cancel = context.WithCancel(task)
						if panics {
							panic("oops")
						}
						return nil
					})
				}()
				<-derived.Done()
				cancel()
				if scope.Err() != context.Canceled || !closed(scope.Done()) {
					t.Errorf("%s has ended, and its context has not: %v", name, scope.Err())
				}
				if scope.SetTimeout(time.Second) == nil || scope.NoTimeout() == nil {
					t.Errorf("%s has ended, and its deadline can be moved", name)
				}
			}
		}
		return task.Sleep(time.Minute) // the task is in none of them any more
	})
}

// TestDeadlineOfAContext is the earliest of those that concern it.
func TestDeadlineOfAContext(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		if at, ok := task.Deadline(); ok {
			t.Errorf("main has the deadline %v", at)
		}
		var begun time.Time
		left := func(scope *kettle.Task, want time.Duration) {
			t.Helper()
			elsewhere(func() {
				if at, ok := scope.Deadline(); !ok || at.Sub(begun) != want {
					t.Errorf("the deadline is in %v (%v), want %v", at.Sub(begun), ok, want)
				}
			})
		}
		return task.WithTimeout(time.Hour, func(outer *kettle.Task) error {
			at, _ := outer.Deadline()
			begun = at.Add(-time.Hour)
			return outer.WithTimeout(2*time.Hour, func(inner *kettle.Task) error {
				left(inner, time.Hour)
				err := inner.SetTimeout(time.Minute)
				left(inner, time.Minute)
				left(outer, time.Hour)
				err = errors.Join(err, inner.NoTimeout(), outer.SetTimeout(3*time.Hour))
				left(inner, 3*time.Hour)
				err = errors.Join(err, inner.Sleep(time.Minute), inner.SetTimeout(time.Minute))
				left(inner, 2*time.Minute)
				return errors.Join(err, inner.Shield(4*time.Hour, func(shield *kettle.Task) error {
					left(shield, 4*time.Hour+time.Minute)
					return shield.WithCancel(func(inside *kettle.Task) error {
						left(inside, 4*time.Hour+time.Minute)
						return nil
					})
				}))
			})
		})
	})
}

// TestDeadlineBeyondTheCalendar: the longest time that there is, is not a time in the past.
func TestDeadlineBeyondTheCalendar(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.WithTimeout(math.MaxInt64, func(task *kettle.Task) error {
			at, ok := task.Deadline()
			if ok && time.Until(at) < 200*365*24*time.Hour {
				t.Errorf("the deadline in 292 years is %v", at)
			}
			derived, cancel := context.WithTimeout(task, time.Hour)
			defer cancel()
			if at, _ := derived.Deadline(); time.Until(at) > time.Hour {
				t.Errorf("a context with an hour's time has until %v", at)
			}
			return task.Sleep(time.Minute)
		})
	})
}

// TestWithDeadline goes by the clock that Deadline tells, also where that jumps.
func TestWithDeadline(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		clock.Advance(1000 * time.Hour)
		return task.WithTimeout(time.Hour, func(task *kettle.Task) error {
			at, _ := task.Deadline()
			begun := clock.Now()
			err := task.WithDeadline(at.Add(-time.Minute), func(task *kettle.Task) error {
				return task.Sleep(2 * time.Hour)
			})
			if got := clock.Now() - begun; got != 59*time.Minute ||
				!errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after %v: %v, want the time-out after 59 minutes", got, err)
			}
			return nil
		})
	})
	err := kettle.Run(func(task *kettle.Task) error { // by the wall clock
		return task.WithDeadline(time.Now(), func(task *kettle.Task) error {
			return task.Sleep(time.Hour)
		})
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

// TestValuesOfAContext are those of the scopes around it, shields or not, and of Run's context.
func TestValuesOfAContext(t *testing.T) {
	type key int
	ctx := context.WithValue(context.Background(), key(0), "run")
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.WithValue(key(1), "outer", func(outer *kettle.Task) error {
			return outer.WithValue(key(1), "inner", func(inner *kettle.Task) error {
				return inner.Shield(time.Second, func(shield *kettle.Task) error {
					return shield.Group(func(g *kettle.Group) error {
						return g.Go("child", func(child *kettle.Task) error {
							elsewhere(func() {
								if outer.Value(key(1)) != "outer" ||
									child.Value(key(1)) != "inner" ||
									child.Value(key(0)) != "run" || child.Value(key(2)) != nil {
									t.Error("the values are not those of the scopes")
								}
							})
							return nil
						})
					})
				})
			})
		})
		if v := task.Value(key(1)); v != nil {
			t.Errorf("outside of the scopes the value is %v", v)
		}
		return err
	}, kettle.Context(ctx))
}

// TestCausesAreOwn: a scope that was cancelled for its own reason has not the cause of Run's
// context, as the one behind the shield here.
func TestCausesAreOwn(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Shield(time.Hour, func(shield *kettle.Task) error {
			cancel(errStop)
			for task.Err() == nil {
				if err := shield.Yield(); err != nil {
					return err
				}
			}
			shield.Cancel(errors.New("another reason"))
			if context.Cause(shield) == errStop {
				t.Error("the shielded scope has the cause of Run's context")
			}
			return nil
		})
	}, kettle.Context(ctx))
	if err != nil {
		t.Error(err)
	}
}

// TestAfterFunc calls its function once, on a goroutine of its own, when the scope is done.
func TestAfterFunc(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.WithCancel(func(scope *kettle.Task) error {
			called := make(chan string, 9)
			var stops []func() bool
			for _, name := range []string{"stays", "is taken back", "stays"} {
				stops = append(stops, scope.AfterFunc(func() { called <- name }))
			}
			if !stops[1]() || stops[1]() {
				t.Error("the first stop is the one that takes it back")
			}
			scope.Cancel(errStop)
			for range 2 {
				if name := <-called; name != "stays" {
					t.Error("a function was called that was taken back")
				}
			}
			if stops[0]() {
				t.Error("a function was taken back that has been called")
			}
			stop := scope.AfterFunc(func() { called <- "late" }) // it is done already
			if name := <-called; name != "late" || stop() || len(called) > 0 {
				t.Errorf("%s was called, and %d others", name, len(called))
			}
			return nil
		})
	})
}

// TestDerivedContextsNeedNoGoroutine, and are cancelled with the scope.
func TestDerivedContextsNeedNoGoroutine(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.WithCancel(func(scope *kettle.Task) error {
			before := runtime.NumGoroutine()
			type key int
			var all []context.Context
			for i := range 100 {
				derived, cancel := context.WithTimeout(scope, time.Hour)
				defer cancel()
				derived, cancel = context.WithCancel(context.WithValue(derived, key(1), i))
				defer cancel()
				all = append(all, derived)
			}
			if more := runtime.NumGoroutine() - before; more > 0 {
				t.Errorf("100 contexts were derived, there are %d goroutines more", more)
			}
			scope.Cancel(errStop)
			for _, derived := range all {
				<-derived.Done()
			}
			return nil
		})
	})
}

// TestContextIsSafeFromAnyGoroutine while its task moves its deadline, and cancels it. The race
// detector is what sees a mistake here.
func TestContextIsSafeFromAnyGoroutine(t *testing.T) {
	for range 20 {
		simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
			var others sync.WaitGroup
			err := task.WithCancel(func(scope *kettle.Task) error {
				for range 4 {
					others.Go(func() {
						stop := scope.AfterFunc(func() {})
						for done := scope.Done(); !closed(done); {
							_, _ = scope.Deadline()
							_ = scope.Value("none")
						}
						if scope.Err() == nil || scope.Cause() == nil || stop() {
							t.Error("Done is closed, and the context is not done")
						}
					})
				}
				for i := range 100 {
					if err := errors.Join(scope.SetTimeout(time.Duration(i+1)*time.Hour),
						scope.NoTimeout(), scope.Yield()); err != nil {
						return err
					}
				}
				scope.Cancel(errStop)
				return nil
			})
			others.Wait()
			return err
		})
	}
}
