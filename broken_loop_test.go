package kettle_test

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

var errBroken = errors.New("the kernel refuses")

// inGroup has two tasks of a group do what body does.
func inGroup(body func(t *kettle.Task) error) func(t *kettle.Task) error {
	return func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error { return start(g, body, body) })
	}
}

// waits has a wait of each kind that does not end by itself.
func waits() map[string]func(t *kettle.Task) error {
	all := waitsForOthers()
	maps.Copy(all, map[string]func(t *kettle.Task) error{
		"Sleep":      sleepLong,
		"Yield":      func(t *kettle.Task) error { return t.Yield() }, // it is ready, not parked
		"AwaitDrain": (*kettle.Task).AwaitDrain,
		"Group":      inGroup(sleepLong),
		"deep Group": inGroup(inGroup(inGroup(sleepLong))),
		"Shield":     func(t *kettle.Task) error { return t.Shield(time.Hour, sleepLong) },
		"Shield around a Group": func(t *kettle.Task) error {
			return t.Shield(time.Hour, inGroup(sleepLong))
		},
		"scope within a Group": func(t *kettle.Task) error { // among the tasks of the group
			return t.Group(func(g *kettle.Group) error {
				around := func(t *kettle.Task) error {
					return errors.Join(start(g, sleepLong), inGroup(sleepLong)(t))
				}
				return errors.Join(start(g, sleepLong), g.WithTimeout(time.Hour, around))
			})
		},
		"Start": func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				return g.Start("slow", func(t *kettle.Task, _ func()) error { return sleepLong(t) })
			})
		},
		"Blocking": func(t *kettle.Task) error {
			return t.Blocking(func(ctx context.Context) error {
				<-ctx.Done()
				return context.Cause(ctx)
			})
		},
		"Blocking behind a Shield": func(t *kettle.Task) error {
			return t.Shield(time.Hour, func(t *kettle.Task) error {
				return t.Blocking(func(ctx context.Context) error {
					<-ctx.Done()
					return ctx.Err()
				})
			})
		},
	})
	return all
}

// waitsForOthers has those for what other tasks do.
func waitsForOthers() map[string]func(t *kettle.Task) error {
	asInt := func(t *kettle.Task) (int, error) { return 0, sleepLong(t) }
	return map[string]func(t *kettle.Task) error{
		"Lock": func(t *kettle.Task) error {
			var m kettle.Mutex
			return inGroup(func(t *kettle.Task) error {
				if err := m.Lock(t); err != nil {
					return err
				}
				defer m.Unlock()
				return sleepLong(t)
			})(t)
		},
		"Condition": func(t *kettle.Task) error {
			var m kettle.Mutex
			c := kettle.NewCondition(&m)
			return inGroup(func(t *kettle.Task) error {
				if err := m.Lock(t); err != nil {
					return err
				}
				defer m.Unlock()
				return c.Wait(t)
			})(t)
		},
		"Event": func(t *kettle.Task) error { return new(kettle.Event).Wait(t) },
		"Semaphore": func(t *kettle.Task) error {
			s := kettle.NewSemaphore(1)
			return errors.Join(s.Acquire(t), s.Acquire(t))
		},
		"Barrier": func(t *kettle.Task) error {
			_, err := kettle.NewBarrier(2).Wait(t)
			return err
		},
		"Queue.Get": func(t *kettle.Task) error {
			_, err := kettle.NewQueue[int](1).Get(t)
			return err
		},
		"Queue.Put": func(t *kettle.Task) error {
			q := kettle.NewQueue[int](1)
			return errors.Join(q.Put(t, 1), q.Put(t, 2))
		},
		"Queue.Join": func(t *kettle.Task) error {
			q := kettle.NewQueue[int](1)
			return errors.Join(q.Put(t, 1), q.Join(t))
		},
		"Future": func(t *kettle.Task) error {
			_, err := new(kettle.Future[int]).Await(t)
			return err
		},
		"Gather": func(t *kettle.Task) error {
			_, err := kettle.Gather(t, asInt, asInt)
			return err
		},
		"Race": func(t *kettle.Task) error {
			_, err := kettle.Race(t, time.Hour, asInt, asInt)
			return err
		},
		"Receive": func(t *kettle.Task) error {
			_, _, err := kettle.Receive(t, make(chan int))
			return err
		},
		"Send": func(t *kettle.Task) error { return kettle.Send(t, make(chan int), 1) },
		"AsCompleted": func(t *kettle.Task) (err error) {
			for _, f := range kettle.AsCompleted(t, asInt, asInt) {
				_, err = f.Result()
			}
			return err
		},
	}
}

