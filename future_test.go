package kettle_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// shuffles is how many random orders a test runs in that must not depend on the order.
const shuffles = 20

// simulated runs main on a virtual clock, and fails the test with its error.
func simulated(t *testing.T, main func(t *kettle.Task, clock *looptest.Clock) error,
	options ...kettle.Option) {
	t.Helper()
	clock := looptest.NewClock()
	options = append(options, kettle.Clock(func() loop.Clock { return clock }))
	err := kettle.Run(func(t *kettle.Task) error { return main(t, clock) }, options...)
	if err != nil {
		t.Error(err)
	}
}

// inAnyOrder runs main as simulated does, in order first, and then shuffled.
func inAnyOrder(t *testing.T, main func(t *kettle.Task, clock *looptest.Clock) error) {
	t.Helper()
	simulated(t, main)
	seed := looptest.Seed(t)
	for i := range uint64(shuffles) {
		simulated(t, main, kettle.Seed(seed+i))
	}
}

// want returns an error unless got is as it should be.
func want[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}

func TestFutureKeepsItsFirstResult(t *testing.T) {
	var f kettle.Future[int]
	if v, err := f.Result(); f.Done() || v != 0 || !errors.Is(err, kettle.ErrNotDone) {
		t.Errorf("pending: %v, %v", v, err)
	}
	if !f.Resolve(7) || f.Resolve(8) || f.Reject(errBoom) {
		t.Error("it took another result than the first")
	}
	for range 2 {
		if v, err := f.Result(); !f.Done() || v != 7 || err != nil {
			t.Errorf("resolved: %v, %v", v, err)
		}
	}
	var g kettle.Future[int]
	if !g.Reject(errBoom) || g.Reject(nil) || g.Resolve(1) {
		t.Error("it took another result than the first")
	}
	if v, err := g.Result(); !g.Done() || v != 0 || err != errBoom {
		t.Errorf("rejected: %v, %v", v, err)
	}
	var h kettle.Future[int]
	if h.Reject(nil); !h.Done() {
		t.Error("rejected with nil, and still pending")
	}
	if _, err := h.Result(); err == nil {
		t.Error("rejected with nil, and no error")
	}
}

var errBoom = errors.New("boom")

func TestFutureWakesAllWhoAwaitIt(t *testing.T) {
	for _, fails := range []error{nil, errBoom} {
		simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
			var f kettle.Future[string]
			var woken []int
			err := t.Group(func(g *kettle.Group) error {
				for i := range 5 {
					g.Go("waiter", func(t *kettle.Task) error {
						v, err := f.Await(t)
						woken = append(woken, i)
						return errors.Join(want("error", err, fails),
							want("value", v == "tea", err == nil))
					})
				}
				if err := g.Sleep(time.Second); err != nil {
					return err
				}
				if fails != nil {
					f.Reject(fails)
				} else {
					f.Resolve("tea")
				}
				_, err := f.Await(g.Task) // it is done: at once
				return errors.Join(want("error", err, fails), want("woken so far", len(woken), 0))
			})
			if !slices.Equal(woken, []int{0, 1, 2, 3, 4}) {
				err = errors.Join(err, fmt.Errorf("they went on as %v", woken))
			}
			return err
		})
	}
}

// K8: who is cancelled before the result is there gets the cancellation, and who is cancelled
// afterwards, if only by a moment, gets the result, and the cancellation at the next wait.
func TestFutureAndCancellationInOneStep(t *testing.T) {
	for _, resolvedFirst := range []bool{true, false} {
		inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
			var f kettle.Future[int]
			return t.Group(func(g *kettle.Group) error {
				var scope *kettle.Task
				g.Go("waiter", func(t *kettle.Task) error {
					return t.WithCancel(func(t *kettle.Task) error {
						scope = t
						v, err := f.Await(t)
						after := t.Yield()
						return errors.Join(
							want("has the value", v == 7 && err == nil, resolvedFirst),
							want("has the cancellation", errors.Is(err, errBoom), !resolvedFirst),
							want("the next wait is cancelled", errors.Is(after, errBoom), true))
					})
				})
				if err := g.Sleep(time.Second); err != nil {
					return err
				}
				if resolvedFirst {
					f.Resolve(7)
				}
				scope.Cancel(errBoom)
				f.Resolve(7)
				return nil
			})
		})
	}
}

