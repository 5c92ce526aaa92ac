package kettle_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kettle-go/kettle"
)

// What was put is gotten once, or is still in the queue.
func queueScenario() play {
	q := kettle.NewQueue[int](1)
	var put, got []int
	next, consumers := 0, 2
	return play{body: func(g *kettle.Group) error {
		defer q.Shutdown(false)
		consumer := func(t *kettle.Task) error {
			defer func() {
				if consumers--; consumers == 0 {
					q.Shutdown(false) // nobody is left whom the producers could wait for
				}
			}()
			for v, err := range q.All(t) {
				if err != nil {
					return err
				}
				got = append(got, v)
				if err := t.Sleep(time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}
		producer := func(t *kettle.Task) error {
			for range 3 {
				next++
				v := next
				if err := q.Put(t, v); err != nil {
					return but(err, kettle.ErrClosed)
				}
				put = append(put, v)
			}
			return nil
		}
		if err := times(g, consumers, "consumer", consumer); err != nil {
			return err
		}
		return g.Group(func(g *kettle.Group) error { return times(g, 2, "producer", producer) })
	}, holds: func() error {
		for v, ok := q.TryGet(); ok; v, ok = q.TryGet() {
			got = append(got, v)
		}
		slices.Sort(put)
		slices.Sort(got)
		return want("gotten", fmt.Sprint(got), fmt.Sprint(put))
	}}
}

func joinScenario() play {
	q := kettle.NewQueue[int](kettle.Unbounded)
	done := 0
	return play{body: func(g *kettle.Group) error {
		for i := range 3 {
			q.TryPut(i)
		}
		return errors.Join(times(g, 2, "worker", func(t *kettle.Task) error {
			defer q.Shutdown(true) // if it does not do it, it is not done
			for range 2 {
				_, ok := q.TryGet()
				if !ok {
					return nil
				}
				err := t.Sleep(time.Second)
				done++
				q.Done()
				if err != nil {
					return err
				}
			}
			return nil
		}), each(g, "joiner", func(t *kettle.Task) error {
			err := q.Join(t)
			if err == nil {
				err = want("left", q.Len(), 0)
			}
			return err
		}))
	}}
}

func futureScenario() play {
	var f kettle.Future[int]
	errLeft := errors.New("whoever was to resolve it has left")
	return play{body: func(g *kettle.Group) error {
		return errors.Join(times(g, 3, "awaiter", func(t *kettle.Task) error {
			v, err := f.Await(t)
			if err == nil {
				err = want("value", v, 7)
			}
			return but(err, errLeft)
		}), each(g, "resolver", func(t *kettle.Task) error {
			defer f.Reject(errLeft)
			err := t.Sleep(time.Second)
			if err == nil {
				f.Resolve(7)
			}
			return err
		}))
	}}
}

// resource is what a function returns that somebody must close.
type resource struct{ open *int }

func (r resource) Close() error { *r.open--; return nil }

// opens returns functions that open a resource each, one after the other.
func opens(open *int, n int) []func(t *kettle.Task) (resource, error) {
	var fns []func(t *kettle.Task) (resource, error)
	for i := range n {
		fns = append(fns, func(t *kettle.Task) (resource, error) {
			if err := t.Sleep(time.Duration(i+1) * time.Second); err != nil {
				return resource{}, err
			}
			*open++
			return resource{open}, nil
		})
	}
	return fns
}

// Whatever has been opened is returned, also with an error.
func gatherScenario() play {
	open := 0
	return play{body: func(g *kettle.Group) error {
		return each(g, "gatherer", func(t *kettle.Task) error {
			all, err := kettle.Gather(t, opens(&open, 3)...)
			for _, r := range all {
				if r.open != nil {
					_ = r.Close()
				}
			}
			return err
		})
	}, holds: func() error { return want("open", open, 0) }}
}

// All but the winner are closed.
func raceScenario() play {
	open := 0
	return play{body: func(g *kettle.Group) error {
		return errors.Join(each(g, "at once", func(t *kettle.Task) error {
			r, err := kettle.Race(t, 0, opens(&open, 3)...)
			if err == nil {
				_ = r.Close()
			}
			return err
		}), each(g, "staggered", func(t *kettle.Task) error {
			r, err := kettle.Race(t, time.Second, opens(&open, 3)...)
			if err == nil {
				_ = r.Close()
			}
			return err
		}))
	}, holds: func() error { return want("open", open, 0) }}
}

// What is not yielded is closed; the loop breaks off after two.
func completedScenario() play {
	open := 0
	return play{body: func(g *kettle.Group) error {
		return each(g, "loop", func(t *kettle.Task) error {
			seen := 0
			for _, result := range kettle.AsCompleted(t, opens(&open, 4)...) {
				r, err := result.Result()
				if err != nil {
					return err
				}
				_ = r.Close()
				if seen++; seen == 2 {
					break
				}
			}
			return nil
		})
	}, holds: func() error { return want("open", open, 0) }}
}

// What was sent was received, or is still in the channel.
func receiveScenario() play {
	ch := make(chan int, 4)
	var sender sync.WaitGroup
	received := 0
	return play{body: func(g *kettle.Group) error {
		_ = g.Handle() // the sender is outside of the loop
		sender.Go(func() {
			for i := range 4 {
				ch <- i
			}
			close(ch)
		})
		return times(g, 2, "receiver", func(t *kettle.Task) error {
			for {
				_, ok, err := kettle.Receive(t, ch)
				if err != nil || !ok {
					return err
				}
				received++
			}
		})
	}, holds: func() error {
		sender.Wait()
		for range ch {
			received++
		}
		return want("received", received, 4)
	}}
}

func sendScenario() play {
	ch := make(chan int)
	var receiver sync.WaitGroup
	received, sent := 0, 0
	return play{body: func(g *kettle.Group) error {
		_ = g.Handle() // the receiver is outside of the loop
		receiver.Go(func() {
			for range ch {
				received++
			}
		})
		return times(g, 2, "sender", func(t *kettle.Task) error {
			for i := range 2 {
				if err := kettle.Send(t, ch, i); err != nil {
					return err
				}
				sent++
			}
			return nil
		})
	}, holds: func() error {
		close(ch)
		receiver.Wait()
		return want("received", received, sent)
	}}
}
