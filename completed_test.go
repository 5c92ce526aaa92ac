package kettle_test

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

func TestAsCompletedYieldsInOrderOfCompletion(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		var order, at []int
		var all error
		for i, result := range kettle.AsCompleted(t, after(3*time.Second, "c", nil),
			after(time.Second, "a", nil), after(2*time.Second, "b", nil)) {
			v, err := result.Result()
			all = errors.Join(all, err, want("value", v, []string{"c", "a", "b"}[i]))
			order = append(order, i)
			at = append(at, int(clock.Now()/time.Second))
		}
		if !slices.Equal(order, []int{1, 2, 0}) || !slices.Equal(at, []int{1, 2, 3}) {
			all = errors.Join(all, fmt.Errorf("%v came at %v", order, at))
		}
		return all
	})
}

// However they fail, that is theirs alone.
func TestAsCompletedYieldsFailures(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		got := make([]error, 4)
		for i, result := range kettle.AsCompleted(t, after(time.Second, 1, errBoom),
			func(t *kettle.Task) (int, error) { panic("oops") },
			func(t *kettle.Task) (int, error) { runtime.Goexit(); return 0, nil },
			after(2*time.Second, 1, nil)) {
			_, got[i] = result.Result()
		}
		var panicked *kettle.PanicError
		return errors.Join(want("failure", got[0], errBoom),
			want("panic", errors.As(got[1], &panicked) && panicked.Value == "oops", true),
			want("Goexit", got[2], kettle.ErrGoexit), want("success", got[3], nil), t.Yield())
	})
}

// The body of the loop may wait as long as it wants: what ends meanwhile is yielded later, and no
// function waits for the body.
func TestAsCompletedWhileTheBodyWaits(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		var order []int
		for i := range kettle.AsCompleted(t, after(3*time.Second, 0, nil),
			after(time.Second, 0, nil), after(2*time.Second, 0, nil)) {
			order = append(order, i)
			if err := t.Sleep(time.Minute); err != nil {
				return err
			}
		}
		if !slices.Equal(order, []int{1, 2, 0}) {
			return fmt.Errorf("they came as %v", order)
		}
		return want("time taken", clock.Now(), 3*time.Minute+time.Second)
	})
}

func TestAsCompletedLeftEarly(t *testing.T) {
	leave := map[string]func(range2 iter.Seq2[int, *kettle.Future[*thing]]) error{
		"break": func(range2 iter.Seq2[int, *kettle.Future[*thing]]) error {
			for range range2 {
				break
			}
			return nil
		},
		"return": func(range2 iter.Seq2[int, *kettle.Future[*thing]]) error {
			for range range2 {
				return nil
			}
			return errBoom
		},
		"panic": func(range2 iter.Seq2[int, *kettle.Future[*thing]]) (err error) {
			defer func() { err = want("panic", recover(), any("oops")) }()
			for range range2 {
				panic("oops")
			}
			return nil
		},
	}
	for name, leave := range leave {
		t.Run(name, func(t *testing.T) {
			inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
				things := make([]thing, 3)
				cleaned := false
				err := leave(kettle.AsCompleted(t, after(time.Second, &things[0], nil),
					func(t *kettle.Task) (*thing, error) { // has what it wants all the same
						_ = t.Sleep(time.Hour)
						return &things[1], nil
					},
					func(t *kettle.Task) (*thing, error) {
						err := t.Sleep(time.Hour)
						_ = t.Shield(time.Minute, func(t *kettle.Task) error {
							cleaned = true
							return t.Sleep(time.Second)
						})
						return &things[2], err
					}))
				return errors.Join(err, want("it waited for the cleaning up", cleaned, true),
					want("closed of what was yielded", things[0].closed, 0),
					want("closed of what was not", things[1].closed, 1),
					want("closed of what failed", things[2].closed, 0),
					want("time taken", clock.Now(), 2*time.Second), t.Yield())
			})
		})
	}
}

func TestAsCompletedLeftWhileAPanicWaits(t *testing.T) {
	var told []loop.Incident
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		for range kettle.AsCompleted(t, after(0, 1, nil), func(t *kettle.Task) (int, error) {
			_ = t.Sleep(time.Hour)
			panic("oops")
		}) {
			break
		}
		return nil
	}, kettle.OnIncident(func(in loop.Incident) { told = append(told, in) }))
	if len(told) != 1 || told[0].What != "run task AsCompleted 1" {
		t.Errorf("told of %v", told)
	}
}

// A cancellation from around ends the functions, and what they have by then is not lost.
func TestAsCompletedCancelledFromAround(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		return t.WithCancel(func(t *kettle.Task) error {
			values, cancelled := 0, 0
			count := func() error {
				for _, result := range kettle.AsCompleted(t, after(time.Second, 1, nil),
					after(time.Hour, 1, nil),
					func(t *kettle.Task) (int, error) { _ = t.Sleep(time.Hour); return 1, nil }) {
					v, err := result.Result()
					values += v
					switch {
					case err == nil:
						t.Cancel(errBoom)
					case t.Cancelled(err):
						cancelled++
					default:
						return err
					}
				}
				return nil
			}
			err := errors.Join(count(), want("values", values, 2), want("cancelled", cancelled, 1))
			values, cancelled = 0, 0
			return errors.Join(err, count(), // now it is from the beginning
				want("values", values, 0), want("cancelled", cancelled, 3))
		})
	})
}

func TestAsCompletedRunsTheFunctionsAnew(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		runs, yields := 0, 0
		completed := kettle.AsCompleted(t, func(t *kettle.Task) (int, error) {
			runs++
			return runs, nil
		})
		for range 3 {
			for range completed {
				yields++
			}
		}
		for range kettle.AsCompleted[int](t) {
			yields++
		}
		return errors.Join(want("runs", runs, 3), want("yields", yields, 3))
	})
}

// iter.Pull runs the iterator on a goroutine of its own, which is not the task's.
func TestAsCompletedPulled(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		never := func(*kettle.Task) (int, error) { panic("it was started") }
		next, stop := iter.Pull2(kettle.AsCompleted(t, never, never))
		defer stop()
		i, result, ok := next()
		if !ok {
			return errors.New("nothing came")
		}
		_, err := result.Result()
		return errors.Join(want("index", i, 0), want("error", err, kettle.ErrWrongGoroutine))
	})
}
