package kettle_test

import (
	"errors"
	"fmt"

	"github.com/kettle-go/kettle"
)

// One stove for two: who has it keeps it across its waits.
func ExampleMutex() {
	var stove kettle.Mutex
	cook := func(what string) func(t *kettle.Task) error {
		return func(t *kettle.Task) error {
			if err := stove.Lock(t); err != nil {
				return err
			}
			defer stove.Unlock()
			fmt.Println(what, "on")
			if err := t.Yield(); err != nil { // others run, but not at the stove
				return err
			}
			fmt.Println(what, "off")
			return nil
		}
	}
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			return errors.Join(g.Go("A", cook("tea")), g.Go("B", cook("soup")))
		})
	})
	// Output:
	// tea on
	// tea off
	// soup on
	// soup off
}

// Two plates for five.
func ExampleSemaphore() {
	plates := kettle.NewSemaphore(2)
	busy, most := 0, 0
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			for range 5 {
				err := g.Go("cook", func(t *kettle.Task) error {
					if err := plates.Acquire(t); err != nil {
						return err
					}
					defer plates.Release()
					busy++
					defer func() { busy-- }()
					most = max(most, busy)
					return t.Yield()
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	fmt.Println("at most", most, "at a time")
	// Output: at most 2 at a time
}

// All who wait hear the whistle, and who comes later need not wait.
func ExampleEvent() {
	var whistle kettle.Event
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			for _, guest := range []string{"A", "B"} {
				err := g.Go(guest, func(t *kettle.Task) error {
					if err := whistle.Wait(t); err != nil {
						return err
					}
					fmt.Println(guest, "comes")
					return nil
				})
				if err != nil {
					return err
				}
			}
			if err := g.Yield(); err != nil { // now both wait
				return err
			}
			fmt.Println("it whistles")
			whistle.Set()
			return whistle.Wait(t)
		})
	})
	// Output:
	// it whistles
	// A comes
	// B comes
}

// A condition is about what a mutex guards while it is changed in several steps.
func ExampleCondition() {
	var kitchen kettle.Mutex
	changed := kettle.NewCondition(&kitchen)
	cups := 0
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			err := g.Go("guests", func(t *kettle.Task) error {
				if err := kitchen.Lock(t); err != nil {
					return err
				}
				defer kitchen.Unlock()
				if err := changed.WaitFor(t, func() bool { return cups == 3 }); err != nil {
					return err
				}
				fmt.Println("tea for", cups)
				return nil
			})
			if err != nil {
				return err
			}
			for range 3 {
				if err := kitchen.Lock(t); err != nil {
					return err
				}
				cups++
				err := t.Yield() // the guests do not see it yet
				changed.Notify(1)
				kitchen.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	// Output: tea for 3
}

// Nobody begins before all are there.
func ExampleBarrier() {
	table := kettle.NewBarrier(3)
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			for _, guest := range []string{"A", "B", "C"} {
				err := g.Go(guest, func(t *kettle.Task) error {
					fmt.Println(guest, "comes")
					number, err := table.Wait(t)
					if number == 0 && err == nil {
						fmt.Println("tea is poured") // once
					}
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	// Output:
	// A comes
	// B comes
	// C comes
	// tea is poured
}

// Who fills the queue waits when it is full: the one who empties it sets the pace.
func ExampleQueue() {
	cups := kettle.NewQueue[int](2)
	sum := 0
	err := kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			err := g.Go("pour", func(t *kettle.Task) error {
				defer cups.Shutdown(false) // what is in it is still for the guests
				for cup := range 5 {
					if err := cups.Put(t, cup); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			for cup, err := range cups.All(t) {
				if err != nil {
					return err
				}
				sum += cup
			}
			return nil
		})
	})
	fmt.Println(sum, err)
	// Output: 10 <nil>
}