// broken runs main on a loop whose selector fails as soon as nothing is ready any more, and returns
// what Run does.
func broken(main func(t *kettle.Task) error, options ...kettle.Option) error {
	selector := looptest.NewSelector()
	go func() {
		if selector.AwaitSleep() {
			selector.Fail(looptest.OpSelect, errBroken)
		}
	}()
	return kettle.Run(main, append(options,
		kettle.Selector(func() loop.Selector { return selector }))...)
}

// cleanUp is what a task does at its end, on a loop that cannot go on: it waits, in vain.
func cleanUp(t *testing.T, task *kettle.Task) {
	var m kettle.Mutex
	for name, err := range map[string]error{
		"Sleep":   task.Sleep(time.Hour),
		"Yield":   task.Yield(),
		"Lock":    m.Lock(task),
		"timeout": task.WithTimeout(time.Hour, sleepLong),
		"Shield":  task.Shield(time.Hour, sleepLong),
		"Shield around a Group": task.Shield(time.Hour, func(task *kettle.Task) error {
			return task.Group(func(g *kettle.Group) error {
				return start(g, func(*kettle.Task) error { t.Error("a task begins"); return nil })
			})
		}),
		"Blocking": task.Shield(time.Hour, func(task *kettle.Task) error {
			return task.Blocking(func(context.Context) error { t.Error("it runs"); return nil })
		}),
	} {
		if !errors.Is(err, errBroken) || !errors.Is(err, context.Canceled) {
			t.Errorf("in a deferred function %s returns %v", name, err)
		}
	}
}

// TestBrokenLoopEndsItsTasks, whatever they wait for: their deferred functions run, and whatever
// these wait for fails at once.
func TestBrokenLoopEndsItsTasks(t *testing.T) {
	all := waits()
	names := []string{}
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	run := func(t *testing.T, names []string) {
		ended := []string{}
		err := broken(func(task *kettle.Task) error {
			return task.Group(func(g *kettle.Group) error {
				for _, name := range names {
					if err := g.Go(name, func(task *kettle.Task) error {
						defer func() { ended = append(ended, name) }()
						defer cleanUp(t, task)
						err := all[name](task)
						if !errors.Is(err, errBroken) && !errors.Is(err, context.Canceled) &&
							name != "Yield" {
							t.Errorf("%s returns %v", name, err)
						}
						return err
					}); err != nil {
						return err
					}
				}
				return sleepLong(g.Task)
			})
		}, kettle.OnIncident(func(in loop.Incident) { t.Errorf("%s: %v", in.What, in.Err) }))
		if !errors.Is(err, errBroken) || strings.Count(err.Error(), errBroken.Error()) != 1 {
			t.Errorf("Run returns %v", err)
		}
		if slices.Sort(ended); !slices.Equal(ended, names) {
			t.Errorf("%d of %d tasks have ended: %q", len(ended), len(names), ended)
		}
	}
	for _, name := range names {
		if name != "Yield" { // its task has ended when nothing is ready
			t.Run(name, func(t *testing.T) { run(t, []string{name}) })
		}
	}
	t.Run("all of them", func(t *testing.T) { run(t, slices.DeleteFunc(names, isYield)) })
}

func isYield(name string) bool { return name == "Yield" }

