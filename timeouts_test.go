package kettle_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
)

// timedOut reports whether err is a time-out after d, as every package asks for one.
func timedOut(err error, d time.Duration) bool {
	var timeout *kettle.TimeoutError
	var asNet interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.After == d &&
		errors.Is(err, context.DeadlineExceeded) && errors.Is(err, os.ErrDeadlineExceeded) &&
		errors.As(err, &asNet) && asNet.Timeout() && !errors.Is(err, context.Canceled)
}

// TestTimeoutEndsTheWait, at its time, and not what is around it.
func TestTimeoutEndsTheWait(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		var scope *kettle.Task
		err := task.WithTimeout(time.Minute, func(task *kettle.Task) error {
			scope = task
			return task.Sleep(time.Hour)
		})
		if !timedOut(err, time.Minute) || clock.Now() != time.Minute {
			t.Errorf("after %v: %v, want the time-out after a minute", clock.Now(), err)
		}
		if !timedOut(scope.Cause(), time.Minute) || scope.Err() != context.DeadlineExceeded {
			t.Errorf("the cause is %v, the error %v", scope.Cause(), scope.Err())
		}
		return task.Sleep(time.Hour)
	})
}

// TestTimeoutThatIsNotNeeded leaves no timer behind, and no error.
func TestTimeoutThatIsNotNeeded(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		for range 10 {
			err := task.WithTimeout(time.Minute, func(task *kettle.Task) error {
				return task.Sleep(time.Second)
			})
			if err != nil {
				return err
			}
		}
		if err := task.Yield(); err != nil {
			return err
		}
		return errors.Join(want("timers left", task.Stats().Timers, 0),
			want("time", clock.Now(), 10*time.Second))
	})
}

// TestEveryWaitFailsUntilTheScopeIsLeft: a time-out is a state. Nobody has to catch it.
func TestEveryWaitFailsUntilTheScopeIsLeft(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		var m kettle.Mutex
		err := task.WithTimeout(time.Minute, func(task *kettle.Task) error {
			_ = task.Sleep(time.Hour)
			waits := map[string]error{"Sleep": task.Sleep(time.Hour), "Sleep(0)": task.Sleep(0),
				"Yield": task.Yield(), "Lock": m.Lock(task), "AwaitDrain": task.AwaitDrain()}
			waits["inside"] = task.WithTimeout(time.Hour, func(task *kettle.Task) error {
				return task.Sleep(1)
			})
			waits["group"] = task.Group(func(g *kettle.Group) error {
				return g.Go("late", func(*kettle.Task) error { return nil })
			})
			for name, err := range waits {
				if !timedOut(err, time.Minute) {
					t.Errorf("after the time-out %s returns %v", name, err)
				}
			}
			return nil
		})
		return errors.Join(err, want("time", clock.Now(), time.Minute),
			want("the mutex is locked", m.Locked(), false), task.Sleep(time.Second))
	})
}

// K7: the end of the inner one is not that of the outer one.
func TestNestedTimeouts(t *testing.T) {
	for _, c := range []struct {
		name         string
		outer, inner time.Duration
		inOuter      error // what the outer one's own wait returns
		ended        time.Duration
	}{
		{"the inner one ends", time.Hour, time.Minute, nil, time.Minute},
		{"the outer one ends", time.Minute, time.Hour, context.DeadlineExceeded, time.Minute},
		// The outer one was set first, so it ends first.
		{"both end at once", time.Minute, time.Minute, context.DeadlineExceeded, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
				err := task.WithTimeout(c.outer, func(outer *kettle.Task) error {
					err := outer.WithTimeout(c.inner, func(inner *kettle.Task) error {
						return inner.Sleep(24 * time.Hour)
					})
					if !timedOut(err, c.ended) || clock.Now() != c.ended {
						t.Errorf("after %v: %v", clock.Now(), err)
					}
					if outer.Cancelled(err) != (c.inOuter != nil) {
						t.Errorf("the outer scope says of %v that it is its end: %v", err,
							c.inOuter == nil)
					}
					return outer.Yield()
				})
				if !errors.Is(err, c.inOuter) {
					t.Errorf("the outer scope returns %v, want %v", err, c.inOuter)
				}
				return task.Yield()
			})
		})
	}
}

// K7: a loop that is busy beyond both deadlines comes to both of them, and a wait that ends at once
// is not ended by what is over, but has not been noticed yet.
func TestTimeoutsOfABusyLoop(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		var m kettle.Mutex
		err := task.WithTimeout(2*time.Minute, func(outer *kettle.Task) error {
			err := outer.WithTimeout(time.Minute, func(inner *kettle.Task) error {
				clock.Advance(time.Hour) // the function computes
				if err := m.Lock(inner); err != nil {
					return err
				}
				m.Unlock()
				return inner.Sleep(time.Nanosecond)
			})
			if !timedOut(err, time.Minute) {
				t.Errorf("the inner scope returns %v", err)
			}
			return outer.Yield()
		})
		if !timedOut(err, 2*time.Minute) {
			t.Errorf("the outer scope returns %v", err)
		}
		return nil
	})
}

