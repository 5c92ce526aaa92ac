package kettle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// neverWaits has waits that are over at once, each with what has to be done before the next.
func neverWaits() map[string]func(x *things) error {
	return map[string]func(x *things) error{
		"Lock": func(x *things) error {
			err := x.mutex.Lock(x.Task)
			if err == nil {
				x.mutex.Unlock()
			}
			return err
		},
		"Acquire": func(x *things) error {
			err := x.semaphore.Acquire(x.Task)
			if err == nil {
				x.semaphore.Release()
			}
			return err
		},
		"Event": func(x *things) error { x.event.Set(); return x.event.Wait(x.Task) },
		"Queue": func(x *things) error {
			if err := x.queue.Put(x.Task, 1); err != nil {
				return err
			}
			_, err := x.queue.Get(x.Task)
			x.queue.Done()
			return err
		},
		"Join": func(x *things) error { return x.queue.Join(x.Task) },
		"Future": func(x *things) error {
			x.future.Resolve(1)
			_, err := x.future.Await(x.Task)
			return err
		},
		"Barrier": func(x *things) error {
			_, err := kettle.NewBarrier(1).Wait(x.Task)
			return err
		},
		"channel": func(x *things) error {
			if err := kettle.Send(x.Task, x.channel, 1); err != nil {
				return err
			}
			_, _, err := kettle.Receive(x.Task, x.channel)
			return err
		},
		"Drain": func(x *things) error { x.Drain(24 * time.Hour); return x.AwaitDrain() },
		"Group": func(x *things) error {
			return x.Task.Group(func(*kettle.Group) error { return nil })
		},
		"Gather": func(x *things) error { _, err := kettle.Gather[int](x.Task); return err },
	}
}

// TestTaskThatNeverWaitsGivesWay: it always finds what it wants, and yet others have their turn.
func TestTaskThatNeverWaitsGivesWay(t *testing.T) {
	for name, wait := range neverWaits() {
		t.Run(name, func(t *testing.T) {
			simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
				return task.Group(func(g *kettle.Group) error {
					const turns = 10
					others, waits := 0, 0
					err := g.Go("other", func(task *kettle.Task) error {
						for ; others < turns; others++ {
							if err := task.Yield(); err != nil {
								return err
							}
						}
						return nil
					})
					x := newThings(g)
					for ; err == nil && others < turns && waits < 100_000; waits++ {
						err = wait(x)
					}
					if waits > 300*turns {
						t.Errorf("after %d waits the other task has had %d turns", waits, others)
					}
					return err
				})
			})
		})
	}
}

// TestDeafTask: one that ignores its cancellation does not freeze the others, and is told of, once.
func TestDeafTask(t *testing.T) {
	for name, deafTo := range map[string]func(*kettle.Task) error{
		"Sleep": sleepLong,
		"Yield": (*kettle.Task).Yield,
		"Group": func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error { return start(g, sleepLong) })
		},
		"Lock": func(t *kettle.Task) error { return new(kettle.Mutex).Lock(t) },
	} {
		t.Run(name, func(t *testing.T) {
			var incidents []loop.Incident
			turns := 0
			err := kettle.Run(func(task *kettle.Task) error {
				return task.Group(func(outer *kettle.Group) error {
					enough := false
					err := outer.Go("other", func(task *kettle.Task) error {
						for ; turns < 100; turns++ {
							if err := task.Sleep(time.Nanosecond); err != nil {
								return err
							}
						}
						enough = true
						return nil
					})
					return errors.Join(err, outer.Group(func(g *kettle.Group) error {
						err := g.Go("deaf", func(task *kettle.Task) error {
							for !enough {
								_ = deafTo(task)
							}
							return nil
						})
						g.Cancel(errStop)
						return err
					}))
				})
			}, kettle.OnIncident(func(in loop.Incident) { incidents = append(incidents, in) }))
			if err != nil || turns != 100 {
				t.Errorf("the other task has had %d of 100 turns: %v", turns, err)
			}
			if len(incidents) != 1 || !strings.Contains(incidents[0].What, "task deaf") ||
				!errors.Is(incidents[0].Err, errStop) {
				t.Errorf("the incidents are %v", incidents)
			}
		})
	}
}

// TestTaskThatHearsLate is not told of: it cleans up behind a shield, wait after wait.
func TestTaskThatHearsLate(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.Group(func(g *kettle.Group) error {
			g.Cancel(errStop)
			for range 3000 {
				_ = g.Shield(time.Hour, func(task *kettle.Task) error { return task.Sleep(1) })
				_ = g.Yield()
			}
			return g.Yield()
		})
		return want("cancelled", errors.Is(err, errStop), true)
	}, kettle.OnIncident(func(in loop.Incident) { t.Errorf("incident: %v", in) }))
}

// TestOrderIsShuffledBySeed: the same seed gives the same order, another one another.
func TestOrderIsShuffledBySeed(t *testing.T) {
	order := func(options ...kettle.Option) string {
		var turns []string
		simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
			return task.Group(func(g *kettle.Group) error {
				var err error
				for _, name := range strings.Split("abcdefghij", "") {
					err = errors.Join(err, g.Go(name, func(task *kettle.Task) error {
						for range 3 {
							turns = append(turns, name)
							if err := task.Yield(); err != nil {
								return err
							}
						}
						return nil
					}))
				}
				return err
			})
		}, options...)
		return strings.Join(turns, "")
	}
	if got := order(); got != "abcdefghijabcdefghijabcdefghij" {
		t.Errorf("without a seed the order is %s", got)
	}
	seen := []string{order()}
	for seed := range uint64(5) {
		first := order(kettle.Seed(seed))
		if again := order(kettle.Seed(seed)); again != first {
			t.Errorf("with the seed %d the order is %s, then %s", seed, first, again)
		}
		if slices.Contains(seen, first) {
			t.Errorf("with the seed %d the order is that of another", seed)
		}
		seen = append(seen, first)
	}
}