// TestBrokenLoopWithTasksThatAreReady: they are not resumed, and those that have not begun never
// do.
func TestBrokenLoopWithTasksThatAreReady(t *testing.T) {
	selector := looptest.NewSelector()
	began, ended := 0, 0
	err := kettle.Run(func(task *kettle.Task) error {
		return errors.Join(task.Watch(7), task.Group(func(g *kettle.Group) error {
			defer func() { ended++ }()
			err := start(g, func(task *kettle.Task) error {
				began++
				defer func() { ended++ }()
				defer cleanUp(t, task)
				selector.Fail(looptest.OpSelect, errBroken)
				return task.Yield()
			})
			// What Start starts is due in the next turn, which never comes.
			err = errors.Join(err, g.Yield())
			return errors.Join(err, g.Start("never", func(*kettle.Task, func()) error {
				t.Error("a task begins after the loop has ended")
				return nil
			}))
		}))
	}, kettle.Selector(func() loop.Selector { return selector }))
	if !errors.Is(err, errBroken) || began != 1 || ended != 2 {
		t.Errorf("%d began, %d have ended, Run returns %v", began, ended, err)
	}
}

// TestBrokenLoopAndSubmit: whoever has submitted a task learns that it has never begun, or what it
// has returned.
func TestBrokenLoopAndSubmit(t *testing.T) {
	for _, begins := range []bool{false, true} {
		selector := looptest.NewSelector()
		handles := make(chan kettle.Handle, 1)
		done := make(chan error, 1)
		go func() {
			done <- kettle.Run(func(task *kettle.Task) error {
				handles <- task.Handle()
				return errors.Join(task.Watch(7), task.AwaitDrain())
			}, kettle.Selector(func() loop.Selector { return selector }))
		}()
		if !selector.AwaitSleep() {
			t.Fatal("the loop has ended")
		}
		// It is woken by the post, and starts the task in that turn. The next one is its first.
		if begins {
			selector.Script(looptest.Step{})
		}
		selector.Script(looptest.Step{Err: errBroken})
		began := false
		err := submit(t.Context(), <-handles, func(task *kettle.Task) error {
			began = true
			return sleepLong(task)
		})
		if began != begins || !errors.Is(err, errBroken) || !errors.Is(err, context.Canceled) ||
			errors.Is(err, kettle.ErrClosed) == begins {
			t.Errorf("the task has begun %v, want %v: %v", began, begins, err)
		}
		if err := <-done; !errors.Is(err, errBroken) {
			t.Errorf("Run returns %v", err)
		}
	}
}

// TestBrokenLoopKeepsTheOrder: the tasks of a group end before the one that waits for them, and see
// what is its own as it was.
func TestBrokenLoopKeepsTheOrder(t *testing.T) {
	var steps []string
	step := func(name string) { steps = append(steps, name) }
	err := broken(func(task *kettle.Task) error {
		defer step("main")
		return task.Group(func(g *kettle.Group) error {
			defer step("body")
			return errors.Join(start(g, func(task *kettle.Task) error {
				defer step("child")
				return task.Group(func(g *kettle.Group) error {
					return start(g, func(task *kettle.Task) error {
						defer step("grandchild")
						return sleepLong(task)
					})
				})
			}), g.WithTimeout(time.Hour, sleepLong))
		})
	})
	if want := []string{"grandchild", "child", "body", "main"}; !slices.Equal(steps, want) {
		t.Errorf("they end in the order %q, want %q", steps, want)
	}
	if !errors.Is(err, errBroken) {
		t.Error(err)
	}
}

// TestBrokenLoopAndOtherFailures: all are returned.
func TestBrokenLoopAndOtherFailures(t *testing.T) {
	err := broken(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			return errors.Join(start(g, failLate(errOne), func(task *kettle.Task) error {
				defer explode(errTwo)
				return sleepLong(task)
			}, func(task *kettle.Task) error {
				defer runtime.Goexit()
				return sleepLong(task)
			}), sleepLong(g.Task))
		})
	})
	for _, want := range []error{errBroken, errOne, errTwo, kettle.ErrGoexit} {
		if !errors.Is(err, want) {
			t.Errorf("Run returns %v, without %v", err, want)
		}
	}
}

