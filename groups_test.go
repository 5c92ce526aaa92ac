package kettle_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

var errOne, errTwo, errThree = errors.New("one"), errors.New("two"), errors.New("three")

// fail returns a task that fails after d.
func fail(d time.Duration, err error) func(*kettle.Task) error {
	return func(t *kettle.Task) error { return errors.Join(t.Sleep(d), err) }
}

// failLate returns one that fails after its cancellation.
func failLate(err error) func(*kettle.Task) error {
	return func(t *kettle.Task) error {
		_ = t.Sleep(24 * time.Hour)
		return err
	}
}

// sleepLong waits until it is cancelled.
func sleepLong(t *kettle.Task) error { return t.Sleep(24 * time.Hour) }

// start starts tasks with the names a, b and so on.
func start(g *kettle.Group, bodies ...func(*kettle.Task) error) error {
	var err error
	for i, body := range bodies {
		err = errors.Join(err, g.Go(string(rune('a'+i)), body))
	}
	return err
}

// K1: the first failure cancels the others and the body; all failures are returned, and none of the
// cancellations that they have caused.
func TestGroupFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		tasks []func(*kettle.Task) error
		body  func(*kettle.Task) error // nil returns at once
		want  string                   // the error
	}{
		{"nobody", nil, nil, "<nil>"},
		{"nobody fails", []func(*kettle.Task) error{fail(1, nil), fail(2, nil)}, fail(3, nil),
			"<nil>"},
		{"a task", []func(*kettle.Task) error{fail(1, errOne), sleepLong}, sleepLong, "a: one"},
		{"the body", []func(*kettle.Task) error{sleepLong, sleepLong}, fail(1, errOne), "one"},
		{"the body, at once", []func(*kettle.Task) error{sleepLong},
			func(*kettle.Task) error { return errOne }, "one"},
		{"after the body has returned", []func(*kettle.Task) error{sleepLong, fail(1, errOne)}, nil,
			"b: one"},
		{"two at once", []func(*kettle.Task) error{fail(1, errOne), fail(1, errTwo), sleepLong},
			nil, "a: one\nb: two"},
		{"while they are cancelled", []func(*kettle.Task) error{failLate(errOne), fail(1, errTwo)},
			failLate(errThree), "a: one\nthree\nb: two"},
		{"a child ignores it", []func(*kettle.Task) error{fail(1, errOne), failLate(nil)}, nil,
			"a: one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
				err := task.Group(func(g *kettle.Group) error {
					if err := start(g, c.tasks...); err != nil || c.body == nil {
						return err
					}
					return c.body(g.Task)
				})
				got := "<nil>"
				if err != nil {
					got = err.Error()
				}
				if sorted(got) != sorted(c.want) {
					t.Errorf("the error is %q, want %q", got, c.want)
				}
				if clock.Now() > 3 {
					t.Errorf("it took %v", clock.Now())
				}
				// K2: nothing of it is left outside of the group.
				return errors.Join(task.Yield(), want("tasks", task.Tasks(), 1))
			})
		})
	}
}

// sorted returns the lines in an order that does not depend on who came first.
func sorted(lines string) string {
	all := strings.Split(lines, "\n")
	for i := range all {
		for j := range i {
			if all[i] < all[j] {
				all[i], all[j] = all[j], all[i]
			}
		}
	}
	return strings.Join(all, "\n")
}

// K1: the error is that of the task, with its name, and what it wraps.
func TestTaskErrors(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error { return start(g, fail(1, errOne)) })
		var named *kettle.TaskError
		if !errors.As(err, &named) || named.Name != "a" || !errors.Is(err, errOne) {
			t.Errorf("the error is %#v", err)
		}
		body := task.Group(func(*kettle.Group) error { return errOne })
		return want("the body's error is itself", body == errOne, true)
	})
}

// K1: those that are cancelled learn why.
func TestSiblingsLearnTheCause(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error {
			return start(g, fail(1, errOne), func(task *kettle.Task) error {
				err := sleepLong(task)
				if !errors.Is(err, errOne) || !errors.Is(err, context.Canceled) ||
					!task.Cancelled(err) {
					t.Errorf("the sibling is cancelled with %v", err)
				}
				return err
			})
		})
		return want("the error is the failure", errors.Is(err, context.Canceled), false)
	})
}

