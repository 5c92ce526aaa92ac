package kettle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// contains reports whether the text of err has a part.
func contains(err error, part string) bool {
	return err != nil && strings.Contains(err.Error(), part)
}

// after returns a function that sleeps, and returns what it is given.
func after[T any](d time.Duration, v T, err error) func(t *kettle.Task) (T, error) {
	return func(t *kettle.Task) (T, error) {
		if err := t.Sleep(d); err != nil {
			var zero T
			return zero, err
		}
		return v, err
	}
}

// taskErrors returns the errors of tasks that err consists of, as "name: error".
func taskErrors(err error) []string {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, err := range joined.Unwrap() {
			all = append(all, taskErrors(err)...)
		}
		return all
	}
	return []string{err.Error()}
}

func TestGatherReturnsResultsInOrderOfArguments(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		got, err := kettle.Gather(t, after(3*time.Second, "c", nil), after(time.Second, "a", nil),
			after(2*time.Second, "b", nil))
		if !slices.Equal(got, []string{"c", "a", "b"}) {
			err = errors.Join(err, fmt.Errorf("got %q", got))
		}
		return errors.Join(err, want("time taken", clock.Now(), 3*time.Second))
	})
}

// K1
func TestGatherCancelsTheOthersAtTheFirstFailure(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		cleaned := false
		got, err := kettle.Gather(t, after(time.Second, "done", nil),
			after(2*time.Second, "partial", errBoom),
			func(t *kettle.Task) (string, error) {
				err := t.Sleep(time.Hour)
				_ = t.Shield(time.Minute, func(t *kettle.Task) error {
					cleaned = true
					return t.Sleep(time.Second)
				})
				return "", err
			})
		if !slices.Equal(got, []string{"done", "partial", ""}) {
			return fmt.Errorf("got %q", got)
		}
		return errors.Join(want("error", err.Error(), "Gather 1: boom"),
			want("is boom", errors.Is(err, errBoom), true),
			want("it waited for the cleaning up", cleaned, true),
			want("time taken", clock.Now(), 3*time.Second))
	})
}

func TestGatherJoinsFailures(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		late := errors.New("late")
		_, err := kettle.Gather(t, after(time.Second, 0, errBoom),
			func(t *kettle.Task) (int, error) { panic("oops") },
			func(t *kettle.Task) (int, error) {
				_ = t.Sleep(time.Hour)
				return 0, late
			})
		got := taskErrors(err)
		if len(got) != 2 || !strings.HasPrefix(got[0], "Gather 1: panic: oops") ||
			got[1] != "Gather 2: late" {
			return fmt.Errorf("errors: %q", got)
		}
		return nil
	})
}

func TestGatherCancelledFromAround(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		return t.WithCancel(func(t *kettle.Task) error {
			ran := 0
			count := func(t *kettle.Task) (int, error) { ran++; return 0, t.Sleep(time.Hour) }
			err := t.WithTimeout(time.Second, func(t *kettle.Task) error {
				got, err := kettle.Gather(t, count, count)
				return errors.Join(want("results", len(got), 2),
					want("it is the time-out alone", t.Cancelled(err), true))
			})
			if err != nil {
				return err
			}
			t.Cancel(errBoom)
			_, err = kettle.Gather(t, count, count)
			_, empty := kettle.Gather[int](t)
			return errors.Join(want("it is the cancellation alone", t.Cancelled(err), true),
				want("of nothing it is cancelled too", t.Cancelled(empty), true),
				want("functions that ran", ran, 2))
		})
	})
}

// All have succeeded: that the time was over in the same moment changes nothing. K8
func TestGatherKeepsResultsWhenTimeIsOver(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		var f kettle.Future[int]
		return t.WithCancel(func(t *kettle.Task) error {
			scope := t
			finish := func(t *kettle.Task) (int, error) {
				if err := t.Sleep(time.Second); err != nil {
					return 0, err
				}
				f.Resolve(2)
				scope.Cancel(errBoom)
				return 1, nil
			}
			got, err := kettle.Gather(t, f.Await, finish)
			if err != nil || !slices.Equal(got, []int{2, 1}) {
				return fmt.Errorf("got %v, %v", got, err)
			}
			return want("the next wait is cancelled", errors.Is(t.Yield(), errBoom), true)
		})
	})
}

func TestGatherOfNothing(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		got, err := kettle.Gather[int](t)
		return errors.Join(err, want("results", len(got), 0))
	})
}

// K16: the functions are tasks, with names and a parent.
func TestGatherInDump(t *testing.T) {
	names := map[string]func(t *kettle.Task, fns ...func(t *kettle.Task) (int, error)) error{
		"Gather": func(t *kettle.Task, fns ...func(t *kettle.Task) (int, error)) error {
			_, err := kettle.Gather(t, fns...)
			return err
		},
		"Race": func(t *kettle.Task, fns ...func(t *kettle.Task) (int, error)) error {
			_, err := kettle.Race(t, 0, fns...)
			return err
		},
		"AsCompleted": func(t *kettle.Task, fns ...func(t *kettle.Task) (int, error)) error {
			for _, result := range kettle.AsCompleted(t, fns...) {
				_, err := result.Result()
				return err
			}
			return nil
		},
	}
	for name, run := range names {
		simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
			var dump strings.Builder
			look := func(t *kettle.Task) (int, error) {
				if err := t.Sleep(time.Second); err != nil {
					return 0, err
				}
				return 0, t.Dump(&dump)
			}
			if err := run(t, after(2*time.Second, 0, nil), look); err != nil {
				return err
			}
			for _, line := range []string{"\n    " + name + " 0: waits for sleep, 1s left\n",
				"\n    " + name + " 1: running\n"} {
				if !strings.Contains(dump.String(), line) {
					return fmt.Errorf("no %q in\n%s", line, dump.String())
				}
			}
			return nil
		})
	}
}

func TestGatherRaceAndAsCompletedOnAnotherGoroutine(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		never := func(*kettle.Task) (int, error) { panic("it was started") }
		foreign := make(chan error, 4)
		go func() {
			defer close(foreign)
			_, err := kettle.Gather(t, never)
			foreign <- err
			_, err = kettle.Race(t, 0, never)
			foreign <- err
			for _, result := range kettle.AsCompleted(t, never, never) {
				_, err := result.Result()
				foreign <- err
			}
		}()
		n := 0
		for err := range foreign {
			if n++; err != kettle.ErrWrongGoroutine {
				return err
			}
		}
		return want("errors", n, 4)
	})
}

// A loop that has nothing to do but to wait for them notices.
func TestGatherOfWhatNeverEndsIsStuck(t *testing.T) {
	never := func(t *kettle.Task) (int, error) { return new(kettle.Future[int]).Await(t) }
	err := kettle.Run(func(t *kettle.Task) error {
		_, err := kettle.Gather(t, never, never)
		return err
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	if !errors.Is(err, kettle.ErrStuck) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
