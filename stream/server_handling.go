package stream

import (
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync/atomic"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/transport"
)

// serving is a listener of a server: what its connections know of both.
type serving struct {
	*Server
	ln      *Listener
	clients string // the name of each, where it need not be told from the others
}

// accept returns the protocol of a connection that was accepted.
func (v *serving) accept() transport.Protocol {
	c := newConn(&v.over)
	c.server = v
	return (*protocol)(c)
}

// made is called when a connection stands.
func (v *serving) made(c *Conn) {
	v.counts.accepted.Add(1)
	v.counts.open.Add(1)
	v.counts.handlers.Add(1)
	if v.group.Spawn(v.clients, (*handling)(c)) != nil {
		v.counts.refused.Add(1) // it was cancelled, and has had no turn to stop accepting
		v.counts.handlers.Add(-1)
		c.Abort()
	}
}

// Name is the name of the task of a connection: the peer's address. Those of a unix socket have no
// addresses that tell them apart.
func (h *handling) Name() string {
	if peer := h.t.Peer(); peer.IsValid() {
		return peer.String()
	}
	return h.server.clients
}

// lost is called when a connection is gone.
func (v *serving) lost(*Conn) {
	v.counts.open.Add(-1)
	v.left()
}

// left is called when something is gone that Serve waits for.
func (s *Server) left() {
	if s.counts.held() {
		return
	}
	s.emptied.Wake(nil)
	if s.is(serverOver) {
		s.deadline.Stop()
	}
}

// handling is a Conn as the body of its handler's task. So a connection needs no closure.
type handling Conn

// Live is the task.
func (h *handling) Live(t *kettle.Task) error {
	c := (*Conn)(h)
	if config := c.server.ln.config.TLS; config != nil {
		if err := c.startServer(config); err != nil {
			return c.ungreeted(t, err)
		}
	}
	err := c.server.Handler(t, c)
	if err == nil || err == io.EOF || c.ordinary(t, err) {
		return nil
	}
	return err
}

// ungreeted returns the error of a connection whose TLS handshake has failed. That a drain has cut
// it off is none: the client has not asked for anything yet.
func (c *Conn) ungreeted(t *kettle.Task, err error) error {
	if t.Cancelled(err) || c.has(draining) {
		return nil
	}
	return &HandshakeError{Err: err}
}

// HandshakeError is the failure of a TLS handshake: see Server.OnError.
type HandshakeError struct{ Err error }

func (e *HandshakeError) Error() string { return "stream: TLS handshake: " + e.Err.Error() }

// Unwrap returns the error.
func (e *HandshakeError) Unwrap() error { return e.Err }

// Ended is called by the loop when the task has ended.
func (h *handling) Ended(err error) {
	c := (*Conn)(h)
	s := c.server.Server
	_, broken := err.(*kettle.PanicError)
	broken = broken || err == kettle.ErrGoexit
	if err != nil && !s.group.Cancelled(err) { // which it is if the task could not begin
		s.failed(c, err, broken)
	}
	if broken {
		c.Abort()
	} else {
		_ = c.Close()
	}
	s.counts.handlers.Add(-1)
	s.left()
}

// failed tells of a connection whose handler has failed.
func (s *Server) failed(c *Conn, err error, broken bool) {
	_, greeting := err.(*HandshakeError)
	first := false
	switch {
	case broken:
		s.counts.panicked.Add(1)
	case greeting:
		first = s.counts.handshakes.Add(1) == 1
	default:
		s.counts.failed.Add(1)
	}
	what := "serve " + (*handling)(c).Name()
	switch {
	case s.OnError != nil:
		s.tell(what, c, err)
	case first:
		s.group.Report(what, fmt.Errorf("%w (of failed handshakes only the first is told of)", err))
	case !greeting:
		s.group.Report(what, err)
	}
}

// tell calls OnError, whose panic is none of the others' concern either.
func (s *Server) tell(what string, c *Conn, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.group.Report(what+": OnError", &kettle.PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	s.OnError(c, err)
}

// ordinary reports whether err is no more than one of the ordinary ends of the connection. An error
// of another one, such as that to which a proxy passes on, is more.
func (c *Conn) ordinary(t *kettle.Task, err error) bool {
	broken := c.t.Err()
	return t.Cancelled(err) || onlyOf(err, func(err error) bool {
		switch err {
		case io.EOF:
			return true
		case io.ErrUnexpectedEOF:
			return c.has(draining)
		case net.ErrClosed:
			return c.has(closed)
		}
		if _, incomplete := err.(*IncompleteReadError); incomplete {
			return c.has(draining)
		}
		return broken != nil && err == broken ||
			c.secure != nil && err == c.secure.cause // it has gone without a word of TLS
	})
}

// onlyOf reports whether there is nothing in err but such errors, be they wrapped or joined.
func onlyOf(err error, such func(error) bool) bool {
	if such(err) {
		return true
	}
	switch e := err.(type) {
	case *kettle.PanicError:
		return false
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		return inner != nil && onlyOf(inner, such)
	case interface{ Unwrap() []error }:
		parts := e.Unwrap()
		for _, part := range parts {
			if !onlyOf(part, such) {
				return false
			}
		}
		return len(parts) > 0
	}
	return false
}

// drain has reads end when everything that has arrived is read.
func (c *Conn) drain() {
	c.marks |= draining
	c.t.Recheck()
	c.reading.Wake(nil)
}

// counts are what is counted of a server.
type counts struct {
	accepted, refused, failed, panicked, handshakes atomic.Uint64
	open, handlers                                  atomic.Int64
}

// held reports whether there is something that Serve waits for.
func (n *counts) held() bool { return n.open.Load() > 0 || n.handlers.Load() > 0 }

// ServerStats are the counts of a Server.
type ServerStats struct {
	Accepted   uint64 // connections
	Refused    uint64 // beyond the limit, and those that came when the server was just cancelled
	Open       int    // that are not gone, with those that still send what is pending
	Handlers   int    // that have not ended
	Failed     uint64 // handlers that have returned an error that is no ordinary end
	Panicked   uint64 // handlers that have panicked, or called runtime.Goexit
	Handshakes uint64 // of TLS that have failed
}

// Stats returns the counts. Any goroutine may call it.
func (s *Server) Stats() ServerStats {
	n := &s.counts
	return ServerStats{Accepted: n.accepted.Load(), Refused: n.refused.Load(),
		Open: int(n.open.Load()), Handlers: int(n.handlers.Load()), Failed: n.failed.Load(),
		Panicked: n.panicked.Load(), Handshakes: n.handshakes.Load()}
}
