package kettle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// trials is how often the tests below let a cancellation and a value meet.
const trials = 10_000

// encounter is a trial: a task waits for a channel, and two goroutines do something at the same
// time.
type encounter struct {
	source *rand.Rand
	waited int // the wait was successful
	failed int
}

// spin has the goroutine come a little later.
func spin(n int) {
	for range n {
		runtime.Gosched()
	}
}

// of lets wait, in a scope, meet cancel and other, which returns whether it found wait's side of
// the channel until giveUp is closed. It returns an error if one thinks that they met, and the
// other not.
func (m *encounter) of(t *kettle.Task, wait func(t *kettle.Task) error,
	other func(giveUp <-chan struct{}) bool) error {
	var result error
	found := make(chan bool, 1)
	giveUp := make(chan struct{})
	late, early := m.source.IntN(8), m.source.IntN(8)
	_ = t.WithCancel(func(t *kettle.Task) error {
		begin := make(chan struct{})
		go func() {
			<-begin
			spin(late)
			t.Cancel(errBoom)
		}()
		go func() {
			<-begin
			spin(early)
			found <- other(giveUp)
		}()
		close(begin)
		result = wait(t)
		return nil
	})
	close(giveUp)
	met := <-found
	if result == nil {
		m.waited++
	} else {
		m.failed++
	}
	if result != nil && !errors.Is(result, errBoom) {
		return result
	}
	return want("the other side met it", met, result == nil)
}

// K8: the value that arrives in the moment of the cancellation is either received or still there.
func TestReceiveRacingWithCancellation(t *testing.T) {
	m := &encounter{source: looptest.Order(looptest.Seed(t))}
	onALoop(t, func(t *kettle.Task) error {
		for i := range trials {
			ch := make(chan int, i%2)
			value := 0
			err := m.of(t, func(t *kettle.Task) (err error) {
				value, _, err = kettle.Receive(t, ch)
				return err
			}, func(giveUp <-chan struct{}) bool {
				select {
				case ch <- i:
				case <-giveUp:
					return false
				}
				if cap(ch) == 0 {
					return true
				}
				<-giveUp // it is in the buffer: is it still?
				return len(ch) == 0
			})
			if err != nil || value != 0 && value != i {
				return fmt.Errorf("trial %d: received %d: %w", i, value, err)
			}
		}
		return m.check()
	})
	noDelegates(t)
}

func TestSendRacingWithCancellation(t *testing.T) {
	m := &encounter{source: looptest.Order(looptest.Seed(t))}
	onALoop(t, func(t *kettle.Task) error {
		for i := range trials {
			ch := make(chan int)
			err := m.of(t, func(t *kettle.Task) error { return kettle.Send(t, ch, i) },
				func(giveUp <-chan struct{}) bool {
					select {
					case v := <-ch:
						return v == i
					case <-giveUp:
						return false
					}
				})
			if err != nil {
				return fmt.Errorf("trial %d: %w", i, err)
			}
		}
		return m.check()
	})
	noDelegates(t)
}

// check returns an error if the trials were none.
func (m *encounter) check() error {
	if m.waited < trials/100 || m.failed < trials/100 {
		return fmt.Errorf("of %d trials %d met and %d did not", trials, m.waited, m.failed)
	}
	return nil
}

// Where the send panics, as the channel is closed, in the moment of the cancellation: the panic is
// the task's, or it was cancelled before. (A send and a close at once are a data race by
// themselves, so the panic here is another one.)
func TestSendThatPanicsRacingWithCancellation(t *testing.T) {
	source := looptest.Order(looptest.Seed(t))
	panics, cancels := 0, 0
	onALoop(t, func(t *kettle.Task) error {
		for range trials / 5 {
			late := source.IntN(8)
			err := t.Group(func(g *kettle.Group) error {
				g.Go("send", func(t *kettle.Task) error {
					return t.WithCancel(func(t *kettle.Task) error {
						panicking := make(chan struct{})
						go func() { spin(late); close(panicking) }()
						go func() { spin(4); t.Cancel(errBoom) }()
						return t.Delegate(func(stop <-chan struct{}) bool {
							select {
							case <-panicking:
								panic("oops")
							case <-stop:
								return false
							}
						})
					})
				})
				return nil
			})
			var panicked *kettle.PanicError
			switch {
			case errors.As(err, &panicked) && panicked.Value == "oops":
				panics++
			case errors.Is(err, errBoom):
				cancels++
			default:
				return fmt.Errorf("it went on with %v", err)
			}
		}
		if panics == 0 || cancels == 0 {
			return fmt.Errorf("%d panics, %d cancellations", panics, cancels)
		}
		return nil
	})
}

