package models

import (
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// Streams: async and await. Each client's code in sequence, as in coroutines, on a library.
//
//	loop     select ─┐        ┌─ select ────────────┐        ┌─ select ─
//	                 │        │                     │        │
//	task 1           └▶ Next, Write, Next ┄┄┄┄┄┄┄┄┄ └▶ Write ┘
//	task 2               suspended in Next             suspended in Write: its client is slow
//
// A task is a coroutine with an owner: it can be waited for, cancelled, and given a time. Next
// suspends it until something has come, Write while the client does not keep up, Sleep until a
// time. Each of them is one line here, and in the coroutines model a function over a loop, a
// selector and a list of those who wait.
//
// Good for: what callbacks are good for, written as one would for a thread: connections by the ten
// thousand, state that needs no lock as one loop has it, and a time-out around anything. The price
// is a small stack for each client. What computes for long, or calls something that blocks, stops
// everybody on its loop.
func streams() Model {
	return Model{
		Name:        "streams",
		Summary:     "tasks: async and await; what the library is for",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread, or one for each of --loops; 1 task per connection",
		Waits:       "each task is suspended; the library's loop, in epoll or kqueue, for all",
		Limits:      "one CPU for each loop; a small stack for each client; none may compute long",
		Section:     "4.12",
		Backends:    true,
		Loops:       true,
		publishes:   true,
		files:       []string{"streams.go", "loops.go"},
		serve:       func(s *server) error { return s.watched(s.serveStreams) },
	}
}

// attend is the code of a client, which a task of its own runs: the blocking model's converse, and
// it waits where that does. What Next returns is this task's until it calls Next again, whatever
// others do meanwhile. When it returns the connection is closed, after what is pending has been
// sent.
func (s *server) attend(t *kettle.Task, c *stream.Conn) (err error) {
	s.came(c)
	reply := s.newReply()
	for err == nil {
		var chunk []byte
		if chunk, err = c.Next(); err != nil {
			break
		}
		s.asked(c, chunk)
		s.compute(chunk)
		s.computed(c)
		if s.Wait > 0 {
			err = t.Sleep(s.Wait)
			s.slept(c)
		}
		for err == nil && len(chunk) > 0 {
			var answer []byte
			answer, chunk = reply(chunk)
			_, err = c.Write(answer)
			s.wrote(c, len(answer))
		}
	}
	if err == io.EOF { // the client has finished
		err = nil
	}
	s.went(c, err)
	return err
}

// serveStreams runs the loops, each with a listener and a server of its own on the port, until the
// library's server has drained. When the grace is over all that is left is cancelled.
func (s *server) serveStreams() error {
	c := s.listening()
	config := stream.ListenConfig{Backlog: c.Backlog, Limit: c.Limit, Refused: c.Refused,
		Failed: c.Failed}
	listen := func(t *kettle.Task) (*stream.Listener, error) {
		return config.Listen(t, "tcp", s.Addr)
	}
	if s.loops() > 1 {
		port, err := stream.Reserve("tcp", s.Addr)
		if err != nil {
			return err
		}
		defer port.Close()
		listen = func(t *kettle.Task) (*stream.Listener, error) { return port.Listen(t, config) }
	}
	var listening atomic.Int32
	err := kettle.Run(func(t *kettle.Task) error {
		ln, err := listen(t)
		if err != nil {
			return err
		}
		if int(listening.Add(1)) == s.loops() && s.Ready != nil {
			s.Ready(ln.Addr())
		}
		s.recordWaits(t.EventLoop())
		stop := context.AfterFunc(s.ctx, func() { t.Drain(2 * Grace) })
		defer stop()
		server := stream.Server{Handler: s.clientCode(), Linger: -1}
		return server.Serve(t, ln)
	}, kettle.Context(s.dropped), kettle.Loops(s.loops()), kettle.Backend(s.backend()),
		kettle.OnIncident(s.incident), kettle.OnStall(0, nil))
	if s.dropped.Err() != nil && errors.Is(err, context.Cause(s.dropped)) {
		return nil
	}
	return err
}