// TestPanicsAreErrors: of a task, with the stack, and of the body, which goes on to where it is
// recovered, when the tasks have ended.
func TestPanicsAreErrors(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error {
			return start(g, func(*kettle.Task) error { return explode(errOne) }, sleepLong)
		})
		var panicked *kettle.PanicError
		if !errors.As(err, &panicked) || panicked.Value != any(errOne) || !errors.Is(err, errOne) ||
			!strings.Contains(string(panicked.Stack), "kettle_test.explode") ||
			!strings.Contains(err.Error(), "kettle_test.explode") {
			t.Errorf("the error is %v", err)
		}
		ended := 0
		func() {
			defer func() {
				if v := recover(); v != any(errTwo) || ended != 2 {
					t.Errorf("recovered %v when %d of 2 tasks have ended", v, ended)
				}
			}()
			_ = task.Group(func(g *kettle.Group) error {
				child := func(task *kettle.Task) error {
					defer func() { ended++ }()
					err := sleepLong(task)
					_ = task.Shield(time.Hour, func(task *kettle.Task) error {
						return task.Sleep(1)
					})
					return err
				}
				if err := errors.Join(start(g, child, child), g.Yield()); err != nil {
					return err
				}
				return explode(errTwo)
			})
		}()
		return errors.Join(task.Yield(), want("time", clock.Now(), 1), want("tasks", task.Tasks(),
			1))
	})
}

func explode(v any) error { panic(v) }

// TestGoexitOfATask is its error; of a group's function, that of the task that it is part of.
func TestGoexitOfATask(t *testing.T) {
	exit := func(*kettle.Task) error { runtime.Goexit(); return nil }
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error { return start(g, exit, sleepLong) })
		if !errors.Is(err, kettle.ErrGoexit) || err.Error() != "a: "+kettle.ErrGoexit.Error() {
			t.Errorf("the error is %v", err)
		}
		ended := false
		err = task.Group(func(g *kettle.Group) error {
			return start(g, func(task *kettle.Task) error {
				return task.Group(func(g *kettle.Group) error {
					err := start(g, func(task *kettle.Task) error {
						defer func() { ended = true }()
						return sleepLong(task)
					})
					_ = errors.Join(err, g.Yield())
					return exit(g.Task)
				})
			})
		})
		return errors.Join(want("it is the error", errors.Is(err, kettle.ErrGoexit), true),
			want("the task in the group has ended", ended, true), want("time", clock.Now(), 0))
	})
}

// TestFailuresBesideAPanic are not lost: nobody can be returned them, so they are incidents.
func TestFailuresBesideAPanic(t *testing.T) {
	var incidents []error
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		defer func() { _ = recover() }()
		return task.Group(func(g *kettle.Group) error {
			_ = errors.Join(start(g, failLate(errOne), sleepLong), g.Yield())
			panic("oops")
		})
	}, kettle.OnIncident(func(in loop.Incident) { incidents = append(incidents, in.Err) }))
	if len(incidents) != 1 || !errors.Is(incidents[0], errOne) {
		t.Errorf("the incidents are %v", incidents)
	}
}

// K3: the outer group has its own failure too.
func TestNestedGroupsFailAtOnce(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.Group(func(outer *kettle.Group) error {
			if err := outer.Go("outer", fail(1, errOne)); err != nil {
				return err
			}
			return outer.Group(func(inner *kettle.Group) error {
				return inner.Go("inner", failLate(errTwo))
			})
		})
		return errors.Join(want("has the outer failure", errors.Is(err, errOne), true),
			want("has the inner failure", errors.Is(err, errTwo), true),
			want("is cancelled", errors.Is(err, context.Canceled), false), task.Yield())
	})
}

// K2, K4: a failure does not hide the cancellation from around it, nor that the failure.
func TestFailureAndCancellation(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.WithCancel(func(scope *kettle.Task) error {
			err := scope.Group(func(g *kettle.Group) error {
				return start(g, func(task *kettle.Task) error {
					scope.Cancel(errStop)
					return errOne
				}, sleepLong)
			})
			if !errors.Is(err, errOne) || errors.Is(err, errStop) {
				t.Errorf("the group returns %v", err)
			}
			if err := scope.Yield(); !errors.Is(err, errStop) {
				t.Errorf("the wait after the group returns %v", err)
			}
			return nil
		})
	})
}

