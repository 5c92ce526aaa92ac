package kettle_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// On the clock of looptest an hour takes no time, here and in the other examples: without that
// option they do the same, and take their time.
func ExampleRun() {
	err := kettle.Run(func(t *kettle.Task) error {
		fmt.Println("the kettle is on")
		if err := t.Sleep(5 * time.Minute); err != nil {
			return err
		}
		fmt.Println("it whistles")
		return nil
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	fmt.Println(err)
	// Output:
	// the kettle is on
	// it whistles
	// <nil>
}

// What main returns, Run returns.
func ExampleRun_error() {
	err := kettle.Run(func(t *kettle.Task) error {
		return errors.New("no tea left")
	})
	fmt.Println(err)
	// Output: no tea left
}

// The tasks of a loop run one at a time, each until it waits.
func ExampleTask_Yield() {
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			for _, name := range []string{"A", "B"} {
				err := g.Go(name, func(t *kettle.Task) error {
					for i := range 3 {
						fmt.Print(name, i, " ")
						if err := t.Yield(); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	// Output: A0 B0 A1 B1 A2 B2
}

// What does not wait is not interrupted: a counter of all tasks needs no lock.
func Example_sharing() {
	hits := 0
	err := kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			for range 100 {
				err := g.Go("visitor", func(t *kettle.Task) error {
					hits++
					return t.Yield()
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	fmt.Println(hits, err)
	// Output: 100 <nil>
}

// Two loops, for two CPUs. They have nothing in common, so each has its own sum.
func ExampleLoops() {
	sums := make([]int, 2)
	err := kettle.Run(func(t *kettle.Task) error {
		sums[t.Loop()] += 1 + t.Loop()
		return t.Yield()
	}, kettle.Loops(2))
	fmt.Println(sums, err)
	// Output: [1 2] <nil>
}
