package kettle_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
)

// TestBlockingReturnsWhatItsFunctionHas: a result, an error, and both.
func TestBlockingReturnsWhatItsFunctionHas(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		for _, want := range []error{nil, errOne} {
			got, err := kettle.Blocking(task, func(context.Context) (int, error) { return 7, want })
			if got != 7 || err != want {
				t.Errorf("the result is %d, %v, want 7, %v", got, err, want)
			}
		}
		return nil
	})
}

// TestBlockingDoesNotBlockTheLoop: other tasks run, one of which the function waits for.
func TestBlockingDoesNotBlockTheLoop(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		other := make(chan struct{})
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("other", func(*kettle.Task) error { close(other); return nil })
			return errors.Join(err, g.Task.Blocking(func(context.Context) error {
				<-other
				return nil
			}))
		})
	})
}

// TestBlockingStopsTheVirtualClock: nobody knows how long its function takes.
func TestBlockingStopsTheVirtualClock(t *testing.T) {
	simulated(t, func(task *kettle.Task, clock *looptest.Clock) error {
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("sleeper", func(task *kettle.Task) error { return task.Sleep(time.Hour) })
			err = errors.Join(err, g.Task.Blocking(func(context.Context) error {
				for range 100 {
					runtime.Gosched()
				}
				return nil
			}))
			return errors.Join(err, want("time", clock.Now(), 0))
		})
	})
}

// TestBlockingPassesTheScope as the context: the innermost one, with its values.
func TestBlockingPassesTheScope(t *testing.T) {
	type key int
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.WithValue(key(1), 2, func(scope *kettle.Task) error {
			return task.Blocking(func(ctx context.Context) error {
				return errors.Join(want("value", ctx.Value(key(1)), any(2)), ctx.Err())
			})
		})
	})
}

// TestBlockingPanics: a panic in the function is one of the task, with the stack of the function.
// So is Goexit.
func TestBlockingPanics(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error {
			return g.Go("bad", func(task *kettle.Task) error {
				return task.Blocking(func(context.Context) error { return explode(errOne) })
			})
		})
		if !errors.Is(err, errOne) || !strings.Contains(err.Error(), "kettle_test.explode") {
			t.Errorf("the error is %v", err)
		}
		func() { // as any panic, it can be recovered
			defer func() {
				var panicked *kettle.PanicError
				if err, ok := recover().(error); !ok || !errors.As(err, &panicked) {
					t.Errorf("recovered %v", err)
				}
			}()
			_ = task.Blocking(func(context.Context) error { return explode(7) })
		}()
		for range 200 { // no place of the executor is lost
			err = task.Group(func(g *kettle.Group) error {
				return g.Go("exits", func(task *kettle.Task) error {
					return task.Blocking(func(context.Context) error {
						runtime.Goexit()
						return nil
					})
				})
			})
			if !errors.Is(err, kettle.ErrGoexit) {
				t.Fatalf("the error is %v", err)
			}
		}
		return nil
	})
}

// TestBlockingIsCancelled: the function is told, and waited for, and what it has is kept. The next
// wait fails.
func TestBlockingIsCancelled(t *testing.T) {
	for _, heeds := range []bool{true, false} {
		err := kettle.Run(func(task *kettle.Task) error {
			returned := false
			running, goOn := make(chan struct{}), make(chan struct{})
			err := task.WithCancel(func(scope *kettle.Task) error {
				go func() {
					<-running
					scope.Cancel(errStop)
					<-scope.Done()
					close(goOn)
				}()
				got, err := kettle.Blocking(task, func(ctx context.Context) (int, error) {
					close(running)
					if heeds {
						<-ctx.Done()
					} else {
						<-goOn
					}
					returned = true
					return 7, nil
				})
				return errors.Join(err, want("result", got, 7), want("returned", returned, true),
					scope.Yield())
			})
			return want("the next wait fails", errors.Is(err, errStop), true)
		})
		if err != nil {
			t.Errorf("heeds its context %v: %v", heeds, err)
		}
	}
}

// TestBlockingInACancelledScope does not begin.
func TestBlockingInACancelledScope(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.WithTimeout(0, func(task *kettle.Task) error {
			err := task.Blocking(func(context.Context) error { t.Error("it runs"); return nil })
			return want("timed out", timedOut(err, 0), true)
		})
	})
}

// TestBlockingIsBounded: some run, the others wait their turn, and all are done.
func TestBlockingIsBounded(t *testing.T) {
	const limit, jobs = 64, 300
	var running, done atomic.Int32
	var once sync.Once
	full := make(chan struct{}) // closed when as many run as may
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			for range jobs {
				if err := g.Go("worker", func(task *kettle.Task) error {
					return task.Blocking(func(context.Context) error {
						n := running.Add(1)
						defer running.Add(-1)
						if n == limit {
							once.Do(func() { close(full) })
						}
						<-full
						done.Add(1)
						return want("too many run", n > limit, false)
					})
				}); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil || done.Load() != jobs {
		t.Errorf("%d of %d are done: %v", done.Load(), jobs, err)
	}
}

// TestBlockingIsFair: tasks that are always ready do not keep out what other goroutines have done,
// though there is one processor. Without care the loop would hold it for 10 ms each time, tens of
// thousands of turns.
func TestBlockingIsFair(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	const trips = 100
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			for range 4 {
				if err := g.Go("busy", func(task *kettle.Task) error {
					for {
						if err := task.Yield(); err != nil {
							return nil
						}
					}
				}); err != nil {
					return err
				}
			}
			before := g.Stats().Turns
			for range trips {
				if err := g.Task.Blocking(func(context.Context) error { return nil }); err != nil {
					return err
				}
			}
			if turns := (g.Stats().Turns - before) / trips; turns > 100 {
				t.Errorf("a round trip takes %d turns of the loop", turns)
			}
			g.Cancel(nil)
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBlockingOnManyLoops: they share the goroutines, and each has its own results.
func TestBlockingOnManyLoops(t *testing.T) {
	var mu sync.Mutex
	seen := map[int]int{}
	err := kettle.Run(func(task *kettle.Task) error {
		for i := range 50 {
			got, err := kettle.Blocking(task, func(context.Context) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				seen[task.Loop()]++
				return 100*task.Loop() + i, nil
			})
			if err := errors.Join(err, want("result", got, 100*task.Loop()+i)); err != nil {
				return err
			}
		}
		return nil
	}, kettle.Loops(3))
	if err != nil || len(seen) != 3 || seen[0] != 50 {
		t.Errorf("the loops have had %v: %v", seen, err)
	}
}