func TestFutureIsNotHarmedByCancelledWaiters(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, _ *looptest.Clock) error {
		var f kettle.Future[int]
		return t.Group(func(g *kettle.Group) error {
			for i := range 6 {
				g.Go("waiter", func(t *kettle.Task) error {
					err := t.WithTimeout(time.Duration(i)*time.Second, func(t *kettle.Task) error {
						_, err := f.Await(t)
						return err
					})
					var late *kettle.TimeoutError
					if err := want("timed out", errors.As(err, &late), i < 3); err != nil {
						return err
					}
					v, err := f.Await(t) // again, and now for as long as it takes
					return errors.Join(err, want("value", v, 7))
				})
			}
			if err := g.Sleep(2500 * time.Millisecond); err != nil {
				return err
			}
			f.Resolve(7)
			return nil
		})
	})
}

func TestFutureInCancelledScope(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		var f kettle.Future[int]
		f.Resolve(7)
		return t.WithCancel(func(t *kettle.Task) error {
			t.Cancel(errBoom)
			_, err := f.Await(t)
			v, failed := f.Result()
			return errors.Join(failed, want("value", v, 7),
				want("Await is cancelled", errors.Is(err, errBoom), true))
		})
	})
}

func TestFutureBelongsToOneLoop(t *testing.T) {
	shared := make(chan *kettle.Future[int], 1)
	tried := make(chan struct{})
	err := kettle.Run(func(t *kettle.Task) error {
		if t.Loop() == 0 {
			f := new(kettle.Future[int])
			f.Resolve(7)
			if _, err := f.Await(t); err != nil { // it is this loop's now
				return err
			}
			shared <- f
			_, _, err := kettle.Receive(t, tried)
			return err
		}
		f, _, err := kettle.Receive(t, shared)
		if err != nil {
			return err
		}
		_, err = f.Await(t)
		close(tried)
		return want("error", err, kettle.ErrWrongLoop)
	}, kettle.Loops(2))
	if err != nil {
		t.Error(err)
	}
}

func TestFutureOnAnotherGoroutine(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		var f kettle.Future[int]
		f.Resolve(1)
		if _, err := f.Await(t); err != nil {
			return err
		}
		foreign := make(chan error)
		go func() {
			_, err := f.Await(t)
			foreign <- err
		}()
		return want("error", <-foreign, kettle.ErrWrongGoroutine)
	})
}

func TestFutureThatNobodyResolvesIsStuck(t *testing.T) {
	clock := func() loop.Clock { return looptest.NewClock() }
	err := kettle.Run(func(t *kettle.Task) error {
		_, err := new(kettle.Future[int]).Await(t)
		return err
	}, kettle.Clock(clock))
	if !errors.Is(err, kettle.ErrStuck) || !contains(err, "waits for Future.Await") {
		t.Errorf("error: %v", err)
	}
}

// To await what is done is a wait all the same: it gives way in the end.
func TestFutureThatIsDoneDoesNotStarveOthers(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		var f kettle.Future[int]
		f.Resolve(7)
		return t.Group(func(g *kettle.Group) error {
			ran := false
			g.Go("other", func(t *kettle.Task) error { ran = true; return nil })
			for range 1000 {
				if _, err := f.Await(g.Task); err != nil {
					return err
				}
			}
			return want("the other task ran", ran, true)
		})
	})
}

func TestFutureAwaitDoesNotAllocate(t *testing.T) {
	const n = 1000
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		asked := make([]kettle.Future[int], n+2)
		answers := make([]kettle.Future[int], n+2)
		return t.Group(func(g *kettle.Group) error {
			g.Go("answers", func(t *kettle.Task) error {
				for i := range asked {
					v, err := asked[i].Await(t)
					if err != nil {
						return err
					}
					answers[i].Resolve(v + 1)
				}
				return nil
			})
			i := 0
			var failed error
			allocs := testing.AllocsPerRun(n, func() {
				asked[i].Resolve(i)
				if _, err := answers[i].Await(g.Task); err != nil {
					failed = err
				}
				i++
			})
			asked[n+1].Resolve(0)
			return errors.Join(failed, want("allocations", allocs, 0))
		})
	})
}
