package loop_test

import (
	"bytes"
	"context"
	"iter"
	"log/slog"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// The time of these tests is that of testing/synctest, which passes when all goroutines wait: a
// callback that sleeps holds its loop for exactly as long.

const limit = 100 * time.Millisecond

// watched is a loop with a watchdog, and what that has told.
type watched struct {
	*world
	stalls []loop.Stall
}

// newWatched returns a loop that goes by Go's clock.
func newWatched(t *testing.T) *watched {
	w := &watched{}
	w.world = newWorld(t, func(c *loop.Config) {
		c.Clock = nil
		c.Stall = limit
		c.OnStall = func(s loop.Stall) { w.stalls = append(w.stalls, s) }
	})
	return w
}

// expectStall expects that one stall was told, of this name, with a stack that has the functions.
func (w *watched) expectStall(name string, functions ...string) {
	w.Helper()
	if len(w.stalls) != 1 {
		w.Fatalf("%d stalls were told", len(w.stalls))
	}
	s := w.stalls[0]
	if s.Name != name || s.For < limit || s.For > limit*3/2 {
		w.Errorf("%q has held the loop for %v, want %q for %v", s.Name, s.For, name, limit)
	}
	for _, function := range functions {
		if !bytes.Contains(s.Stack, []byte(function+"+")) {
			w.Errorf("the stack does not contain %s:\n%s", function, s.Stack)
		}
	}
	w.stalls = nil
}

// holdTheLoop stands for work that takes long: its name must be in the stack.
//
//go:noinline
func holdTheLoop(d time.Duration) { time.Sleep(d) }

// T22: a callback that holds the loop is told of, with its stack, while it does; and once.
func TestStalledCallbackIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		for range 2 {
			w.Soon(func() {
				holdTheLoop(limit * 3 / 2)
				synctest.Wait()
				w.expectStall("", "loop_test.holdTheLoop", "loop.(*Loop).turn")
				holdTheLoop(10 * limit)
			})
			w.turn()
		}
		if len(w.stalls) != 0 {
			t.Errorf("%d stalls were told twice", len(w.stalls))
		}
	})
}

// TestManyShortCallbacks that take long together are one turn as well.
func TestManyShortCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		for range 20 {
			w.Soon(func() { holdTheLoop(limit / 10) })
		}
		w.turn()
		w.expectStall("", "loop_test.holdTheLoop")
	})
}

// T22: a coroutine that holds the loop is told of by the name of its label, among others that wait,
// and so is one that uses another coroutine itself.
func TestStalledCoroutineIsNamed(t *testing.T) {
	for how, hold := range map[string]func(){
		"itself": func() { holdTheLoop(2 * limit) },
		"in an iter.Pull of its own": func() {
			next, stop := iter.Pull(func(yield func(int) bool) {
				holdTheLoop(2 * limit)
				yield(1)
			})
			defer stop()
			next()
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWatched(t)
			var all []*coro.Coro
			w.Soon(func() {
				for range 50 {
					co := coro.New(func(co *coro.Coro) {
						for co.Yield() {
						}
					})
					co.Resume()
					all = append(all, co)
				}
				done := make(chan struct{})
				defer close(done)
				go func() { <-done }() // has the label of the loop, and holds nothing
				w.Mark(&loop.Label{Name: "the slow one"})
				slow := coro.New(func(*coro.Coro) { hold() })
				slow.Resume()
				w.Mark(nil)
			})
			w.turn()
			if len(w.stalls) != 1 {
				t.Fatalf("%s: %d stalls were told", how, len(w.stalls))
			}
			w.expectStall("the slow one", "loop_test.holdTheLoop")
			for _, co := range all {
				co.Stop()
			}
		})
	}
}

// TestStallThatIsNotFound, as the code has profiler labels of its own, is told without a stack.
func TestStallThatIsNotFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		w.Soon(func() {
			w.Mark(&loop.Label{Name: "labelled"})
			pprof.Do(context.Background(), pprof.Labels("my", "own"), func(context.Context) {
				holdTheLoop(5 * limit)
			})
		})
		w.turn()
		if len(w.stalls) != 1 || w.stalls[0].Name != "labelled" || w.stalls[0].Stack != nil {
			t.Errorf("%d stalls were told: %+v", len(w.stalls), w.stalls)
		}
	})
}

// TestFastLoopIsNotTold, nor one that sleeps, nor a clock that can jump.
func TestFastLoopIsNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		turns := 0
		var timer *loop.Timer
		timer = w.After(0, func() {
			holdTheLoop(limit * 9 / 10)
			if turns++; turns == 100 {
				w.Stop()
			}
			timer.Reset(time.Duration(turns) * limit / 20)
		})
		w.run()
		if len(w.stalls) != 0 {
			t.Errorf("%d stalls were told; the first: %s", len(w.stalls), w.stalls[0].Stack)
		}
	})
	w := newWorld(t, func(c *loop.Config) { c.Stall = limit })
	w.Soon(func() {
		if w.Watched() {
			t.Error("a virtual clock is watched in real time")
		}
	})
	w.turn()
}

