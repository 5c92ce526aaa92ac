package kettle_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kettle-go/kettle"
)

// each starts a task that ends without a failure if it is cancelled alone.
func each(g *kettle.Group, name string, body func(t *kettle.Task) error) error {
	return g.Go(name, func(t *kettle.Task) error {
		return t.WithCancel(func(t *kettle.Task) error {
			if err := body(t); !t.Cancelled(err) {
				return err
			}
			return nil
		})
	})
}

// times starts n of them.
func times(g *kettle.Group, n int, name string, body func(t *kettle.Task) error) error {
	for i := range n {
		if err := each(g, fmt.Sprint(name, " ", i), body); err != nil {
			return err
		}
	}
	return nil
}

// but returns err, unless it is one that the play expects.
func but(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

func sleepScenario() play {
	return play{body: func(g *kettle.Group) error {
		return times(g, 3, "sleeper", func(t *kettle.Task) error {
			for range 2 {
				if err := errors.Join(t.Sleep(time.Second), t.Yield()); err != nil {
					return err
				}
			}
			return nil
		})
	}}
}

func timeoutScenario() play {
	return play{body: func(g *kettle.Group) error {
		return times(g, 2, "late", func(t *kettle.Task) error {
			err := t.WithTimeout(time.Second, func(t *kettle.Task) error {
				inner := t.WithTimeout(2*time.Second, func(t *kettle.Task) error {
					return t.Sleep(time.Hour)
				})
				return errors.Join(inner, t.Yield())
			})
			return errors.Join(but(err, context.DeadlineExceeded), t.Yield())
		})
	}}
}

// Whatever is cancelled outside, what is behind the shield is done.
func shieldScenario() play {
	begun, cleaned := 0, 0
	return play{body: func(g *kettle.Group) error {
		return times(g, 2, "cleaner", func(t *kettle.Task) error {
			begun++
			defer func() {
				var here error
				_ = t.Shield(time.Hour, func(t *kettle.Task) error {
					here = errors.Join(t.Sleep(time.Second), t.Yield())
					return nil
				})
				if here == nil || errors.Is(here, errHere) { // cancelled behind the shield
					cleaned++
				}
			}()
			return t.Sleep(time.Minute)
		})
	}, holds: func() error { return want("cleaned up", cleaned, begun) }}
}

func groupScenario() play {
	live := 0
	leaf := func(t *kettle.Task) error {
		live++
		defer func() { live-- }()
		return t.Sleep(time.Second)
	}
	return play{body: func(g *kettle.Group) error {
		return times(g, 2, "branch", func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				return errors.Join(times(g, 2, "leaf", leaf), g.Yield(), g.Go("late", leaf))
			})
		})
	}, holds: func() error { return want("live", live, 0) }}
}

// What is ready serves until it is told to stop; what is not has ended when Start has.
func startScenario() play {
	serving := 0
	return play{body: func(g *kettle.Group) error {
		return g.WithCancel(func(scope *kettle.Task) error {
			var stop kettle.Event
			defer stop.Set()
			for range 2 {
				up := false
				err := g.Start("server", func(t *kettle.Task, ready func()) error {
					if err := t.Sleep(time.Second); err != nil {
						return err
					}
					serving++
					up = true
					defer func() { serving--; up = false }()
					ready()
					return stop.Wait(t)
				})
				if err != nil {
					return errors.Join(err, want("serving after an error", up, false))
				}
			}
			return scope.Yield()
		})
	}, holds: func() error { return want("serving", serving, 0) }}
}

func drainScenario() play {
	return play{body: func(g *kettle.Group) error {
		return errors.Join(times(g, 2, "server", (*kettle.Task).AwaitDrain),
			each(g, "drainer", func(t *kettle.Task) error {
				defer t.Drain(time.Hour)
				return t.Sleep(time.Second)
			}))
	}, timers: 1} // that of the grace period
}

// What a function has begun it ends before its task goes on, and its result is not lost.
func blockingScenario() play {
	running, done, told := 0, 0, 0
	return play{body: func(g *kettle.Group) error {
		return each(g, "worker", func(t *kettle.Task) error {
			for range 2 {
				_, err := kettle.Blocking(t, func(context.Context) (int, error) {
					running++
					defer func() { running--; done++ }()
					return 1, nil
				})
				if running > 0 {
					return errors.New("the function still runs")
				}
				if err != nil {
					return err
				}
				told++
			}
			return nil
		})
	}, holds: func() error { return want("results", told, done) }}
}