// TestCancelledGroup returns the cancellation, if that has kept anybody from ending.
func TestCancelledGroup(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, _ *looptest.Clock) error {
		for name, c := range map[string]struct {
			child func(*kettle.Task) error
			want  error
		}{"kept": {sleepLong, errStop}, "not kept": {failLate(nil), nil}} {
			_ = task.WithCancel(func(scope *kettle.Task) error {
				scope.Soon(func() { scope.Soon(func() { scope.Cancel(errStop) }) })
				err := scope.Group(func(g *kettle.Group) error {
					return start(g, c.child, c.child)
				})
				if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
					t.Errorf("%s: the group returns %v, want %v", name, err, c.want)
				}
				return nil
			})
		}
		err := task.Group(func(g *kettle.Group) error { // by its own hand
			g.Cancel(errStop)
			return start(g, sleepLong)
		})
		return errors.Join(want("cancelled", errors.Is(err, errStop), true), task.Yield())
	})
}

// K5: no task is started in a group that has ended, or is cancelled.
func TestGroupThatRefuses(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		never := func(*kettle.Task) error { t.Error("the task runs"); return nil }
		refused := func(g *kettle.Group, want error, text string) {
			t.Helper()
			ready := func(task *kettle.Task, _ func()) error { return never(task) }
			for _, err := range []error{g.Go("late", never), g.Start("late", ready)} {
				if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "start task late: ") ||
					!strings.Contains(err.Error(), text) {
					t.Errorf("the error is %v, want %v", err, want)
				}
			}
		}
		var ended *kettle.Group
		err := task.Group(func(g *kettle.Group) error { ended = g; return nil })
		refused(ended, kettle.ErrClosed, "the group has ended")
		_ = task.Group(func(g *kettle.Group) error {
			g.Cancel(errStop)
			refused(g, errStop, "cancelled")
			return nil
		})
		_ = task.Group(func(g *kettle.Group) error { // it is aborted by a failure
			return errors.Join(start(g, fail(1, errOne)), sleepLong(g.Task), func() error {
				refused(g, errOne, "cancelled")
				return nil
			}())
		})
		return errors.Join(err, task.Yield(), want("tasks", task.Tasks(), 1))
	})
}

// K6: who starts tasks while the group is cancelled starts none that escapes.
func TestStartingWhileTheGroupIsCancelled(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
		started, ran := 0, 0
		err := task.Group(func(g *kettle.Group) error {
			child := func(task *kettle.Task) error { ran++; return sleepLong(task) }
			return start(g, fail(1, errOne), func(task *kettle.Task) error {
				for ; ; started++ {
					if err := g.Go("child", child); err != nil {
						return err
					}
					if err := task.Yield(); err != nil && !task.Cancelled(err) {
						return err
					}
					clock.Advance(1)
				}
			})
		})
		return errors.Join(want("failed", errors.Is(err, errOne), true),
			want("ran", ran, started), want("tasks", task.Tasks(), 1))
	})
}

// TestTasksStartTasks in the group that waits for them already, 100,000 in all.
func TestTasksStartTasks(t *testing.T) {
	const depth = 16
	total := 1<<(depth+1) - 2
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		ended := 0
		err := task.Group(func(g *kettle.Group) error {
			var grow func(level int) func(*kettle.Task) error
			grow = func(level int) func(*kettle.Task) error {
				return func(task *kettle.Task) error {
					ended++
					if level == depth {
						return nil
					}
					return start(g, grow(level+1), grow(level+1))
				}
			}
			return start(g, grow(1), grow(1))
		})
		return errors.Join(err, want("ended", ended, total), want("tasks", task.Tasks(), 1))
	})
}

// TestManyTasksAtOnce wait at the same time, and are cancelled.
func TestManyTasksAtOnce(t *testing.T) {
	const many = 20_000 // each is a goroutine, and costs the race detector memory
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		cancelled := 0
		err := task.Group(func(g *kettle.Group) error {
			for range many {
				if err := g.Go("sleeper", func(task *kettle.Task) error {
					err := sleepLong(task)
					if err != nil {
						cancelled++
					}
					return err
				}); err != nil {
					return err
				}
			}
			err := errors.Join(g.Sleep(1), want("tasks", g.Tasks(), many+1))
			g.Cancel(errStop)
			return err
		})
		return errors.Join(want("cancelled", errors.Is(err, errStop), true),
			want("ended by it", cancelled, many), task.Yield(), want("tasks", task.Tasks(), 1),
			want("time", clock.Now(), 1),
			task.Sleep(time.Hour), task.Yield(), // memory is given back
			want("timers", task.Stats().Timers, 0))
	})
}
