package kettle_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
)

// T22: a task that holds its loop is named, with its stack, while it does.
func TestTaskThatHoldsItsLoop(t *testing.T) {
	told, over := make(chan loop.Stall), make(chan struct{})
	var stall loop.Stall
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			return g.Go("holder", func(*kettle.Task) error {
				stall = hold(told)
				close(over)
				return nil
			})
		})
	}, kettle.OnStall(time.Millisecond, func(s loop.Stall) {
		select {
		case told <- s:
		case <-over: // a slow machine
		}
	}))
	if err != nil {
		t.Error(err)
	}
	if stall.Name != "holder" || stall.For < time.Millisecond ||
		!bytes.Contains(stall.Stack, []byte("kettle_test.hold+")) {
		t.Errorf("%q has held the loop for %v:\n%s", stall.Name, stall.For, stall.Stack)
	}
}

// hold blocks the loop until somebody tells of it; an earlier turn may have been slow too.
func hold(told <-chan loop.Stall) loop.Stall {
	for {
		if s := <-told; s.Name == "holder" {
			return s
		}
	}
}