// The scope is the context of what is submitted, and so that ends with it.
func submitScenario() play {
	var outside sync.WaitGroup
	began, ended := 0, 0
	return play{body: func(g *kettle.Group) error {
		return each(g, "host", func(t *kettle.Task) error {
			var over kettle.Future[int]
			h := t.Handle()
			outside.Go(func() {
				_ = submit(t, h, func(t *kettle.Task) error {
					began++
					defer func() { ended++; over.Resolve(1) }()
					return t.Sleep(time.Second)
				})
			})
			_, err := over.Await(t)
			for !over.Done() { // behind the shield it may be cancelled too
				_ = t.Shield(time.Hour, func(t *kettle.Task) error {
					_, err := over.Await(t)
					return err
				})
			}
			return err
		})
	}, holds: func() error {
		outside.Wait()
		return errors.Join(want("began", began, 1), want("ended", ended, 1))
	}}
}

func mutexScenario() play {
	var m kettle.Mutex
	inside := 0
	return play{body: func(g *kettle.Group) error {
		return times(g, 3, "owner", func(t *kettle.Task) error {
			for range 2 {
				if err := m.Lock(t); err != nil {
					return err
				}
				inside++
				err := errors.Join(want("inside", inside, 1), t.Sleep(time.Second))
				inside--
				m.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}, holds: func() error { return want("locked", m.Locked(), false) }}
}

func eventScenario() play {
	var e kettle.Event
	return play{body: func(g *kettle.Group) error {
		return errors.Join(times(g, 3, "waiter", func(t *kettle.Task) error {
			if err := e.Wait(t); err != nil {
				return err
			}
			return want("set", e.IsSet(), true)
		}), each(g, "setter", func(t *kettle.Task) error {
			defer e.Set()
			return t.Sleep(time.Second)
		}))
	}}
}

func semaphoreScenario() play {
	s := kettle.NewSemaphore(2)
	inside := 0
	return play{body: func(g *kettle.Group) error {
		return times(g, 4, "holder", func(t *kettle.Task) error {
			if err := s.Acquire(t); err != nil {
				return err
			}
			defer s.Release()
			inside++
			defer func() { inside-- }()
			return errors.Join(want("inside", inside <= 2, true), t.Sleep(time.Second))
		})
	}, holds: func() error { return want("available", s.Available(), 2) }}
}

// Two consumers, and a value for each: who is cancelled leaves the notification to the other.
func conditionScenario() play {
	var m kettle.Mutex
	c := kettle.NewCondition(&m)
	values, over := 0, false
	return play{body: func(g *kettle.Group) error {
		consumer := func(t *kettle.Task) error {
			if err := m.Lock(t); err != nil {
				return err
			}
			defer m.Unlock() // it has the mutex, whatever Wait returns
			for values == 0 && !over {
				if err := c.Wait(t); err != nil {
					return err
				}
			}
			values--
			return nil
		}
		producer := func(t *kettle.Task) error {
			defer t.Shield(time.Hour, func(t *kettle.Task) error {
				err := m.Lock(t)
				if err != nil && !errors.Is(err, errHere) { // cancelled behind the shield
					return err
				}
				over = true
				if err != nil {
					g.Cancel(errHere)
					return nil
				}
				c.NotifyAll()
				m.Unlock()
				return nil
			})
			for range 2 {
				if err := errors.Join(t.Sleep(time.Second), m.Lock(t)); err != nil {
					return err
				}
				values++
				c.Notify(1)
				m.Unlock()
			}
			return nil
		}
		return errors.Join(times(g, 2, "consumer", consumer), each(g, "producer", producer))
	}, holds: func() error { return want("locked", m.Locked(), false) }}
}

func barrierScenario() play {
	b := kettle.NewBarrier(3)
	passed := map[int]int{}
	return play{body: func(g *kettle.Group) error {
		return times(g, 3, "party", func(t *kettle.Task) error {
			for round := range 2 {
				err := t.Sleep(time.Second)
				if err == nil {
					_, err = b.Wait(t)
				}
				if err != nil {
					b.Abort() // it will never come
					return but(err, kettle.ErrBrokenBarrier)
				}
				passed[round]++
			}
			return nil
		})
	}, holds: func() error {
		return errors.Join(want("waiting", b.Waiting(), 0), want("passed alone", passed[0]%3, 0),
			want("passed alone", passed[1]%3, 0))
	}}
}
