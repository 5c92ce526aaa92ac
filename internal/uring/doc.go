// Package uring is Linux's io_uring(7): requests are prepared, submitted together in one system
// call, done by the kernel, and told of when they are. It is what a loop stands on that does not
// ask what is ready, but has it done.
//
// Open a ring; make requests, each with a Client that will be told; enter the kernel with them;
// wait until the ring's descriptor is readable; reap:
//
//	r, err := uring.Open(uring.Config{})
//	...
//	defer r.Close()
//	r.Accept(listener, server)
//	for {
//		if err := r.Enter(); err != nil {
//			return err
//		}
//		if !r.Ready() {
//			... // wait until r.FD() is readable
//		}
//		r.Reap(1024) // calls server.Completed, which makes the next requests
//	}
//
// What a client requests while it is told is submitted by the next Enter, which must come before
// the loop waits. What the ring begins again by itself, it submits by itself. Where Prepared is
// not 0 after Enter the kernel is short of memory, and the loop must not wait without end.
//
// # Requests
//
// A Request is a slot of the ring's table and a generation, and so is the token that the kernel
// gets: never a pointer. A completion that comes for a slot whose request is over, or a Cancel, is
// a comparison that fails. Requests keep their clients alive, allocate nothing, and come from a
// table that is small again after a burst. Receive and Accept go on by themselves; all others have
// one Completion. Each request has exactly one without More, and it is the last.
//
// A request holds the connection, not its descriptor's number: CloseFD cancels what is under way,
// and whoever closes a descriptor in another way has to CancelFD before.
//
// # Memory
//
// The kernel reads and writes memory after the call that named it has returned, and Go's stacks
// move. So everything that it touches is mapped, outside of Go's heap. What is received lies in a
// Chunk, the client's until it is released. The buffers are taken only when bytes have come: 10,000
// silent connections need none. There are as many as were needed at once of late. While there is
// none, receives wait for one in order, of which nobody is told. What is sent lies in a Memory,
// which the client may touch again when the Completion has come. What a burst has needed is given
// back a second or two after it.
//
// # Waiting
//
// The ring is not bound to a thread, and its goroutine waits for FD in Go's own poller, as package
// selectors does. The other way, a goroutine locked to its thread that waits in the kernel
// (SINGLE_ISSUER, DEFER_TASKRUN), was measured beside it: no cheaper under load, and nearly twice
// the CPU per message at 1,000 and at 5,000 messages per second, as Go's monitor takes the
// processor away from a thread in a system call and has to give it back for each message.
//
// What is under way belongs to the thread that submitted it: the kernel uses a moment of that
// thread to receive, also if the goroutine runs on another one by then. So the goroutine should
// stay on its thread as far as it can, and Enter makes raw system calls, each of which is short.
// When a thread ends, as it does together with a goroutine that is locked to it, the kernel cancels
// its requests; the ring begins them again, all but Connect.
//
// With COOP_TASKRUN the kernel does not interrupt that thread, but waits until it is in the kernel
// anyway. Without it each message would interrupt the loop, which costs a third more under load. If
// the thread is busy with another goroutine that computes, a message may wait until the next tick
// of the system's clock, some milliseconds.
//
// # Kernels
//
// Linux 5.19 is needed, with nothing of it forbidden: otherwise Open returns ErrUnsupported, and
// says what is missing. Before Linux 6.0 a receive ends with each message and is begun again, and
// before Linux 6.1 there is no Send: Lacks says so.
package uring
