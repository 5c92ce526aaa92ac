package loop_test

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

func TestPostsRunInTheirOrder(t *testing.T) {
	w := newWorld(t, nil)
	for _, n := range numbers(100) {
		must(t, w.Post(w.say(n)))
	}
	must(t, w.Post(func() { must(t, w.Post(w.say("of a post"))) }))
	w.turn()
	w.expect("one turn", numbers(100)...)
	w.turn()
	w.expect("the next", "of a post")
}

// TestPostsOfManyGoroutines: each one's run in its order, all of them, and one at a time.
func TestPostsOfManyGoroutines(t *testing.T) {
	const goroutines, each = 8, 2000
	l := newLoop(t, loop.Config{})
	var next [goroutines]int
	done := 0
	for g := range goroutines {
		go func() {
			for i := range each {
				err := l.Post(func() {
					if next[g] != i {
						t.Errorf("goroutine %d: post %d ran in place of %d", g, i, next[g])
					}
					next[g]++
					if done++; done == goroutines*each {
						l.Stop()
					}
				})
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	must(t, l.Run())
	if got := l.Stats().Posts; got != goroutines*each {
		t.Errorf("%d posts were counted", got)
	}
}

// TestOneWakeUpForEachSleep, however many posts end it; and none for a loop that is awake.
func TestOneWakeUpForEachSleep(t *testing.T) {
	w := newWorld(t, nil)
	many := looptest.Step{Before: func() {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range 10 {
					must(t, w.Post(w.say("x")))
				}
			})
		}
		all.Wait()
	}}
	empty := looptest.Step{} // before a virtual clock jumps or the loop sleeps
	w.kernel.Script(empty, many, empty, many, empty, postStep(w, w.Stop))
	w.Soon(func() {
		for range 10 {
			must(t, w.Post(w.say("x")))
		}
	})
	w.run()
	if len(w.log) != 170 || w.kernel.Wakes() != 3 {
		t.Errorf("%d posts and %d wake-ups in 3 sleeps", len(w.log), w.kernel.Wakes())
	}
}

// TestPostBeforeTheSleep: what comes when the loop has looked and does not sleep yet is not
// slept over.
func TestPostBeforeTheSleep(t *testing.T) {
	w := newWorld(t, nil)
	w.kernel.Script(postStep(w, w.Stop)) // the Select before the sleep
	w.run()
	want := []string{"select 0s", "select 0s"}
	if got := w.kernel.Calls(); !slices.Equal(got, want) {
		t.Errorf("the selector was told %q, want %q", got, want)
	}
}

// TestFailedWakeUpIsLoud: the error is returned, and an incident; what was posted runs when
// something else wakes the loop, and the next post tries again.
func TestFailedWakeUpIsLoud(t *testing.T) {
	w := newWorld(t, nil)
	w.kernel.Fail(looptest.OpWake, errRefused)
	w.kernel.Fail(looptest.OpWake, errRefused)
	w.kernel.Script(looptest.Step{}, looptest.Step{Before: func() {
		for _, n := range numbers(2) {
			if err := w.Post(w.say(n)); !errors.Is(err, errRefused) {
				t.Errorf("post %s: %v", n, err)
			}
		}
		must(t, w.Post(w.say("2")), w.Post(w.Stop))
	}})
	w.run()
	w.expect("posts", "0", "1", "2")
	if len(w.incidents) != 2 || w.kernel.Wakes() != 3 {
		t.Errorf("%d incidents, %d attempts to wake the loop", len(w.incidents), w.kernel.Wakes())
	}
	for _, in := range w.incidents {
		if in.What != "wake the loop" || !errors.Is(in.Err, errRefused) {
			t.Errorf("the incident: %s: %v", in.What, in.Err)
		}
	}
	w.incidents = nil
}

// TestPostThatComesTooLate is an error and nothing more, also when the loop is closed between the
// post and the wake-up.
func TestPostThatComesTooLate(t *testing.T) {
	w := newWorld(t, nil)
	w.kernel.Fail(looptest.OpWake, selectors.ErrClosed)
	w.kernel.Script(looptest.Step{}, looptest.Step{Before: func() {
		if err := w.Post(w.Stop); !errors.Is(err, loop.ErrClosed) {
			t.Errorf("post: %v", err)
		}
	}})
	w.run()
	must(t, w.Post(w.say("dropped")))
	select {
	case <-w.Closed():
		t.Error("a loop that is not closed says that it is")
	default:
	}
	must(t, w.Close())
	<-w.Closed()
	err := w.Post(w.say("late"))
	if !errors.Is(err, loop.ErrClosed) || !errors.Is(err, net.ErrClosed) {
		t.Errorf("post after Close: %v", err)
	}
	w.expect("posts")
}

// TestNoPostIsSleptOver: two goroutines that wait for each other through the loop, on each
// selector. One wake-up that is lost hangs the test.
func TestNoPostIsSleptOver(t *testing.T) {
	onEachSelector(t, func(t *testing.T, l *loop.Loop) {
		const trips = 3000
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				back := make(chan int)
				for i := range trips {
					if err := l.Post(func() { go func() { back <- i }() }); err != nil {
						t.Error(err)
					}
					if got := <-back; got != i {
						t.Errorf("trip %d came back as %d", i, got)
					}
				}
			})
		}
		go func() {
			all.Wait()
			_ = l.Post(l.Stop)
		}()
		must(t, l.Run())
	})
}

// onEachSelector runs a test on a loop on each selector that this system has.
func onEachSelector(t *testing.T, test func(*testing.T, *loop.Loop)) {
	for _, name := range selectors.Candidates() {
		t.Run(name, func(t *testing.T) {
			if name == "io_uring" {
				testenv.Need(t, testenv.Rings)
			}
			selector, err := selectors.Open(name)
			must(t, err)
			test(t, newLoop(t, loop.Config{Selector: selector}))
		})
	}
}

// TestPostOfARunnerDoesNotAllocate, and what a burst needed is given back.
func TestPostOfARunnerDoesNotAllocate(t *testing.T) {
	w := newWorld(t, nil)
	c := &counter{}
	posts := func(n int) func() {
		return func() {
			for range n {
				_ = w.PostRunner(c)
			}
			w.Stop()
			_ = w.Run()
		}
	}
	for range 10 {
		posts(100)()
	}
	few, many := testing.AllocsPerRun(100, posts(1)), testing.AllocsPerRun(100, posts(100))
	if many != few {
		t.Errorf("%v allocations for 1 post, %v for 100", few, many)
	}
	posts(100_000)()
	for range 4 {
		posts(1)()
	}
	if room, batch := w.PostsSize(), w.BatchSize(); room > 10_000 || batch > 10_000 {
		t.Errorf("after a burst there is room for %d posts and %d callbacks", room, batch)
	}
}

// TestPostsWhileTheLoopIsClosed: each either runs, or is dropped, or is told that it was too late.
func TestPostsWhileTheLoopIsClosed(t *testing.T) {
	for i := range 200 {
		l, err := loop.New(loop.Config{OnIncident: func(in loop.Incident) {
			t.Errorf("incident: %s: %v", in.What, in.Err)
		}})
		must(t, err)
		refused := make(chan error)
		go func() {
			for {
				if err := l.Post(func() {}); err != nil {
					refused <- err
					return
				}
			}
		}()
		if i%2 == 0 {
			must(t, l.Post(l.Stop), l.Run())
		}
		must(t, l.Close())
		if err := <-refused; !errors.Is(err, loop.ErrClosed) {
			t.Fatal(fmt.Errorf("post: %w", err))
		}
	}
}
