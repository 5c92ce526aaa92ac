package kettle_test

import (
	"context"
	"errors"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
)

// primitives has one of each that belongs to a loop, and what can be done with them: the waits, and
// what does not suspend.
func primitives() (waits map[string]func(*kettle.Task) error, rest map[string]func()) {
	var m, held kettle.Mutex
	var e kettle.Event
	s, b, q := kettle.NewSemaphore(1), kettle.NewBarrier(1), kettle.NewQueue[int](2)
	full := kettle.NewQueue[int](2)
	full.TryPut(1)
	full.TryPut(2)
	e.Set()
	c := kettle.NewCondition(&held)
	waits = map[string]func(*kettle.Task) error{
		"Mutex.Lock": func(t *kettle.Task) error {
			err := m.Lock(t)
			if err == nil {
				m.Unlock()
			}
			return err
		},
		"Condition.WaitFor": func(t *kettle.Task) error {
			_ = held.Lock(t) // the first one does, and keeps it
			return c.WaitFor(t, func() bool { return true })
		},
		"Event.Wait":        e.Wait,
		"Semaphore.Acquire": s.Acquire,
		"Barrier.Wait":      func(t *kettle.Task) error { _, err := b.Wait(t); return err },
		"Queue.Put":         func(t *kettle.Task) error { return q.Put(t, 1) },
		"Queue.Get":         func(t *kettle.Task) error { _, err := full.Get(t); return err },
		"Queue.Join":        kettle.NewQueue[int](1).Join,
	}
	rest = map[string]func(){
		"Mutex.Unlock":         held.Unlock,
		"Condition.Notify":     func() { c.Notify(1) },
		"Condition.NotifyAll":  c.NotifyAll,
		"Event.Set":            e.Set,
		"Event.Clear":          e.Clear,
		"Semaphore.TryAcquire": func() { s.TryAcquire() },
		"Semaphore.Release":    s.Release,
		"Barrier.Reset":        b.Reset,
		"Barrier.Abort":        b.Abort,
		"Queue.TryPut":         func() { q.TryPut(1) },
		"Queue.TryGet":         func() { q.TryGet() },
		"Queue.Shutdown":       func() { q.Shutdown(true) },
		"Queue.Done":           q.Done,
	}
	return waits, rest
}

// TestPrimitivesBelongToOneLoop: that of the first task that uses them. A task of another loop gets
// an error, or a panic where there is no error to return, and changes nothing.
func TestPrimitivesBelongToOneLoop(t *testing.T) {
	waits, rest := primitives()
	used, tried := make(chan struct{}), make(chan struct{})
	err := kettle.Run(func(task *kettle.Task) error {
		if task.Loop() == 0 {
			defer close(used)
			for name, wait := range waits {
				if err := wait(task); err != nil {
					t.Errorf("%s on the first loop: %v", name, err)
				}
			}
			return nil
		}
		defer close(tried)
		<-used
		for name, wait := range waits {
			if err := wait(task); !errors.Is(err, kettle.ErrWrongLoop) {
				t.Errorf("%s on the second loop: %v", name, err)
			}
		}
		wantPanics(t, "on the second loop", rest)
		return nil
	}, kettle.Loops(2))
	if err != nil {
		t.Error(err)
	}
}

// TestPrimitivesOnOtherGoroutines: what takes a Task returns ErrWrongGoroutine, the rest panics.
func TestPrimitivesOnOtherGoroutines(t *testing.T) {
	waits, rest := primitives()
	err := kettle.Run(func(task *kettle.Task) error {
		for name, wait := range waits {
			if err := wait(task); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := kettle.Blocking(task, func(context.Context) (int, error) {
			wantPanics(t, "on another goroutine", rest)
			return 0, nil
		})
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func wantPanics(t *testing.T, where string, calls map[string]func()) {
	if sys.Goroutine() == 0 {
		return // goroutines cannot be told apart here
	}
	for name, call := range calls {
		mustPanic(t, name+" "+where, call)
	}
}
