package kettle_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// The waits of a group overlap: both tasks together take as long as the longer one.
func ExampleTask_Group() {
	clock := looptest.NewClock()
	_ = kettle.Run(func(t *kettle.Task) error {
		err := t.Group(func(g *kettle.Group) error {
			return errors.Join(
				g.Go("tea", func(t *kettle.Task) error { return t.Sleep(4 * time.Minute) }),
				g.Go("film", func(t *kettle.Task) error { return t.Sleep(90 * time.Minute) }),
			)
		})
		fmt.Println(clock.Now(), err)
		return nil
	}, kettle.Clock(func() loop.Clock { return clock }))
	// Output: 1h30m0s <nil>
}

// The first failure cancels the others. That they were cancelled by it is no failure of theirs.
func ExampleGroup() {
	err := kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			return errors.Join(
				g.Go("film", func(t *kettle.Task) error {
					err := t.Sleep(time.Hour)
					fmt.Println(err)
					return err
				}),
				g.Go("tea", func(t *kettle.Task) error {
					return errors.New("no water")
				}),
			)
		})
	})
	fmt.Println(err)
	// Output:
	// kettle: cancelled: tea: no water
	// tea: no water
}

// A panic ends its task, and is an error like others, with the stack in it.
func ExamplePanicError() {
	err := kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			return g.Go("pour", func(*kettle.Task) error {
				var cups []int
				cups[0]++
				return nil
			})
		})
	})
	var failed *kettle.TaskError
	var panicked *kettle.PanicError
	if errors.As(err, &failed) && errors.As(err, &panicked) {
		fmt.Printf("task %s: %v\n", failed.Name, panicked.Value)
	}
	// Output: task pour: runtime error: index out of range [0] with length 0
}

// Who starts something others depend on waits until it is ready, not until it has ended.
func ExampleGroup_Start() {
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(g *kettle.Group) error {
			err := g.Start("stove", func(t *kettle.Task, ready func()) error {
				if err := t.Sleep(time.Minute); err != nil {
					return err
				}
				fmt.Println("it is hot")
				ready()
				return t.Sleep(time.Hour)
			})
			fmt.Println("on it goes:", err)
			return err
		})
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	// Output:
	// it is hot
	// on it goes: <nil>
}
