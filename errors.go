package kettle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// The errors that stand for themselves. What else a function of this package returns is what the
// caller's own code has returned, or one of the types below.
var (
	// ErrWrongGoroutine says that a Task was used on another goroutine than its own: only the
	// function that was given it may suspend with it. A goroutine that this function has started
	// may use it as a context and in no other way.
	ErrWrongGoroutine = errors.New("kettle: called on another goroutine than the task's")

	// ErrClosed says that what was used has ended: a Group, a Run, a Queue.
	ErrClosed = errors.New("kettle: closed")

	// ErrWrongLoop says that a Mutex, Queue or the like is used by tasks of two loops. What loops
	// share goes through Submit or channels.
	ErrWrongLoop = errors.New("kettle: used by a task of another loop")

	// ErrBrokenBarrier says that the tasks that wait at a Barrier will never be complete.
	ErrBrokenBarrier = errors.New("kettle: the barrier is broken")

	// ErrNotDone says that a Future has no result yet.
	ErrNotDone = errors.New("kettle: the Future has no result yet")

	// ErrGrace is the cause of the cancellation of what a drain has not seen end in time.
	ErrGrace = errors.New("kettle: the grace period of the drain is over")

	// ErrStuck says that every task waits for something that cannot happen any more.
	ErrStuck = errors.New("kettle: every task waits, and nothing can end that")

	// ErrGoexit says that a task was ended by runtime.Goexit, as t.FailNow does.
	ErrGoexit = errors.New("kettle: the task was ended by runtime.Goexit")
)

// CancelError is what every wait in a cancelled scope returns. It is context.Canceled.
type CancelError struct {
	Cause error // what Cancel was called with, or the failure that cancelled the group
}

func (e *CancelError) Error() string {
	if e.Cause == nil {
		return "kettle: cancelled"
	}
	return "kettle: cancelled: " + e.Cause.Error()
}

// Is reports whether target is context.Canceled.
func (e *CancelError) Is(target error) bool { return target == context.Canceled }

// Unwrap returns the cause.
func (e *CancelError) Unwrap() error { return e.Cause }

// TimeoutError is what every wait in a scope returns whose deadline has passed. It is
// context.DeadlineExceeded and os.ErrDeadlineExceeded.
type TimeoutError struct {
	After time.Duration // the time that there was, from the call that has set it
}

func (e *TimeoutError) Error() string { return fmt.Sprintf("kettle: timed out after %v", e.After) }

// Timeout returns true.
func (e *TimeoutError) Timeout() bool { return true }

// Is reports whether target is the error of a deadline in package context or os.
func (e *TimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// PanicError is a panic in a task: it ends the task, and its group has it as the task's error.
type PanicError struct {
	Value any
	Stack []byte // of the task when it panicked
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n\n%s", e.Value, e.Stack) }

// Unwrap returns the value of the panic, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// TaskError is the error of a task, with its name.
type TaskError struct {
	Name string
	Err  error
}

func (e *TaskError) Error() string { return e.Name + ": " + e.Err.Error() }

// Unwrap returns the error.
func (e *TaskError) Unwrap() error { return e.Err }
