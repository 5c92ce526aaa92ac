package kettle_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// onALoop runs main on an ordinary loop: what other goroutines do takes real time.
func onALoop(t *testing.T, main func(t *kettle.Task) error, options ...kettle.Option) {
	t.Helper()
	if err := kettle.Run(main, options...); err != nil {
		t.Error(err)
	}
}

// noDelegates fails the test if there are goroutines that wait in place of tasks, and do not end.
func noDelegates(t *testing.T) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); ; runtime.Gosched() {
		var profile bytes.Buffer
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 2); err != nil {
			t.Fatal(err)
		}
		switch n := strings.Count(profile.String(), "kettle.(*delegate).do("); {
		case n == 0:
			return
		case time.Now().After(late):
			t.Fatalf("%d goroutines are left", n)
		}
	}
}

func TestReceiveOfWhatIsThere(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		ch := make(chan int, 2)
		ch <- 7
		ch <- 8
		close(ch)
		for _, v := range []int{7, 8, 0, 0} {
			got, ok, err := kettle.Receive(t, ch)
			err = errors.Join(err, want("value", got, v), want("ok", ok, v != 0))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestSendWhereThereIsRoom(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		ch := make(chan int, 2)
		err := errors.Join(kettle.Send(t, ch, 7), kettle.Send(t, ch, 8))
		return errors.Join(err, want("first", <-ch, 7), want("second", <-ch, 8))
	})
}

// Each side waits for the other one most of the time.
func TestChannelToAndFromAGoroutine(t *testing.T) {
	const n = 1000
	for _, capacity := range []int{0, 1, 10} {
		there, back := make(chan int, capacity), make(chan int, capacity)
		go func() {
			defer close(back)
			for v := range there {
				back <- v + 1
			}
		}()
		onALoop(t, func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				g.Go("send", func(t *kettle.Task) error {
					defer close(there)
					for i := range n {
						if err := kettle.Send(t, there, i); err != nil {
							return err
						}
					}
					return nil
				})
				for i := range n {
					v, ok, err := kettle.Receive(g.Task, back)
					err = errors.Join(err, want("value", v, i+1), want("ok", ok, true))
					if err != nil {
						return err
					}
				}
				_, ok, err := kettle.Receive(g.Task, back)
				return errors.Join(err, want("ok at the end", ok, false))
			})
		})
	}
}

func TestChannelBetweenLoops(t *testing.T) {
	const n = 500
	ch := make(chan int)
	onALoop(t, func(t *kettle.Task) error {
		for i := range n {
			if t.Loop() == 0 {
				if err := kettle.Send(t, ch, i); err != nil {
					return err
				}
				continue
			}
			v, _, err := kettle.Receive(t, ch)
			if err := errors.Join(err, want("value", v, i)); err != nil {
				return err
			}
		}
		return nil
	}, kettle.Loops(2))
}

// Two tasks of one loop, neither of which is ever blocked.
func TestChannelWithinALoop(t *testing.T) {
	const n = 500
	ch := make(chan int)
	onALoop(t, func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			g.Go("send", func(t *kettle.Task) error {
				for i := range n {
					if err := kettle.Send(t, ch, i); err != nil {
						return err
					}
				}
				return nil
			})
			for i := range n {
				v, _, err := kettle.Receive(g.Task, ch)
				if err := errors.Join(err, want("value", v, i)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func TestReceiveFromAChannelThatIsClosedMeanwhile(t *testing.T) {
	ch := make(chan int)
	onALoop(t, func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			g.Go("receive", func(t *kettle.Task) error {
				v, ok, err := kettle.Receive(t, ch)
				return errors.Join(err, want("value", v, 0), want("ok", ok, false))
			})
			err := g.Yield() // the other waits by now
			close(ch)
			return err
		})
	})
}

// It is the panic of the task that sends, and of nobody else.
func TestSendToAChannelThatIsClosed(t *testing.T) {
	onALoop(t, func(t *kettle.Task) error {
		err := t.Group(func(g *kettle.Group) error {
			return g.Go("send", func(t *kettle.Task) error {
				ch := make(chan int)
				close(ch)
				return kettle.Send(t, ch, 7)
			})
		})
		var panicked *kettle.PanicError
		return errors.Join(want("is a panic", errors.As(err, &panicked), true),
			want("says why", contains(err, "send on closed channel"), true))
	})
}

func TestNilChannelIsNeverReady(t *testing.T) {
	simulated(t, func(t *kettle.Task, clock *looptest.Clock) error {
		for _, wait := range []func(t *kettle.Task) error{
			func(t *kettle.Task) error { _, _, err := kettle.Receive[int](t, nil); return err },
			func(t *kettle.Task) error { return kettle.Send(t, nil, 7) },
		} {
			begun := clock.Now()
			err := t.WithTimeout(time.Hour, wait)
			if !errors.Is(err, context.DeadlineExceeded) || clock.Now() != begun+time.Hour {
				return fmt.Errorf("after %v: %v", clock.Now()-begun, err)
			}
		}
		return nil
	})
	noDelegates(t)
}

// A wait in a cancelled scope fails also where it would be over at once, and takes nothing.
func TestChannelInCancelledScope(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		ch := make(chan int, 2)
		ch <- 7
		return t.WithCancel(func(t *kettle.Task) error {
			t.Cancel(errBoom)
			_, _, err := kettle.Receive(t, ch)
			sent := kettle.Send(t, ch, 8)
			return errors.Join(want("Receive is cancelled", errors.Is(err, errBoom), true),
				want("Send is cancelled", errors.Is(sent, errBoom), true),
				want("in it", len(ch), 1))
		})
	})
}