// Several channels at once, as select does: a task for each, and the first value ends the others.
// What the others had received by then is not lost either.
func TestReceiveFromSeveralChannels(t *testing.T) {
	source := looptest.Order(looptest.Seed(t))
	onALoop(t, func(t *kettle.Task) error {
		for trial := range trials / 20 {
			channels := []chan int{make(chan int), make(chan int, 1), make(chan int, 2)}
			giveUp := make(chan struct{})
			var senders sync.WaitGroup
			sent := make([]int, len(channels))
			for i, ch := range channels {
				late := source.IntN(8)
				senders.Go(func() {
					spin(late)
					select {
					case ch <- 1 << i:
						sent[i] = 1 << i
					case <-giveUp:
					}
				})
			}
			received := 0
			err := t.WithCancel(func(t *kettle.Task) error {
				scope := t
				return t.Group(func(g *kettle.Group) error {
					for _, ch := range channels {
						g.Go("receive", func(t *kettle.Task) error {
							v, _, err := kettle.Receive(t, ch)
							received += v
							if err == nil {
								scope.Cancel(nil)
							}
							return err
						})
					}
					return nil
				})
			})
			close(giveUp)
			senders.Wait()
			all := sent[0] + sent[1] + sent[2]
			for _, ch := range channels {
				if len(ch) > 0 {
					all -= <-ch
				}
			}
			if received == 0 || received != all {
				return fmt.Errorf("trial %d: received %b of %b: %v", trial, received, all, err)
			}
		}
		return nil
	})
}

// Many tasks receive from one channel and are cancelled at random: each value goes to one of them,
// or stays.
func TestReceiveOfManyTasksFromOneChannel(t *testing.T) {
	const values, tasks = 2000, 20
	seed := looptest.Seed(t)
	source := looptest.Order(seed)
	ch := make(chan int)
	go func() {
		defer close(ch)
		for i := range values {
			ch <- i
		}
	}()
	got := make([]int, values)
	onALoop(t, func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			for range tasks {
				g.Go("receive", func(t *kettle.Task) error {
					for more := true; more; {
						d := time.Duration(source.IntN(100)) * time.Microsecond
						_ = t.WithTimeout(d, func(t *kettle.Task) error {
							v, ok, err := kettle.Receive(t, ch)
							if err == nil && ok {
								got[v]++
							}
							more = err != nil || ok
							return nil
						})
						if err := t.Yield(); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
	}, kettle.Seed(seed))
	for v, n := range got {
		if n != 1 {
			t.Fatalf("value %d was received %d times", v, n)
		}
	}
}

// On a virtual clock the time-out comes as soon as the loop has nothing to do: the goroutine that
// waits in place of the task may have received by then, not have begun, or anything between.
func TestReceiveRacingWithVirtualTimeout(t *testing.T) {
	clock := kettle.Clock(func() loop.Clock { return looptest.NewClock() })
	source := looptest.Order(looptest.Seed(t))
	onALoop(t, func(t *kettle.Task) error {
		for i := range trials / 2 {
			ch, giveUp := make(chan int), make(chan struct{})
			sent := make(chan bool, 1)
			late := source.IntN(6)
			go func() {
				spin(late)
				select {
				case ch <- i:
					sent <- true
				case <-giveUp:
					sent <- false
				}
			}()
			var failure error
			_ = t.WithTimeout(time.Second, func(t *kettle.Task) error {
				_, _, failure = kettle.Receive(t, ch)
				return nil
			})
			close(giveUp)
			if err := want("sent", <-sent, failure == nil); err != nil {
				return fmt.Errorf("trial %d: %w", i, err)
			}
		}
		return nil
	}, clock)
}