// TestBrokenLoopAndDeafTasks: one that would go on for ever is ended where it is, and told of.
func TestBrokenLoopAndDeafTasks(t *testing.T) {
	var incidents []string
	ended := 0
	err := broken(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			deaf := func(task *kettle.Task) error {
				defer func() {
					defer func() { ended++ }()
					for {
						_ = task.Sleep(time.Hour)
					}
				}()
				for {
					_ = task.Sleep(time.Hour)
				}
			}
			return start(g, deaf, deaf)
		})
	}, kettle.OnIncident(func(in loop.Incident) { incidents = append(incidents, in.What) }))
	if !errors.Is(err, errBroken) || !errors.Is(err, kettle.ErrGoexit) || ended != 2 {
		t.Errorf("%d of 2 have ended, Run returns %v", ended, err)
	}
	slices.Sort(incidents)
	if !slices.Equal(incidents, []string{"cancel task a", "cancel task b"}) {
		t.Errorf("the incidents are %q", incidents)
	}
}

// TestBrokenLoopAndBlocking: a task ends when its function has returned, and not before, as both
// may use the same things. The function may wait for other tasks, and submit some.
func TestBrokenLoopAndBlocking(t *testing.T) {
	other := make(chan struct{})
	var first, second int
	err := broken(func(task *kettle.Task) error {
		h := task.Handle()
		return task.Group(func(g *kettle.Group) error {
			return start(g, func(task *kettle.Task) error {
				defer func() { first++ }()
				return task.Blocking(func(ctx context.Context) error {
					<-ctx.Done()
					<-other
					err := submit(context.Background(), h, sleepLong)
					if !errors.Is(err, kettle.ErrClosed) {
						t.Errorf("Submit returns %v", err)
					}
					first++
					return nil
				})
			}, func(task *kettle.Task) error {
				defer func() { second++ }()
				return task.Blocking(func(context.Context) error {
					defer close(other) // the loop may have ended before the task could begin
					defer func() { second++ }()
					return submit(context.Background(), h, sleepLong)
				})
			})
		})
	})
	if !errors.Is(err, errBroken) || first != 2 || second != 2 {
		t.Errorf("%d and %d of 2, Run returns %v", first, second, err)
	}
}

// TestBrokenLoopAmongOthers: they are cancelled.
func TestBrokenLoopAmongOthers(t *testing.T) {
	selector := looptest.NewSelector()
	fail := func() loop.Selector {
		selector.Fail(looptest.OpSelect, errBroken)
		return selector
	}
	var loops, cancelled atomic.Int32
	err := kettle.Run(func(task *kettle.Task) error {
		err := sleepLong(task)
		if errors.Is(err, errBroken) {
			cancelled.Add(1)
		}
		return err
	}, kettle.Loops(3), kettle.Selector(func() loop.Selector {
		if loops.Add(1) == 2 {
			return fail()
		}
		return looptest.NewSelector()
	}))
	if !errors.Is(err, errBroken) || cancelled.Load() != 3 ||
		strings.Count(err.Error(), errBroken.Error()) != 1 {
		t.Errorf("%d of 3 loops have ended by it, Run returns %v", cancelled.Load(), err)
	}
}

// TestGoexitOfACallback takes the loop's goroutine along. Its tasks are ended nevertheless.
func TestGoexitOfACallback(t *testing.T) {
	ended := false
	err := kettle.Run(func(task *kettle.Task) error {
		defer func() { ended = true }()
		task.Soon(runtime.Goexit)
		return sleepLong(task)
	})
	if !errors.Is(err, kettle.ErrGoexit) || !ended {
		t.Errorf("main has ended %v, Run returns %v", ended, err)
	}
}

// TestShutdownWaitsForShields, and for what is below them: main ends by a failure of a task.
func TestShutdownWaitsForShields(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
		cleaned := 0
		err := task.Group(func(g *kettle.Group) error {
			shielded := func(task *kettle.Task) error {
				defer func() {
					if task.Shield(time.Hour, func(task *kettle.Task) error {
						return task.Group(func(g *kettle.Group) error {
							return start(g, fail(time.Minute, nil))
						})
					}) == nil {
						cleaned++
					}
				}()
				return sleepLong(task)
			}
			return start(g, shielded, shielded, fail(1, errOne))
		})
		return errors.Join(want("failed", errors.Is(err, errOne), true), want("cleaned up",
			cleaned, 2),
			want("time", clock.Now(), time.Minute+1))
	})
}
