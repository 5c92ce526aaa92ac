package kettle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// attempt is a function of a race: it ends after some seconds, by success or not.
type attempt struct {
	seconds int
	fails   bool
}

// racer makes attempts, and notes when each started, in seconds, and how each ended.
type racer struct {
	clock     *looptest.Clock
	started   []int
	cancelled []error // by whom
}

func (r *racer) fns(attempts []attempt) (fns []func(t *kettle.Task) (int, error)) {
	for i, a := range attempts {
		fns = append(fns, func(t *kettle.Task) (int, error) {
			r.started = append(r.started, int(r.clock.Now()/time.Second))
			if err := t.Sleep(time.Duration(a.seconds) * time.Second); err != nil {
				r.cancelled = append(r.cancelled, err)
				return 0, err
			}
			if a.fails {
				return 0, errBoom
			}
			return i, nil
		})
	}
	return fns
}

func TestRaceStartsOneAfterTheOther(t *testing.T) {
	const hour = 3600
	for _, test := range []struct {
		name     string
		delay    int
		attempts []attempt
		winner   int
		started  []int
		ended    int
	}{
		{"all at once", 0, []attempt{{3, false}, {2, false}, {4, false}}, 1, []int{0, 0, 0}, 2},
		{"a negative delay is none", -1, []attempt{{3, false}, {2, false}}, 1, []int{0, 0}, 2},
		{"failures do not end it", 0, []attempt{{1, true}, {3, false}, {2, true}}, 1,
			[]int{0, 0, 0}, 3},
		{"in time", 10, []attempt{{5, false}, {1, false}}, 0, []int{0}, 5},
		{"the first too slow", 10, []attempt{{hour, false}, {5, false}, {1, false}}, 1,
			[]int{0, 10}, 15},
		{"the first still wins", 10, []attempt{{25, false}, {hour, false}, {hour, false}}, 0,
			[]int{0, 10, 20}, 25},
		{"a failure starts the next", 10, []attempt{{2, true}, {3, true}, {1, false}}, 2,
			[]int{0, 2, 5}, 6},
		{"and the delay begins anew", 10, []attempt{{2, true}, {hour, false}, {1, false}}, 2,
			[]int{0, 2, 12}, 13},
		{"a failure of an earlier one too", 10, []attempt{{14, true}, {hour, true}, {1, false}}, 2,
			[]int{0, 10, 14}, 15},
		{"two failures start two", 10,
			[]attempt{{14, true}, {4, true}, {2, false}, {1, false}}, 3, []int{0, 10, 14, 14}, 15},
		{"one by one", hour, []attempt{{1, true}, {2, true}, {3, true}, {4, false}}, 3,
			[]int{0, 1, 3, 6}, 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
				r := &racer{clock: clock}
				winner, err := kettle.Race(t, time.Duration(test.delay)*time.Second,
					r.fns(test.attempts)...)
				if !slices.Equal(r.started, test.started) {
					err = errors.Join(err, fmt.Errorf("started at %v", r.started))
				}
				for _, cause := range r.cancelled {
					if !contains(cause, "another one has won") {
						err = errors.Join(err, cause)
					}
				}
				return errors.Join(err, want("winner", winner, test.winner),
					want("time taken", int(clock.Now()/time.Second), test.ended))
			})
		})
	}
}

func TestRaceWaitsForLosers(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		cleaned := false
		v, err := kettle.Race(t, 0, after(time.Second, 1, nil), func(t *kettle.Task) (int, error) {
			err := t.Sleep(time.Hour)
			_ = t.Shield(time.Minute, func(t *kettle.Task) error {
				err := t.Sleep(time.Second)
				cleaned = true
				return err
			})
			return 2, err
		})
		return errors.Join(err, want("value", v, 1), want("cleaned", cleaned, true),
			want("time taken", clock.Now(), 2*time.Second), t.Yield())
	})
}

func TestRaceThatAllLose(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		v, err := kettle.Race(t, 0, after(3*time.Second, 1, errors.New("third")),
			after(time.Second, 2, errBoom),
			func(t *kettle.Task) (int, error) {
				if err := t.Sleep(2 * time.Second); err != nil {
					return 0, err
				}
				panic("oops")
			})
		got := taskErrors(err)
		if len(got) != 3 || got[0] != "Race 1: boom" || got[2] != "Race 0: third" ||
			!strings.HasPrefix(got[1], "Race 2: panic: oops\n\ngoroutine") {
			return fmt.Errorf("errors: %q", got)
		}
		var panicked *kettle.PanicError
		return errors.Join(want("value", v, 0), want("is boom", errors.Is(err, errBoom), true),
			want("is a panic", errors.As(err, &panicked), true))
	})
}

func TestRaceOfOneThatFails(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		_, err := kettle.Race(t, time.Second, after(time.Hour, 1, errBoom))
		failed, ok := err.(*kettle.TaskError)
		if !ok {
			return fmt.Errorf("error: %v", err)
		}
		_, none := kettle.Race[int](t, 0)
		return errors.Join(want("name", failed.Name, "Race 0"), want("error", failed.Err, errBoom),
			want("of no functions", contains(none, "a Race of no functions"), true))
	})
}

