package kettle_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// Two tasks ask questions through one connection, on which a third reads the answers, in whatever
// order they come.
func ExampleFuture() {
	asked := map[int]*kettle.Future[string]{}
	ask := func(t *kettle.Task, id int) (string, error) {
		answer := new(kettle.Future[string])
		asked[id] = answer
		return answer.Await(t)
	}
	err := kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			for id := range 2 {
				g.Go("ask", func(t *kettle.Task) error {
					answer, err := ask(t, id)
					fmt.Println(id, answer, err)
					return nil
				})
			}
			return g.Go("read answers", func(t *kettle.Task) error {
				asked[1].Resolve("yes")
				asked[0].Reject(errors.New("no such thing"))
				return nil
			})
		})
	})
	fmt.Println(err)
	// Output:
	// 1 yes <nil>
	// 0  no such thing
	// <nil>
}

// The waits overlap, and the results come in the order of the arguments.
func ExampleGather() {
	clock := looptest.NewClock()
	err := kettle.Run(func(t *kettle.Task) error {
		results, err := kettle.Gather(t,
			func(t *kettle.Task) (string, error) { return "tea", t.Sleep(4 * time.Minute) },
			func(t *kettle.Task) (string, error) { return "toast", t.Sleep(3 * time.Minute) })
		fmt.Println(results, clock.Now())
		return err
	}, kettle.Clock(func() loop.Clock { return clock }))
	fmt.Println(err)
	// Output:
	// [tea toast] 4m0s
	// <nil>
}

// The first address does not answer, and the second one refuses. Each next attempt begins when the
// one before takes longer than 250 ms, or fails.
func ExampleRace() {
	clock := looptest.NewClock()
	connect := func(addr string, d time.Duration, err error) func(t *kettle.Task) (string, error) {
		return func(t *kettle.Task) (string, error) {
			fmt.Printf("%5v try %s\n", clock.Now(), addr)
			if err := t.Sleep(d); err != nil {
				return "", err
			}
			return addr, err
		}
	}
	err := kettle.Run(func(t *kettle.Task) error {
		addr, err := kettle.Race(t, 250*time.Millisecond,
			connect("[2001:db8::1]", time.Hour, nil),
			connect("[2001:db8::2]", 30*time.Millisecond, errors.New("connection refused")),
			connect("192.0.2.1", 20*time.Millisecond, nil),
			connect("192.0.2.2", 10*time.Millisecond, nil))
		fmt.Printf("%5v connected to %s\n", clock.Now(), addr)
		return err
	}, kettle.Clock(func() loop.Clock { return clock }))
	fmt.Println(err)
	// Output:
	//    0s try [2001:db8::1]
	// 250ms try [2001:db8::2]
	// 280ms try 192.0.2.1
	// 300ms connected to 192.0.2.1
	// <nil>
}

// What is ready first is served first. Leaving the loop early would cancel the rest.
func ExampleAsCompleted() {
	dishes := []string{"roast", "soup", "salad"}
	var cook []func(t *kettle.Task) (time.Duration, error)
	for i := range dishes {
		d := []time.Duration{time.Hour, 20 * time.Minute, 5 * time.Minute}[i]
		cook = append(cook, func(t *kettle.Task) (time.Duration, error) { return d, t.Sleep(d) })
	}
	err := kettle.Run(func(t *kettle.Task) error {
		for i, result := range kettle.AsCompleted(t, cook...) {
			d, err := result.Result()
			fmt.Println(dishes[i], d, err)
		}
		return nil
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	fmt.Println(err)
	// Output:
	// salad 5m0s <nil>
	// soup 20m0s <nil>
	// roast 1h0m0s <nil>
	// <nil>
}

// A goroutine that knows nothing of loops counts, and a task receives what it has.
func ExampleReceive() {
	numbers := make(chan int)
	go func() {
		defer close(numbers)
		for i := range 3 {
			numbers <- i
		}
	}()
	err := kettle.Run(func(t *kettle.Task) error {
		for {
			n, ok, err := kettle.Receive(t, numbers)
			if err != nil || !ok {
				return err
			}
			fmt.Println(n)
		}
	})
	fmt.Println(err)
	// Output:
	// 0
	// 1
	// 2
	// <nil>
}

// A channel for each of several goroutines, and a task for each channel: what select is in ordinary
// Go. The first who has something ends the wait of the others.
func ExampleReceive_several() {
	fast, slow := make(chan string, 1), make(chan string)
	fast <- "hare"
	err := kettle.Run(func(t *kettle.Task) error {
		return t.WithCancel(func(t *kettle.Task) error {
			enough := errors.New("one is enough")
			err := t.Group(func(g *kettle.Group) error {
				for _, ch := range []chan string{slow, fast} {
					g.Go("receive", func(g *kettle.Task) error {
						name, _, err := kettle.Receive(g, ch)
						if err != nil {
							return err
						}
						fmt.Println("first:", name)
						t.Cancel(enough)
						return nil
					})
				}
				return nil
			})
			if t.Cancelled(err) && errors.Is(err, enough) {
				return nil
			}
			return err
		})
	})
	fmt.Println(err)
	// Output:
	// first: hare
	// <nil>
}

// The consumer is slower than the task that sends: it waits, and its loop does not.
func ExampleSend() {
	lines, written := make(chan string), make(chan struct{})
	go func() {
		defer close(written)
		for line := range lines {
			fmt.Println(line)
		}
	}()
	err := kettle.Run(func(t *kettle.Task) error {
		defer close(lines)
		for i := range 3 {
			if err := kettle.Send(t, lines, fmt.Sprint("line ", i)); err != nil {
				return err
			}
		}
		return nil
	})
	<-written
	fmt.Println(err)
	// Output:
	// line 0
	// line 1
	// line 2
	// <nil>
}
