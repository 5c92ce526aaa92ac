// Package streamtest holds everything that is a stream to the promises of package stream, in the
// manner of x/net's nettest: one suite for a connection of TCP, of a unix socket, with TLS, in
// memory, or of what somebody else makes.
//
// A test says how two connected sides are made, and runs the whole:
//
//	func TestPipe(t *testing.T) {
//		streamtest.Run(t, func(t *kettle.Task) (a, b *stream.Conn, err error) {
//			a, b = stream.Pipe(t)
//			return a, b, nil
//		}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
//	}
//
// The options are those of kettle.Run: the selector that is waited with (kettle.Backend), the order
// of what is ready at once (kettle.Seed), the clock. A clock that jumps is for what is in memory:
// what is under way in a network is not known to it, and it would go ahead meanwhile.
//
// Each promise is a subtest on a loop of its own, with a pair of its own. At its end no descriptor
// may be left, nothing may be watched, and no task and no timer be there. A check that does not end
// in 30 seconds fails with a list of the tasks and what they wait for. A comment such as "R14"
// names the row of the list of behaviours that a check holds.
//
// The checks are grouped by what they look at: reading (reads.go), separators and lines (lines.go),
// writing (writes.go) and its turns (turns.go), the ends of a stream (ends.go), misuse (misuse.go),
// deadlines (deadlines.go), cancellation at every wait (cancelled.go), and bytes in number
// (traffic.go).
package streamtest