func TestRaceCancelledFromAround(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		r := &racer{clock: clock}
		var all error
		within := func(d time.Duration, body func(t *kettle.Task) error) {
			all = errors.Join(all, t.WithTimeout(d, body))
		}
		within(15*time.Second, func(t *kettle.Task) error {
			_, err := kettle.Race(t, 10*time.Second,
				r.fns([]attempt{{100, false}, {100, false}, {100, false}})...)
			return errors.Join(want("started", len(r.started), 2),
				want("it is the time-out alone", t.Cancelled(err), true))
		})
		within(15*time.Second, func(t *kettle.Task) error { // what failed before is told too
			_, err := kettle.Race(t, 0, r.fns([]attempt{{1, true}, {100, false}, {100, false}})...)
			return errors.Join(want("is boom", errors.Is(err, errBoom), true),
				want("is late", errors.Is(err, context.DeadlineExceeded), true),
				want("errors", len(taskErrors(err)), 2))
		})
		r.started = nil
		within(0, func(t *kettle.Task) error {
			_, err := kettle.Race(t, 0, r.fns([]attempt{{1, false}})...)
			return errors.Join(want("started", len(r.started), 0),
				want("it is the time-out alone", t.Cancelled(err), true))
		})
		return all
	})
}

// The one before has failed, but there is no next one any more: the scope was cancelled meanwhile.
func TestRaceCancelledWithAFailure(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		return t.WithCancel(func(t *kettle.Task) error {
			scope := t
			_, err := kettle.Race(t, time.Hour, func(t *kettle.Task) (int, error) {
				if err := t.Sleep(time.Second); err != nil {
					return 0, err
				}
				scope.Cancel(errors.New("no more"))
				return 0, errBoom
			}, func(t *kettle.Task) (int, error) { panic("it was started") })
			return errors.Join(want("errors", len(taskErrors(err)), 2),
				want("is boom", errors.Is(err, errBoom), true),
				want("is cancelled", errors.Is(err, context.Canceled), true))
		})
	})
}

// K8
func TestRaceIsWonAlthoughCancelledMeanwhile(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		return t.WithCancel(func(t *kettle.Task) error {
			scope := t
			v, err := kettle.Race(t, 0, func(t *kettle.Task) (int, error) {
				if err := t.Sleep(time.Second); err != nil {
					return 0, err
				}
				scope.Cancel(errBoom)
				return 7, nil
			}, after(time.Hour, 1, nil))
			return errors.Join(err, want("value", v, 7),
				want("the next wait is cancelled", errors.Is(t.Yield(), errBoom), true))
		})
	})
}

// thing is a value that has to be freed.
type thing struct{ closed int }

func (c *thing) Close() error { c.closed++; return nil }

func TestRaceClosesWhatComesTooLate(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		var f kettle.Future[int]
		things := make([]thing, 4)
		var causes []error
		get := func(i int) func(t *kettle.Task) (*thing, error) {
			return func(t *kettle.Task) (*thing, error) {
				if _, err := f.Await(t); err != nil { // all have it in the same step
					return nil, err
				}
				causes = append(causes, t.Cause())
				if i == 3 {
					return nil, errBoom
				}
				return &things[i], nil
			}
		}
		return t.Group(func(g *kettle.Group) error {
			g.Go("resolve", func(t *kettle.Task) error {
				err := t.Sleep(time.Second)
				f.Resolve(1)
				return err
			})
			won, err := kettle.Race(g.Task, 0, get(0), get(1), get(2), get(3))
			if err != nil {
				return err
			}
			for i := range things[:3] {
				err = errors.Join(err, want(fmt.Sprint("things closed of ", i), things[i].closed,
					map[bool]int{true: 0, false: 1}[won == &things[i]]))
			}
			open := 0
			for _, cause := range causes {
				if cause == nil {
					open++
				}
			}
			// Shuffled, the one that fails may come before the winner.
			return errors.Join(err, want("some were not cancelled", open >= 1 && open <= 2, true),
				want("all had it", len(causes), 4))
		})
	})
}

// Whatever happens, the function that returns a value with its scope not cancelled wins, and the
// others know that they do not.
func TestRaceIsWonByWhoIsNotCancelled(t *testing.T) {
	source := rand.New(rand.NewPCG(looptest.Seed(t), 0))
	for range 200 {
		simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
			sure := -1
			fns := make([]func(t *kettle.Task) (int, error), 1+source.IntN(6))
			for i := range fns {
				steps, stubborn := source.IntN(4), source.IntN(2) == 0
				fns[i] = func(t *kettle.Task) (int, error) {
					for range steps {
						if err := t.Sleep(time.Second); err != nil && !stubborn {
							return 0, err
						}
					}
					if t.Cause() == nil {
						if sure >= 0 {
							return 0, errors.New("two are sure to win")
						}
						sure = i
					}
					return i, nil
				}
			}
			won, err := kettle.Race(t, time.Duration(source.IntN(3))*time.Second, fns...)
			return errors.Join(err, want("winner", won, sure))
		}, kettle.Seed(source.Uint64()))
	}
}

func TestRaceTellsOfLosersThatPanic(t *testing.T) {
	for _, panics := range []bool{true, false} {
		var told []loop.Incident
		simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
			v, err := kettle.Race(t, 0, after(time.Second, 1, nil),
				func(t *kettle.Task) (int, error) {
					err := t.Sleep(time.Hour)
					if panics {
						panic("oops")
					}
					return 0, err
				})
			return errors.Join(err, want("value", v, 1))
		}, kettle.OnIncident(func(in loop.Incident) { told = append(told, in) }))
		switch {
		case !panics && len(told) > 0:
			t.Errorf("told of %v", told)
		case panics && (len(told) != 1 || told[0].What != "run task Race 1" ||
			!contains(told[0].Err, "panic: oops")):
			t.Errorf("told of %v", told)
		}
	}
}
