package kettle_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// A time-out is for all waits in it, however many there are.
func ExampleTask_WithTimeout() {
	_ = kettle.Run(func(t *kettle.Task) error {
		cups := 0
		err := t.WithTimeout(10*time.Minute, func(t *kettle.Task) error {
			for {
				if err := t.Sleep(4 * time.Minute); err != nil {
					return err
				}
				cups++
			}
		})
		fmt.Println(cups, "cups:", err)
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		return t.Sleep(time.Minute) // the time-out is over with its scope
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	// Output:
	// 2 cups: kettle: timed out after 10m0s
	// true
}

// A cancellation lasts until the scope is left: to overlook it once does no harm.
func ExampleTask_Cancel() {
	err := kettle.Run(func(t *kettle.Task) error {
		return t.WithCancel(func(t *kettle.Task) error {
			t.Cancel(errors.New("guests have come"))
			_ = t.Sleep(time.Hour)
			_ = t.Sleep(time.Hour)
			return t.Sleep(time.Hour)
		})
	})
	fmt.Println(err)
	// Output: kettle: cancelled: guests have come
}

// Of which scope an error is, the Task of the scope tells.
func ExampleTask_Cancelled() {
	_ = kettle.Run(func(t *kettle.Task) error {
		return t.WithTimeout(time.Hour, func(outer *kettle.Task) error {
			err := outer.WithTimeout(time.Minute, func(inner *kettle.Task) error {
				err := inner.Sleep(2 * time.Hour)
				fmt.Println("inner:", inner.Cancelled(err), "outer:", outer.Cancelled(err))
				return err
			})
			fmt.Println(err)
			return nil
		})
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	// Output:
	// inner: true outer: false
	// kettle: timed out after 1m0s
}

// The end of the scope is put off as long as there is something to do.
func ExampleTask_SetTimeout() {
	_ = kettle.Run(func(t *kettle.Task) error {
		messages := 0
		err := t.WithTimeout(time.Minute, func(t *kettle.Task) error {
			for pause := 25 * time.Second; ; pause += 25 * time.Second {
				if err := t.Sleep(pause); err != nil {
					return err
				}
				messages++
				if err := t.SetTimeout(time.Minute); err != nil {
					return err
				}
			}
		})
		fmt.Println(messages, "messages, then silence:", err)
		return nil
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	// Output: 2 messages, then silence: kettle: timed out after 1m0s
}

// What has to wait while it cleans up does so behind a shield.
func ExampleTask_Shield() {
	err := kettle.Run(func(t *kettle.Task) error {
		return t.WithTimeout(time.Second, func(t *kettle.Task) error {
			defer func() {
				err := t.Shield(time.Minute, func(t *kettle.Task) error {
					return t.Sleep(10 * time.Second)
				})
				fmt.Println("cleaned up:", err)
			}()
			return t.Sleep(time.Hour)
		})
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	fmt.Println(err)
	// Output:
	// cleaned up: <nil>
	// kettle: timed out after 1s
}

// A Task is a context, with the values of its scopes.
func ExampleTask_WithValue() {
	type key struct{}
	name := func(ctx context.Context) any { return ctx.Value(key{}) }
	_ = kettle.Run(func(t *kettle.Task) error {
		fmt.Println(name(t))
		return t.WithValue(key{}, "Earl Grey", func(t *kettle.Task) error {
			fmt.Println(name(t))
			return nil
		})
	})
	// Output:
	// <nil>
	// Earl Grey
}