func TestChannelOnAnotherGoroutine(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		ch := make(chan int, 2)
		ch <- 7
		foreign := make(chan error, 2)
		go func() {
			_, _, err := kettle.Receive(t, ch)
			foreign <- err
			foreign <- kettle.Send(t, ch, 8)
		}()
		return errors.Join(want("Receive", <-foreign, kettle.ErrWrongGoroutine),
			want("Send", <-foreign, kettle.ErrWrongGoroutine), want("in it", len(ch), 1))
	})
}

// What waits for a channel holds up no virtual clock: time goes on for the other tasks.
func TestChannelAndVirtualTime(t *testing.T) {
	inAnyOrder(t, func(t *kettle.Task, clock *looptest.Clock) error {
		ch := make(chan int)
		wait := []func(t *kettle.Task) error{
			func(t *kettle.Task) error { _, _, err := kettle.Receive(t, ch); return err },
			func(t *kettle.Task) error { return kettle.Send(t, ch, 7) },
		}
		for _, wait := range wait {
			begun := clock.Now()
			err := t.WithTimeout(time.Hour, func(t *kettle.Task) error {
				return t.Group(func(g *kettle.Group) error {
					g.Go("sleep", func(t *kettle.Task) error { return t.Sleep(time.Minute) })
					return wait(g.Task)
				})
			})
			if !errors.Is(err, context.DeadlineExceeded) || clock.Now() != begun+time.Hour {
				return fmt.Errorf("after %v: %v", clock.Now()-begun, err)
			}
		}
		return nil
	})
}

func TestChannelThatNobodyUsesIsStuck(t *testing.T) {
	clock := kettle.Clock(func() loop.Clock { return looptest.NewClock() })
	for what, wait := range map[string]func(t *kettle.Task, ch chan int) error{
		"waits for Receive\n": func(t *kettle.Task, ch chan int) error {
			_, _, err := kettle.Receive(t, ch)
			return err
		},
		"waits for Send\n": func(t *kettle.Task, ch chan int) error {
			return kettle.Send(t, ch, 7)
		},
		"waits for Receive from a nil channel\n": func(t *kettle.Task, _ chan int) error {
			_, _, err := kettle.Receive[int](t, nil)
			return err
		},
	} {
		ch := make(chan int)
		err := kettle.Run(func(t *kettle.Task) error { return wait(t, ch) }, clock)
		if !errors.Is(err, kettle.ErrStuck) || !contains(err, what) {
			t.Errorf("%q: %v", what, err)
		}
	}
	noDelegates(t)
	// With a Handle there is somebody outside, and the loop waits for what may come.
	onALoop(t, func(t *kettle.Task) error {
		ch := make(chan kettle.Handle)
		h := t.Handle()
		go func() { ch <- h }()
		got, _, err := kettle.Receive(t, ch)
		return errors.Join(err, want("handle", got, h))
	}, clock)
}

// A channel that always has something does not keep out others.
func TestChannelDoesNotStarveOthers(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		return t.Group(func(g *kettle.Group) error {
			const n = 500
			ch := make(chan int, n)
			ran := 0
			other := func(t *kettle.Task) error { ran++; return nil }
			g.Go("other", other)
			for range n {
				if err := kettle.Send(g.Task, ch, 1); err != nil {
					return err
				}
			}
			g.Go("other", other)
			err := want("other tasks that ran during Send", ran, 1)
			for range n {
				if _, _, err := kettle.Receive(g.Task, ch); err != nil {
					return err
				}
			}
			return errors.Join(err, want("and during Receive", ran, 2))
		})
	})
}

// On a single processor, and with tasks that always have something to do, a goroutine comes to its
// turn all the same, and soon: Go's scheduler alone would let the loop run for 10 ms each time.
func TestReceiveOnALoopThatIsBusy(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	onALoop(t, func(t *kettle.Task) error {
		there, back := make(chan int), make(chan int)
		defer close(there)
		go func() {
			for v := range there {
				back <- v
			}
		}()
		var turns []int
		err := t.WithCancel(func(t *kettle.Task) error {
			scope := t
			return t.Group(func(g *kettle.Group) error {
				n := 0
				g.Go("busy", func(t *kettle.Task) error {
					for t.Yield() == nil {
						n++
					}
					return nil
				})
				for i := range 21 {
					begun := n
					if err := kettle.Send(g.Task, there, i); err != nil {
						return err
					}
					if _, _, err := kettle.Receive(g.Task, back); err != nil {
						return err
					}
					turns = append(turns, n-begun)
				}
				scope.Cancel(nil)
				return nil
			})
		})
		slices.Sort(turns)
		return errors.Join(err, want("half of them came soon", turns[len(turns)/2] < 200, true))
	})
}

func TestChannelFastPathDoesNotAllocate(t *testing.T) {
	simulated(t, func(t *kettle.Task, _ *looptest.Clock) error {
		ch := make(chan int, 1)
		var failed error
		allocs := testing.AllocsPerRun(1000, func() {
			err := kettle.Send(t, ch, 7)
			if _, _, e := kettle.Receive(t, ch); err != nil || e != nil {
				failed = errors.Join(err, e)
			}
		})
		return errors.Join(failed, want("allocations", allocs, 0))
	})
}
