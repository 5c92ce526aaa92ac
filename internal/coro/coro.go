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
package coro

import "iter"

// Coro is a coroutine. The zero Coro is not usable: see New.
type Coro struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// New returns a coroutine that will run body. It does not run before the first Resume.
func New(body func(c *Coro)) *Coro {
	c := new(Coro)
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		body(c)
	})
	return c
}

// Resume lets the coroutine run until it yields (true) or ends (false). A panic in the
// coroutine becomes one of the caller. To resume an ended coroutine does nothing.
func (c *Coro) Resume() bool {
	_, alive := c.next()
	return alive
}

// Stop ends the coroutine: the Yield that it waits in returns false, and Stop returns when
// the body has. A body that has not begun never does. To stop it again does nothing.
func (c *Coro) Stop() { c.stop() }

// Yield gives way to whoever has resumed the coroutine, and returns true at the next Resume. It
// returns false when the coroutine has been stopped: the body must end, and not yield again.
func (c *Coro) Yield() bool { return c.yield(struct{}{}) }
