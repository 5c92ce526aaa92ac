package kettle_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
)

// TestCancelEndsWaitsInTheScope: of the task itself, and of those that it has started there.
func TestCancelEndsWaitsInTheScope(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		ended := 0
		sleep := func(task *kettle.Task) error {
			err := task.Sleep(time.Hour)
			if errors.Is(err, errStop) {
				ended++
			}
			return err
		}
		outside := task.Group(func(outer *kettle.Group) error {
			err := outer.Go("outside", func(task *kettle.Task) error {
				return task.Sleep(time.Hour)
			})
			inside := outer.WithCancel(func(scope *kettle.Task) error {
				return errors.Join(err, scope.Group(func(g *kettle.Group) error {
					scope.Soon(func() { scope.Soon(func() { scope.Cancel(errStop) }) })
					return errors.Join(g.Go("one", sleep), g.Go("two", sleep), sleep(g.Task))
				}))
			})
			if !errors.Is(inside, errStop) || ended != 3 || clock.Now() != 0 {
				t.Errorf("%d of 3 waits ended by it, %v passed: %v", ended, clock.Now(), inside)
			}
			return nil
		})
		return errors.Join(outside, want("time", clock.Now(), time.Hour))
	})
}

// TestOnlyTheFirstCancellationCounts.
func TestOnlyTheFirstCancellationCounts(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.WithTimeout(time.Minute, func(task *kettle.Task) error {
			task.Cancel(errStop)
			task.Cancel(errors.New("too late"))
			first := task.Cause()
			_ = task.Shield(time.Hour, func(task *kettle.Task) error {
				return task.Sleep(time.Hour)
			})
			return errors.Join(task.Yield(), want("the cause is the first", task.Cause() == first,
				true))
		})
		if !errors.Is(err, errStop) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}

// TestCancelErrors: what the error of a cancellation says, without a cause and with one.
func TestCancelErrors(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		for _, c := range []struct {
			cause error
			want  string
		}{{nil, "kettle: cancelled"}, {errStop, "kettle: cancelled: stop"}} {
			err := task.WithCancel(func(task *kettle.Task) error {
				task.Cancel(c.cause)
				return task.Yield()
			})
			var cancelled *kettle.CancelError
			if !errors.As(err, &cancelled) || cancelled.Cause != c.cause || err.Error() != c.want ||
				!errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("cancelled with %v the error is %v", c.cause, err)
			}
		}
		return nil
	})
}

// TestCancelFromAnotherGoroutine ends waits too.
func TestCancelFromAnotherGoroutine(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		return task.WithCancel(func(task *kettle.Task) error {
			go task.Cancel(errStop)
			return task.Sleep(time.Hour)
		})
	})
	if !errors.Is(err, errStop) {
		t.Errorf("the error is %v", err)
	}
}

// TestCancelOfWhatHasEnded does nothing, on the loop and elsewhere, while it runs and afterwards.
func TestCancelOfWhatHasEnded(t *testing.T) {
	var scope *kettle.Task
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.WithCancel(func(task *kettle.Task) error { scope = task; return nil })
		cause := scope.Cause()
		scope.Cancel(errStop)
		elsewhere(func() { scope.Cancel(errStop) })
		return errors.Join(err, task.Yield(), task.Yield(),
			want("the cause is the same", scope.Cause() == cause, true))
	})
	for range 100 { // on the goroutine that was the loop's, perhaps
		elsewhere(func() { scope.Cancel(errStop) })
	}
}

// TestShield: what is behind it goes on, with a deadline of its own, and can be cancelled itself.
func TestShield(t *testing.T) {
	for _, c := range []struct {
		name string
		body func(*kettle.Task) error
		want time.Duration
		err  error
	}{
		{"ends in time", func(t *kettle.Task) error {
			return t.Sleep(time.Second)
		}, time.Second, nil},
		{"takes too long", func(t *kettle.Task) error { return t.Sleep(time.Hour) }, time.Minute,
			context.DeadlineExceeded},
		{"is cancelled", func(t *kettle.Task) error {
			t.Cancel(errStop)
			return t.Sleep(time.Second)
		}, 0, errStop},
		{"has a time-out inside", func(t *kettle.Task) error {
			return t.WithTimeout(time.Second, func(t *kettle.Task) error {
				return t.Sleep(time.Hour)
			})
		}, time.Second, context.DeadlineExceeded},
		{"has a group inside", func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				return g.Go("child", func(t *kettle.Task) error { return t.Sleep(time.Second) })
			})
		}, time.Second, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
				_ = task.WithCancel(func(outer *kettle.Task) error {
					outer.Soon(func() { outer.Cancel(errors.New("from outside")) })
					// It is behind the shield before it is cancelled, and also afterwards.
					for range 2 {
						begun := clock.Now()
						err := outer.Shield(time.Minute, c.body)
						if !errors.Is(err, c.err) || clock.Now()-begun != c.want {
							t.Errorf("after %v: %v", clock.Now()-begun, err)
						}
						if err := outer.Yield(); err == nil {
							t.Error("behind the shield the cancellation is forgotten")
						}
					}
					return nil
				})
				return nil
			})
		})
	}
}

