// Package transport is a connection on an event loop, for callbacks: the loop moves the bytes, and
// tells a Protocol what has happened.
//
//	type upper struct{ transport.Base }
//
//	func (upper) Data(t *transport.Transport, p []byte) {
//		t.Write(bytes.ToUpper(p))
//	}
//
//	ln, err := transport.Listen(l, addr, transport.ListenConfig{})
//	...
//	ln.Serve(func() transport.Protocol { return upper{} })
//
// That is a whole server, and it is right where first servers are wrong, as Base does what they
// forget: it does not read from a client that does not read its answers, and it closes when the
// client has ended its side, after everything that is pending has been sent.
//
// The loop l is one of loop.New, or that of a task: kettle.Task.EventLoop.
//
// It is the lower of two tiers. Package stream stands on it, where a task waits for what callbacks
// are told here.
//
// # The order of callbacks
//
//	Made ─▶ ( Data | PauseWriting | ResumeWriting )* ─▶ EOF? ─▶ ( ... )* ─▶ Lost
//
// Made is first, and Lost is last, once each. There is no Data after EOF, but there is writing. A
// callback that panics aborts its connection, is an incident of the loop, and harms nobody else.
//
// # Writing, and flow control
//
// Write sends at once if it can, and keeps a copy of what the kernel does not take. It never waits,
// and always takes everything. So whoever writes must heed the marks: when more than the high-water
// mark is pending PauseWriting is called, and when it has come down to the low-water mark
// ResumeWriting. What is written in several small pieces in one turn of the loop goes out in two
// system calls: the first piece at once, the others together at the end of the turn.
//
// # Closing
//
// Close sends what is pending first, without anybody having to wait for it, and Abort does not. A
// transport that closes lingers: it ends its sending side and stays until the peer's system has
// acknowledged everything, or the peer has ended its side, or the time for that is over. To close
// the descriptor earlier can lose what was sent: if the peer sends anything after that, or if
// something was not received, the kernel answers with a reset and drops the rest.
//
// # What a connection holds
//
// A descriptor, its Transport, and nothing else. Buffers are the loop's: a connection has one while
// there are bytes in it, to be sent or to be consumed.
//
// All functions and methods are for the loop: its callbacks, or before and after it runs. The
// exceptions say so.
package transport
