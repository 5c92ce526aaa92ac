// Package selectors answers one question: which of these descriptors are ready? It is
// Python's selectors module in Go, over epoll, poll, select, kqueue and io_uring, each chosen at
// run time by name.
//
// Open a selector, register what is to be watched together with a value that says what the
// descriptor means to you, wait, and look at what is ready:
//
//	sel, err := selectors.Default()
//	...
//	defer sel.Close()
//	_, err = sel.Register(listener, selectors.Read, accept)
//	for {
//		if _, err := sel.Select(selectors.Forever); err != nil {
//			return err
//		}
//		for key, events := range sel.Ready() {
//			key.Data.(func(selectors.Events))(events)
//		}
//	}
//
// What can be registered: a descriptor's number as an int, a value with a method FD() int
// (the usual choice for a connection of one's own: it costs nothing), or a syscall.Conn such
// as an *os.File. The descriptor remains its owner's: unregister it, then close it.
//
// # Portability
//
// These promises hold on every selector, and only these may be relied on:
//
//   - Level-triggered: a descriptor is reported by every Select as long as it is ready. Who
//     has no use for an event takes the interest away, or spins.
//   - Spurious readiness: a reported descriptor may turn out not to be ready (another process
//     took the connection, a checksum failed), so it must be non-blocking. An event is an
//     invitation to try.
//   - Errors and hang-ups are readiness. A connection that broke or ended is reported as
//     ready for whatever it was registered for, Read, Write or both, and the next call on it
//     says what happened. They cannot be asked for or masked, but only what is registered is
//     reported.
//   - Read and Write of one descriptor may come as one entry or as two, each bit once.
//   - The end of the peer's stream (half-close) is Read, nothing more. On epoll so is urgent data.
//   - Time-outs never end early; they are rounded up to what the mechanism can count:
//     epoll, kqueue and io_uring to Go's timers (nanoseconds), select to microseconds, poll to
//     milliseconds. A time-out of zero or less does not wait. An interruption by a signal
//     is no reason to return: the wait goes on with the time that is left.
//   - Order within one Select has no meaning.
//   - Stale events are not delivered. Once a descriptor has been unregistered, even by the
//     handling of an earlier event of the same Select, Ready skips what was pending for it,
//     also when its number has been registered anew in between: every registration has a
//     generation, which events carry.
//   - A descriptor that is not open cannot be registered (EBADF). One that is closed before it
//     is unregistered disappears from epoll and kqueue in silence; poll and select report it as
//     ready, so that the next call says EBADF. If a duplicate of it lives on (a child process
//     inherited it), epoll goes on watching, and nobody can stop it: a Select that waits then
//     spins on what it must not report. io_uring holds on to a connection that it watches, so
//     that it is not closed, and the peer not told, before it is unregistered. Unregister
//     before closing.
//   - What has become ready is found by a Select that does not wait; but on io_uring, if the
//     goroutine has gone over to another thread since it registered, maybe by a later one: the
//     news comes by way of the former thread. A Select that waits is woken by it.
//   - Regular files are always ready; epoll refuses them (EPERM).
//   - select watches descriptors below 1,024 only and refuses others with ErrTooLarge. Its
//     cost and poll's grow with what is watched; that of the others with what is ready.
//
// # Waiting
//
// Epoll and kqueue are themselves descriptors that become readable when something they
// watch is ready, and a ring when something is done. A Select that has to wait therefore parks
// its goroutine in Go's own poller, as a read from a net.Conn would, and no thread waits in the
// kernel on its behalf. A thread in a blocking epoll_wait looks idle to Go's monitor, which takes
// its processor away and must give it back for each message; parking costs about half as much at
// low rates and the same under load. Poll and select have no such descriptor and block their
// thread.
//
// A Select that has to wait asks the kernel twice, before and after. Who does nothing but select,
// and handle what is ready, calls Dispatch instead, which is one long wait, and need not ask before
// it parks if all that was ready has been received: see Turns.
//
// # io_uring
//
// Nobody gets a selector on io_uring who has not asked for it by name. As a selector it is no
// faster than epoll. It is there for those who have the kernel not only tell what is ready but do
// it, and wait for both at once: see Completions. It needs Linux 5.19, and containers commonly
// forbid it: a program that is to run anywhere opens it with Prefer.
//
// # Goroutines
//
// A Selector belongs to one goroutine: only Wake may be called from others. It makes the
// current or the next Select return at once.
package selectors
