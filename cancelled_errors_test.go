package kettle_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// many is an error that may consist of others.
type many struct{ parts []error }

func (e *many) Error() string   { return "many" }
func (e *many) Unwrap() []error { return e.parts }

// K1: an error that says nothing but that the scope was cancelled is no failure, and every other is
// one, whatever else it says.
func TestErrorsThatAreNoFailures(t *testing.T) {
	for _, test := range []struct {
		name    string
		err     func(cause error) error
		failure bool
	}{
		{"the cause", func(cause error) error { return cause }, false},
		{"wrapped", func(cause error) error { return fmt.Errorf("read: %w", cause) }, false},
		{"with itself", func(cause error) error { return errors.Join(cause, cause) }, false},
		{"of a context", func(error) error { return context.Canceled }, false},
		{"of a context, wrapped", func(error) error {
			return fmt.Errorf("query: %w", context.Canceled)
		}, false},
		{"of both", func(cause error) error { return errors.Join(context.Canceled, cause) }, false},
		{"with a failure", func(cause error) error { return errors.Join(cause, errBoom) }, true},
		{"a failure", func(error) error { return errBoom }, true},
		{"a deadline", func(error) error { return context.DeadlineExceeded }, true},
		{"of no parts", func(error) error { return &many{} }, true},
		{"of parts", func(cause error) error { return &many{[]error{cause}} }, false},
		{"a panic", func(cause error) error { panic(cause) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
				err := t.Group(func(g *kettle.Group) error {
					g.Go("other", func(t *kettle.Task) error {
						_ = t.Sleep(time.Hour)
						return test.err(t.Cause())
					})
					if err := g.Sleep(time.Second); err != nil {
						return err
					}
					return errors.New("first")
				})
				errs := taskErrors(err)
				return errors.Join(want("failures", len(errs) > 1, test.failure),
					want("the first of them", errs[0], "first"))
			})
		})
	}
}

// The scope as a context has the plain errors of package context, and so have what is derived from
// it and libraries that heed it.
func TestErrorsOfTheContextAreTheCancellation(t *testing.T) {
	onALoop(t, func(t *kettle.Task) error {
		query := func(t *kettle.Task) error {
			_, err := kettle.Blocking(t, func(ctx context.Context) (int, error) {
				ctx, cancel := context.WithCancel(ctx)
				defer cancel()
				<-ctx.Done()
				return 0, fmt.Errorf("query: %w", ctx.Err())
			})
			return err
		}
		late := t.WithTimeout(time.Millisecond, func(t *kettle.Task) error {
			err := t.Group(func(g *kettle.Group) error { return query(g.Task) })
			return want("the time-out is no failure", t.Cancelled(err), true)
		})
		err := t.Group(func(g *kettle.Group) error {
			g.Go("query", query)
			return errBoom
		})
		return errors.Join(late, want("error of the group", err, errBoom))
	})
}

// A task that finds its time over again and again is not deaf: it asks each time anew, and what it
// waits for in between is no failure.
func TestTimeoutsThatFailWithoutAnyHarm(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		for range 3000 {
			err := t.WithTimeout(0, func(t *kettle.Task) error { return t.Sleep(time.Hour) })
			if !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			if err := t.Yield(); err != nil {
				return err
			}
		}
		return nil
	}, kettle.OnIncident(func(in loop.Incident) { t.Errorf("%s: %v", in.What, in.Err) }))
}

// A shield always has an end.
func TestShieldKeepsItsDeadline(t *testing.T) {
	simulated(t, func(t *kettle.Task, clock *looptest.Clock) error {
		err := t.Shield(time.Minute, func(t *kettle.Task) error {
			if t.NoTimeout() == nil {
				return errors.New("it has no end")
			}
			return t.Sleep(time.Hour)
		})
		return errors.Join(want("timed out", errors.Is(err, context.DeadlineExceeded), true),
			want("time taken", clock.Now(), time.Minute))
	})
}