// K7: moved earlier, later, into the past and away.
func TestDeadlineIsMoved(t *testing.T) {
	const hour = time.Hour
	for _, c := range []struct {
		name string
		move func(*kettle.Task) error
		want time.Duration // when the scope ends; it begins at 0, and is moved after 10 minutes
		span time.Duration // that the error tells
	}{
		{"not at all", func(*kettle.Task) error { return nil }, hour, hour},
		{"earlier", func(t *kettle.Task) error { return t.SetTimeout(time.Minute) },
			11 * time.Minute, time.Minute},
		{"later", func(t *kettle.Task) error { return t.SetTimeout(2 * hour) },
			130 * time.Minute, 2 * hour},
		{"later, then earlier", func(t *kettle.Task) error {
			return errors.Join(t.SetTimeout(2*hour), t.SetTimeout(time.Minute))
		}, 11 * time.Minute, time.Minute},
		{"away, and back", func(t *kettle.Task) error {
			return errors.Join(t.NoTimeout(), t.Sleep(2*hour), t.SetTimeout(time.Minute))
		}, 131 * time.Minute, time.Minute},
		{"to now", func(t *kettle.Task) error { return t.SetTimeout(0) }, 10 * time.Minute, 0},
		{"into the past", func(t *kettle.Task) error { return t.SetTimeout(-hour) },
			10 * time.Minute, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
				err := task.WithTimeout(hour, func(task *kettle.Task) error {
					err := errors.Join(task.Sleep(10*time.Minute), c.move(task))
					if err != nil {
						t.Error(err)
					}
					return task.Sleep(24 * hour)
				})
				if !timedOut(err, c.span) || clock.Now() != c.want {
					t.Errorf("after %v: %v, want the time-out at %v", clock.Now(), err, c.want)
				}
				return nil
			})
		})
	}
}

// K7: what has ended is not begun again.
func TestDeadlineOfWhatHasEnded(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.WithTimeout(time.Minute, func(task *kettle.Task) error {
			_ = task.Sleep(time.Hour)
			for _, err := range []error{task.SetTimeout(time.Hour), task.NoTimeout()} {
				if !timedOut(err, time.Minute) {
					t.Errorf("a deadline that has passed was moved: %v", err)
				}
			}
			return task.Yield()
		})
		if !timedOut(err, time.Minute) {
			t.Error(err)
		}
		return nil
	})
}

// TestTimeoutWhereThereWasNone: every scope can be given one, and have it taken away.
func TestTimeoutWhereThereWasNone(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		return task.WithCancel(func(task *kettle.Task) error {
			err := errors.Join(task.NoTimeout(), task.SetTimeout(time.Minute), task.NoTimeout(),
				task.Sleep(time.Hour), task.SetTimeout(time.Minute))
			if err != nil {
				return err
			}
			if err := task.Sleep(time.Hour); !timedOut(err, time.Minute) {
				t.Errorf("the error is %v", err)
			}
			return want("time", clock.Now(), 61*time.Minute)
		})
	})
}

// K7: a cancellation by somebody else is no time-out.
func TestForeignCancellationIsNoTimeout(t *testing.T) {
	for name, at := range map[string]time.Duration{"long before": 1,
		"just before": time.Minute - 1} {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
				return task.WithCancel(func(outer *kettle.Task) error {
					_ = outer.Group(func(g *kettle.Group) error {
						return errors.Join(
							g.Go("somebody", func(task *kettle.Task) error {
								err := task.Sleep(at)
								outer.Cancel(errStop)
								return err
							}),
							g.Go("late", func(task *kettle.Task) error {
								err := task.WithTimeout(time.Minute, func(task *kettle.Task) error {
									return task.Sleep(time.Hour)
								})
								if !errors.Is(err, errStop) || !errors.Is(err, context.Canceled) ||
									errors.Is(err, context.DeadlineExceeded) {
									t.Errorf("the error is %v", err)
								}
								return err
							}))
					})
					return want("time", clock.Now(), at)
				})
			})
		})
	}
}

// K8: what came in the same turn as the cancellation is not lost, nor is the cancellation.
func TestTimeoutAndResultAtOnce(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		var f kettle.Future[int]
		err := task.WithCancel(func(outer *kettle.Task) error {
			outer.Soon(func() {
				f.Resolve(7)
				outer.Cancel(errStop)
			})
			var got int
			err := outer.WithTimeout(time.Hour, func(task *kettle.Task) (err error) {
				got, err = f.Await(task)
				return err
			})
			return errors.Join(err, want("result", got, 7), outer.Yield())
		})
		if !errors.Is(err, errStop) {
			t.Errorf("the wait after the cancellation returns %v", err)
		}
		return nil
	})
}

// K9: no wait succeeds where there is no time, not even one that would be over at once.
func TestTimeoutOfZero(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Nanosecond, -time.Hour} {
		simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
			var m kettle.Mutex
			ran := false
			err := task.WithTimeout(d, func(task *kettle.Task) error {
				ran = true
				if !closed(task.Done()) {
					t.Error("the context is not done")
				}
				return m.Lock(task)
			})
			if !ran || !timedOut(err, 0) || m.Locked() || clock.Now() != 0 {
				t.Errorf("with a time-out of %v: ran %v, %v, locked %v", d, ran, err, m.Locked())
			}
			// One that is cancelled already, for another reason, keeps that.
			return task.WithCancel(func(task *kettle.Task) error {
				task.Cancel(errStop)
				err := task.WithTimeout(d, (*kettle.Task).Yield)
				return want("it is the cancellation", errors.Is(err, errStop), true)
			})
		})
	}
}

// K9: the time-out waits until its function has returned, and what that returns counts.
func TestResultAfterTheTimeout(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		cleaned := false
		err := task.WithTimeout(time.Minute, func(task *kettle.Task) error {
			if err := task.Sleep(time.Hour); err == nil {
				t.Error("the time-out did not end the wait")
			}
			err := task.Shield(time.Hour, func(task *kettle.Task) error {
				return task.Sleep(time.Second)
			})
			cleaned = err == nil
			return nil // in spite of all
		})
		return errors.Join(err, want("cleaned up", cleaned, true),
			want("time", clock.Now(), 61*time.Second))
	})
}
