// Package loop is an event loop: one goroutine that runs callbacks, one at a time, as timers
// expire, descriptors become ready, and other goroutines have something for it. What only the
// callbacks of one loop touch needs no lock.
//
//	l, err := loop.New(loop.Config{})
//	...
//	defer l.Close()
//	l.After(time.Second, func() { fmt.Println("a second has passed") })
//	l.OnReadable(fd, func() { ... })
//	go func() { l.Post(func() { ... }) }()
//	err = l.Run() // until l.Stop
//
// It is the lower of two tiers. Tasks, which are sequential code that suspends instead of
// callbacks that return, stand on it in the root package, and it knows nothing of them.
//
// # A turn
//
// Run goes through turns until it is stopped. A turn has six phases, always in this order:
//
//	1 wait    until something is ready: not at all if callbacks are due, at most until the
//	          next timer, or else without end
//	2 posts   what other goroutines have posted becomes due, in order
//	3 events  the callbacks of the descriptors that are ready
//	4 timers  the callbacks of the timers that have expired, in the order of their times,
//	          those of the same time in the order in which they were set
//	5 soon    the callbacks that are due, first in, first out
//	6 last    what the turn has gathered to be done at once, such as sending what was written
//
// A callback that is added with Soon in the phases before the fifth runs in the same turn; one
// that is added in the fifth, in the next. So whatever a callback adds, descriptors and timers
// have their turn before it.
//
// # Waiting
//
// A loop that has nothing to do parks its goroutine on the selector's descriptor in Go's own poller
// (package selectors says why) and is never locked to a thread. If everything that was ready
// belonged to a Drainer, and was drained, it does so without asking the kernel again. While work is
// outstanding that somebody else does for it (see Outside), it offers its processor once in each
// turn: Go's scheduler would otherwise come to it only after 10 ms.
//
// # Goroutines
//
// "Loop only" means: in a callback, or before Run, or after it. What does not say so may be
// called from any goroutine: Post, Stats, Inside, Marked, Holder, Closed. To stop a loop from
// elsewhere is to Post its Stop.
//
// # What can be replaced
//
// Clock, selector, and the order of what is due are fields of Config. Package looptest has a clock
// that jumps when nothing else can run, a selector that follows a script, and a shuffled order.
package loop
