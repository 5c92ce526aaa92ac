package kettle_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// What would block the loop runs elsewhere, and the task waits for it.
func ExampleBlocking() {
	_ = kettle.Run(func(t *kettle.Task) error {
		text, err := kettle.Blocking(t, func(context.Context) ([]byte, error) {
			return os.ReadFile("go.mod")
		})
		fmt.Println(strings.HasPrefix(string(text), "module"), err)
		return nil
	})
	// Output: true <nil>
}

// Another goroutine uses what belongs to the loop, by a task of it.
func ExampleSubmit() {
	cups := 0
	_ = kettle.Run(func(t *kettle.Task) error {
		handle := t.Handle()
		counted := make(chan int)
		go func() { // a server of net/http, for example
			n, _ := kettle.Submit(context.Background(), handle, "pour",
				func(t *kettle.Task) (int, error) {
					cups++ // a task of the loop does it: no lock
					return cups, nil
				})
			counted <- n
		}()
		n, _, err := kettle.Receive(t, counted)
		fmt.Println(n)
		return err
	})
	// Output: 1
}

// What runs on another goroutine cannot wait with a Task.
func Example_wrongGoroutine() {
	_ = kettle.Run(func(t *kettle.Task) error {
		failed := make(chan error, 1)
		go func() { failed <- t.Sleep(time.Second) }()
		err, _, _ := kettle.Receive(t, failed)
		fmt.Println(errors.Is(err, kettle.ErrWrongGoroutine))
		return nil
	})
	// Output: true
}

// A drain asks to come to an end. This worker finishes what it has begun, and takes nothing new.
func ExampleTask_Drain() {
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			err := g.Go("worker", func(t *kettle.Task) error {
				jobs := 0
				for !t.Draining() {
					if err := t.Sleep(time.Second); err != nil {
						return err
					}
					jobs++
				}
				fmt.Println(jobs, "jobs, none of them half done")
				return nil
			})
			if err != nil {
				return err
			}
			if err := t.Sleep(2500 * time.Millisecond); err != nil {
				return err
			}
			t.Drain(time.Minute) // as a signal does with DrainOn
			return nil
		})
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	// Output: 3 jobs, none of them half done
}

// Who is there, and what each waits for.
func ExampleTask_Dump() {
	var stove kettle.Mutex
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			cook := func(t *kettle.Task) error {
				if err := stove.Lock(t); err != nil {
					return err
				}
				defer stove.Unlock()
				return t.Sleep(time.Hour)
			}
			if err := errors.Join(g.Go("tea", cook), g.Go("soup", cook)); err != nil {
				return err
			}
			if err := t.Sleep(time.Minute); err != nil {
				return err
			}
			err := t.Dump(os.Stdout)
			g.Cancel(nil)
			return err
		})
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	// Output:
	// loop 0, tasks: 3
	//   main: running
	//     tea: waits for sleep, 59m0s left
	//     soup: waits for Mutex.Lock
}

// A test that would wait for ever ends, and says who waits for what.
func ExampleClock() {
	var never kettle.Event
	err := kettle.Run(func(t *kettle.Task) error {
		return never.Wait(t)
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	fmt.Println(errors.Is(err, kettle.ErrStuck))
	// Output: true
}

// Of what is ready at once any may be the first. In a test it is the seed that decides, and another
// seed finds what only another order brings to light.
func ExampleSeed() {
	order := func(seed uint64) (names string) {
		_ = kettle.Run(func(t *kettle.Task) error {
			return t.Group(func(g *kettle.Group) error {
				for _, name := range []string{"A", "B", "C", "D"} {
					err := g.Go(name, func(*kettle.Task) error {
						names += name
						return nil
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}, kettle.Seed(seed))
		return names
	}
	first, again, other := order(1), order(1), order(2)
	fmt.Println(first == again, first == other)
	// Output: true false
}