// TestScopesEndWithTheirFunctions, however these end: what is cancelled inside is not outside.
func TestScopesEndWithTheirFunctions(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		leave := map[string]func(){"panic": func() { panic(errStop) }, "Goexit": runtime.Goexit,
			"return": func() {}}
		for name, leave := range leave {
			err := task.Group(func(g *kettle.Group) error {
				return g.Go("child", func(task *kettle.Task) error {
					defer func() { // in the scope around it
						if err := task.Yield(); err != nil {
							t.Errorf("%s: after the scope was left, a wait returns %v", name, err)
						}
						if v := recover(); v != nil && v != any(errStop) {
							t.Errorf("the panic is %v", v)
						}
					}()
					return task.WithCancel(func(task *kettle.Task) error {
						task.Cancel(errStop)
						leave()
						return nil
					})
				})
			})
			if name == "Goexit" != errors.Is(err, kettle.ErrGoexit) {
				t.Errorf("%s: the group returns %v", name, err)
			}
		}
		return task.Yield()
	})
}

// TestAnyTaskOfTheFunctionWillDo: a wait obeys the innermost scope, whichever Task it is called
// with.
func TestAnyTaskOfTheFunctionWillDo(t *testing.T) {
	simulated(t, func(outer *kettle.Task, clock *looptest.Clock) error {
		err := outer.WithTimeout(time.Minute, func(inner *kettle.Task) error {
			return outer.Sleep(time.Hour)
		})
		if !timedOut(err, time.Minute) {
			t.Errorf("the error is %v", err)
		}
		err = outer.WithCancel(func(inner *kettle.Task) error {
			return outer.WithTimeout(time.Minute, func(innermost *kettle.Task) error {
				inner.Cancel(errStop) // the one in the middle
				return outer.Sleep(time.Hour)
			})
		})
		return errors.Join(want("cancelled", errors.Is(err, errStop), true),
			want("time", clock.Now(), time.Minute))
	})
}

// TestCancelledTellsOwnFromForeign errors, also when they are wrapped or joined.
func TestCancelledTellsOwnFromForeign(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.WithCancel(func(task *kettle.Task) error {
			_ = task.WithCancel(func(other *kettle.Task) error {
				other.Cancel(errStop)
				if task.Cancelled(other.Yield()) || task.Cancelled(nil) {
					t.Error("the end of another scope is taken for one's own")
				}
				return nil
			})
			task.Cancel(errStop)
			own := task.Yield()
			for _, c := range []struct {
				err  error
				want bool
			}{
				{own, true}, {nil, false}, {errStop, false},
				{errors.Join(own, own), true}, {errors.Join(own, errStop), false},
				{&kettle.TaskError{Name: "x", Err: own}, true}, {uncomparable{1}, false},
				{errors.Join(own, uncomparable{1}), false},
				{&kettle.CancelError{Cause: errStop}, false},
			} {
				if got := task.Cancelled(c.err); got != c.want {
					t.Errorf("of %v Cancelled says %v", c.err, got)
				}
			}
			return nil
		})
	})
}

// uncomparable is an error that must not be compared with ==.
type uncomparable []int

func (uncomparable) Error() string { return "uncomparable" }

// TestWokenTaskKeepsWhatItWasGiven, if a cancellation comes between that and its turn.
func TestWokenTaskKeepsWhatItWasGiven(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		var m kettle.Mutex
		if err := m.Lock(task); err != nil {
			return err
		}
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("heir", func(task *kettle.Task) error {
				return task.WithCancel(func(scope *kettle.Task) error {
					scope.Soon(func() {
						m.Unlock()
						scope.Cancel(errStop)
					})
					if err := m.Lock(scope); err != nil {
						return err
					}
					m.Unlock()
					if err := scope.Yield(); !errors.Is(err, errStop) {
						t.Errorf("the wait after that returns %v", err)
					}
					return nil
				})
			})
			return err
		})
	})
}

// TestYield lets everybody else who is ready have a turn, in order.
func TestYield(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		var turns []string
		err := task.Group(func(g *kettle.Group) error {
			for _, name := range []string{"a", "b", "c"} {
				if err := g.Go(name, func(task *kettle.Task) error {
					for i := range 3 {
						turns = append(turns, name)
						err := []func() error{task.Yield, func() error { return task.Sleep(0) },
							func() error { return task.Sleep(-1) }}[i]()
						if err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if want := []string{"a", "b", "c", "a", "b", "c", "a", "b", "c"}; !slices.Equal(turns,
			want) {
			t.Errorf("the turns are %q, want %q", turns, want)
		}
		return err
	})
}

// TestSleepIsNeverShort, and sleepers wake in the order of their times.
func TestSleepIsNeverShort(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
		var woken []time.Duration
		err := task.Group(func(g *kettle.Group) error {
			for _, d := range []time.Duration{time.Hour, 1, time.Minute, time.Second} {
				if err := g.Go(d.String(), func(task *kettle.Task) error {
					err := task.Sleep(d)
					woken = append(woken, d)
					return errors.Join(err, want("time", clock.Now(), d))
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if !slices.IsSorted(woken) || len(woken) != 4 {
			t.Errorf("they woke in the order %v", woken)
		}
		return err
	})
}
