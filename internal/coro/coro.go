// Package coro is one coroutine: a function that can be interrupted, and go on where it was.
// It stands on iter.Pull, whose switch goes straight from one goroutine to another without
// passing Go's scheduler, and knows nothing of I/O.
//
// Whoever runs the coroutines resumes them, one at a time, and each gives way by itself:
//
//	c := coro.New(func(c *coro.Coro) {
//		for c.Yield() {
//			// one step
//		}
//	})
//	for c.Resume() {
//		// the coroutine is waiting in Yield
//	}
//
// A coroutine that has not ended is never collected, as its stack may hold anything: Stop ends
// it. Only one goroutine at a time may resume or stop, and only the coroutine itself yields.
//
// # How a coroutine ends
//
// By returning, by a panic, or by runtime.Goexit, as t.FailNow does. Neither of the last two
// reaches whoever has resumed it: Failure tells what happened, with the stack of the moment.
//
// # Pools
//
// To make a coroutine is to make a goroutine and what iter.Pull needs. A Pool keeps those that
// have ended for the next body, which makes a short life several times cheaper.
package coro

import (
	"fmt"
	"iter"
	"runtime/debug"

	"github.com/kettle-go/kettle/internal/sys"
)

// Body is what a coroutine runs. One that exists already costs no allocation, as a closure does.
type Body interface {
	Live(c *Coro)
}

// Func is a function as a Body.
type Func func(*Coro)

// Live calls f.
func (f Func) Live(c *Coro) { f(c) }

// Coro is a coroutine. The zero Coro is not usable: see New.
type Coro struct {
	body  Body
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool

	goroutine uintptr
	begun     bool // the body
	ended     bool
	stopping  bool
	pooled    bool // it waits for another body when one has ended
	exiting   bool // Goexit is under way
	failure   *Failure
}

// Failure is how a body ended that did not return.
type Failure struct {
	Value any    // what it panicked with; nil after Goexit
	Stack []byte // of the coroutine when it did, as debug.Stack writes it
}

// Goexit reports whether it ended by runtime.Goexit.
func (f *Failure) Goexit() bool { return f.Value == nil }

// Error says what happened, without the stack.
func (f *Failure) Error() string {
	if f.Goexit() {
		return "the coroutine was ended by runtime.Goexit"
	}
	return fmt.Sprintf("panic: %v", f.Value)
}

// Unwrap returns the value of the panic, if it is an error.
func (f *Failure) Unwrap() error {
	err, _ := f.Value.(error)
	return err
}

// New returns a coroutine that will run body. It does not run before the first Resume.
func New(body func(c *Coro)) *Coro { return newCoro(Func(body)) }

func newCoro(body Body) *Coro {
	c := &Coro{body: body}
	c.next, c.stop = iter.Pull(c.lives)
	return c
}

// lives runs one body after the other. Between two of them a pooled coroutine waits here.
func (c *Coro) lives(yield func(struct{}) bool) {
	c.yield, c.goroutine = yield, sys.Goroutine()
	returned := false
	defer func() {
		if !returned {
			c.giveUpGoroutine()
		}
	}()
	for again := true; again; again = c.pooled && yield(struct{}{}) {
		c.live()
		c.ended = true
	}
	returned = true
}

// live runs the body. It does not return if the body has called Goexit, even if a deferred function
// has panicked then: that is recorded as the failure, and Goexit goes on after it.
func (c *Coro) live() {
	returned := false
	c.begun = true
	defer func() {
		if !returned {
			c.failure = &Failure{Value: recover(), Stack: debug.Stack()}
		}
	}()
	c.body.Live(c)
	returned = true
}

// giveUpGoroutine keeps a Goexit from whoever has resumed the coroutine, whom iter.Pull would
// end in the same way. It gives way in the middle of it, as a coroutine that has ended. Then Resume
// has a goroutine of no other use go on with it, and that is the one that Goexit takes along.
func (c *Coro) giveUpGoroutine() {
	c.ended, c.pooled, c.exiting = true, false, true
	c.yield(struct{}{})
}

// Resume lets the coroutine run until it yields (true) or ends (false). To resume an ended
// coroutine does nothing.
func (c *Coro) Resume() bool {
	if c.ended {
		return false
	}
	c.Switch()
	return !c.ended || c.Settle()
}

// Switch and Settle are Resume for who resumes so often that each frame counts: after a switch the
// CPU predicts every return wrongly, as the stack that it remembers is the other one, and Switch is
// inlined. The coroutine must not have ended. If it has afterwards, Settle must follow.
func (c *Coro) Switch() { c.next() }

// Ended reports whether the coroutine has ended.
func (c *Coro) Ended() bool { return c.ended }

// Settle completes the end of a coroutine. It returns false.
func (c *Coro) Settle() bool {
	if c.exiting {
		c.exiting = false
		go c.next()
	}
	return false
}

// Stop ends the coroutine: the Yield that it waits in returns false, as does each that it still
// calls, and Stop returns when the body has. A body that has not begun never does. To stop an
// ended one does nothing.
func (c *Coro) Stop() {
	if c.ended {
		return
	}
	c.stopping, c.pooled = true, false
	if !c.begun {
		c.stop()
		c.ended = true
	}
	c.Resume()
}

// Yield gives way to whoever has resumed the coroutine, and returns true at the next Resume. It
// returns false when the coroutine has been stopped, and from then on at once: the body, deferred
// functions included, must come to its end.
func (c *Coro) Yield() bool {
	if !c.stopping {
		c.yield(struct{}{})
	}
	return !c.stopping
}

// Failure returns how the coroutine ended, nil if it has returned or not ended.
func (c *Coro) Failure() *Failure { return c.failure }

// Goroutine returns sys.Goroutine of the coroutine, the same from the beginning of its body to
// the end: who compares can tell whether it is the one that runs.
func (c *Coro) Goroutine() uintptr { return c.goroutine }