// TestIdleLoopUsesNoProcessor: its watchdog sleeps as well, and sees what the loop does when it
// wakes, however often.
func TestIdleLoopUsesNoProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		done := make(chan error)
		go func() { done <- w.Run() }()
		for range 10 {
			time.Sleep(3 * limit)
			synctest.Wait()
			if !w.WatchdogSleeps() {
				t.Fatal("the loop sleeps, and its watchdog does not")
			}
			must(t, w.Post(func() {
				if w.WatchdogSleeps() {
					t.Error("the loop runs, and its watchdog sleeps")
				}
				holdTheLoop(2 * limit)
			}))
			time.Sleep(3 * limit)
			synctest.Wait()
			w.expectStall("", "loop_test.holdTheLoop")
		}
		must(t, w.Post(w.Stop), <-done)
		if w.Watched() {
			t.Error("the watchdog lives on")
		}
	})
}

// TestWatchdogEndsWithRun in each of its states, also where Select fails.
func TestWatchdogEndsWithRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []time.Duration{0, limit / 2, 10 * limit} {
			w := newWatched(t)
			done := make(chan error)
			go func() { done <- w.Run() }()
			time.Sleep(after)
			w.kernel.AwaitSleep()
			w.kernel.Fail(looptest.OpSelect, errRefused)
			if err := <-done; err == nil || w.Watched() {
				t.Errorf("after %v: %v", after, err)
			}
		}
	})
}

// TestHandlerEndsBeforeRun: when Run has returned, no handler runs.
func TestHandlerEndsBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		w := newWorld(t, func(c *loop.Config) {
			c.Clock, c.Stall = nil, limit
			c.OnStall = func(loop.Stall) {
				time.Sleep(10 * limit)
				ended = true
			}
		})
		w.Soon(func() { holdTheLoop(2 * limit) })
		if w.turn(); !ended {
			t.Error("the handler still runs")
		}
	})
}

// T23: a handler of stalls that panics harms nobody, and without one it is logged.
func TestHandlersOfStalls(t *testing.T) {
	var logged bytes.Buffer
	told := 0
	for name, handler := range map[string]func(loop.Stall){
		"none":            nil,
		"one that panics": func(loop.Stall) { told++; breaks() },
	} {
		synctest.Test(t, func(t *testing.T) {
			quietly(t, slog.NewTextHandler(&logged, nil), func() {
				w := newWorld(t, func(c *loop.Config) {
					c.Clock, c.Stall, c.OnStall = nil, limit, handler
				})
				w.Soon(func() {
					w.Mark(&loop.Label{Name: "slow"})
					holdTheLoop(5 * limit)
				})
				w.Soon(w.say("goes on"))
				w.turn()
				w.expect(name, "goes on")
			})
		})
	}
	if got := strings.Count(logged.String(), "a turn takes too long"); got != 1 || told != 1 {
		t.Errorf("%d stalls were logged, %d told", got, told)
	}
	for _, want := range []string{"task=slow", "for=1", "holdTheLoop"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log does not contain %q: %s", want, &logged)
		}
	}
}

// TestHolder tells who holds the loop at this moment, and nobody where it waits.
func TestHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWatched(t)
		expect := func(when, name, function string) {
			t.Helper()
			gotName, stack := w.Holder()
			if gotName != name || !bytes.Contains(stack, []byte(function)) ||
				(stack != nil) != (function != "") {
				t.Errorf("%s: %q\n%s", when, gotName, stack)
			}
		}
		expect("before Run", "", "")
		other := newWatched(t)
		done := make(chan error, 2)
		go func() { done <- w.Run() }()
		go func() { done <- other.Run() }()
		other.kernel.AwaitSleep()
		w.kernel.AwaitSleep()
		expect("asleep", "", "")
		must(t, w.Post(func() {
			w.Mark(&loop.Label{Name: "task"})
			holdTheLoop(limit / 2)
		}))
		time.Sleep(limit / 4)
		expect("in a callback", "task", "holdTheLoop")
		if name, stack := other.Holder(); name != "" || stack != nil {
			t.Errorf("another loop, asleep: %q\n%s", name, stack)
		}
		w.kernel.AwaitSleep()
		expect("asleep again", "", "")
		must(t, w.Post(w.Stop), other.Post(other.Stop), <-done, <-done)
		expect("after Run", "", "")
	})
}
