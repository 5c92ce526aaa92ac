package kettle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// What has not begun need not end: who waits for a place in Blocking can be cancelled.
func TestBlockingThatHasNotBegunIsCancelled(t *testing.T) {
	onALoop(t, func(t *kettle.Task) error {
		release := make(chan struct{})
		full := make(chan struct{}, 1000)
		return t.Group(func(g *kettle.Group) error {
			for range 64 {
				g.Go("full", func(t *kettle.Task) error {
					_, err := kettle.Blocking(t, func(context.Context) (int, error) {
						full <- struct{}{}
						<-release
						return 0, nil
					})
					return err
				})
			}
			for range 64 {
				if _, _, err := kettle.Receive(g.Task, full); err != nil {
					return err
				}
			}
			ran := false
			err := g.WithTimeout(time.Millisecond, func(t *kettle.Task) error {
				_, err := kettle.Blocking(t, func(context.Context) (int, error) {
					ran = true
					return 0, nil
				})
				return err
			})
			close(release)
			return errors.Join(want("timed out", errors.Is(err, context.DeadlineExceeded), true),
				want("it ran", ran, false))
		})
	})
}

// What has begun does, also if the loop breaks when the task is about to be told of its
// cancellation.
func TestBlockingOfACancelledTaskAsTheLoopBreaks(t *testing.T) {
	broken := errors.New("broken")
	kernel := looptest.NewSelector()
	var result int
	var failure error
	err := kettle.Run(func(t *kettle.Task) error {
		if err := t.Watch(7); err != nil { // so each turn asks the selector
			return err
		}
		begun := make(chan struct{})
		return t.Group(func(g *kettle.Group) error {
			var scope *kettle.Task
			g.Go("blocking", func(t *kettle.Task) error {
				scope = t
				result, failure = kettle.Blocking(t, func(ctx context.Context) (int, error) {
					close(begun)
					<-ctx.Done()
					spin(1000)
					return 7, nil
				})
				return nil
			})
			if _, _, err := kettle.Receive(g.Task, begun); err != nil {
				return err
			}
			scope.Cancel(errBoom)
			kernel.Fail(looptest.OpSelect, broken)
			return g.Sleep(time.Hour)
		})
	}, kettle.Selector(func() loop.Selector { return kernel }))
	if !errors.Is(err, broken) || result != 7 || failure != nil {
		t.Errorf("Run: %v, Blocking: %v, %v", err, result, failure)
	}
}
