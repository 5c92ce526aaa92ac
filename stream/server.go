package stream

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/transport"
)

// Handler is the code of one connection: a task of its own runs it, with the peer's address as its
// name. When it returns the connection is closed.
//
// That the stream has ended, that the peer has gone, that the connection was closed by this side
// and that the task was cancelled are ordinary ends. Any other error is told of once: see
// Server.OnError. So are a panic and runtime.Goexit, and the connection is aborted then. Nothing
// else suffers by it.
type Handler func(t *kettle.Task, c *Conn) error

// Serve accepts connections and runs the handler for each: it is Server.Serve of a Server that has
// nothing but the handler.
func Serve(t *kettle.Task, ln *Listener, handler Handler) error {
	return (&Server{Handler: handler}).Serve(t, ln)
}

// Server runs a handler for each connection that its listeners accept. Its fields are set before it
// serves, and it serves once. It belongs to the loop of the first task that uses it: several loops
// have a Server each.
//
//	          Serve              Drain, or that of the Run
//	idle ─────────────▶ serving ───────────────────────────▶ draining
//	  │ Close, Abort,      │ Close, Abort, cancelled            │  │ the grace is over, or as left
//	  │ Drain              ▼                                    │  │
//	  │                  ending ◀───────────────────────────────┼──┘
//	  │                    │ every handler has ended            │ ... and every connection is gone
//	  └────────────────────┴────────────▶ over ◀────────────────┘
//
// A drain lets handlers finish what they have received; a cancellation ends their waits. What then
// still holds a connection, be it a handler that cleans up or a peer that does not take what it
// was sent, is aborted after Linger.
type Server struct {
	// Handler is run for each connection.
	Handler Handler

	// OnError, if not nil, is called once for each connection whose handler has failed, and for
	// each whose TLS handshake has (a *HandshakeError), before a handler's connection is closed. It
	// is called by the loop, and must not wait. Without it failures of handlers are incidents: see
	// kettle.OnIncident. Of failed handshakes, which strangers can cause at will, only the first
	// one is then; all of them are counted.
	OnError func(c *Conn, err error)

	// Linger is for how long after a cancellation, or after the grace period of a drain,
	// connections may still be open, until they are aborted. 0 is a second, less is none.
	Linger time.Duration

	mu    sync.Mutex
	state serverState
	loop  *loop.Loop // nil until a task has used it

	counts    counts
	group     *kettle.Group // of the handlers
	listeners []*Listener
	accepting *kettle.Task     // the scope in which Serve waits for the drain
	emptied   kettle.WaitQueue // Serve waits for the last connection
	over      kettle.WaitQueue // who waits for the end
	deadline  loop.Timer       // of the grace period, or of lingering
	late      bool             // it is that of lingering
}

type serverState uint8

const (
	serverIdle serverState = iota
	serverServing
	serverDraining
	serverEnding
	serverOver
)

// defaultLinger is the Linger of a Server that has none.
const defaultLinger = time.Second

var (
	errServing = errors.New("the server is in use already")
	errTaken   = errors.New("tasks, or a server, accept from the listener already")
)

// Serve accepts connections and runs the handler for each. It suspends the task until the drain has
// ended: kettle.Task.Drain, DrainOn, or Drain. Then it returns nil: every handler has ended, and
// every connection is gone, with what was written to it. If it is cancelled, or the drain is
// because the grace period is over, so are the handlers: it returns the *kettle.CancelError when
// all of them have ended. The cause is kettle.ErrGrace after a drain, ErrServerClosed after Close
// or Abort.
//
// The listeners are closed in any case: they are the server's from here on, unless somebody else
// accepts from them already. One that somebody else closes accepts nobody any more, but Serve goes
// on. A server that is closed, or has served before, returns ErrServerClosed.
func (s *Server) Serve(t *kettle.Task, listeners ...*Listener) error {
	begun := false
	defer func() { // also if the loop breaks down
		if begun {
			s.finish()
		}
	}()
	err := t.Group(func(g *kettle.Group) error {
		if err := s.begin(g, listeners); err != nil {
			return err
		}
		begun = true
		return s.serve()
	})
	if !begun {
		return fmt.Errorf("stream: serve: %w", err)
	}
	return err
}

// begin begins to serve, and closes the listeners if it cannot.
func (s *Server) begin(g *kettle.Group, listeners []*Listener) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == serverOver:
		err = ErrServerClosed
	case s.state != serverIdle:
		err = errServing
	case s.Handler == nil:
		err = errors.New("there is no handler")
	case len(listeners) == 0:
		err = errors.New("there is no listener")
	case slices.ContainsFunc(listeners, func(ln *Listener) bool { return !ln.accepting.Inside() }):
		err = fmt.Errorf("the listener: %w", kettle.ErrWrongLoop)
	case slices.ContainsFunc(listeners, func(ln *Listener) bool { return ln.begun && !ln.closed }):
		err = errTaken
	default:
		err = s.belongs(g.Task)
	}
	if err != nil {
		for _, ln := range listeners {
			if ln.accepting.Inside() && !ln.begun { // another loop's is that loop's to close
				_ = ln.Close()
			}
		}
		return err
	}
	s.state, s.listeners, s.group = serverServing, listeners, g
	return nil
}

// belongs gives the server its loop. It is locked.
func (s *Server) belongs(t *kettle.Task) error {
	l := t.EventLoop()
	if s.loop == nil {
		s.loop = l
		s.emptied.Init(t)
		s.over.Init(t)
		s.deadline.Init(l, (*lateness)(s))
	}
	if s.loop != l {
		return kettle.ErrWrongLoop
	}
	return nil
}

// serve is what Serve does in the handlers' group.
func (s *Server) serve() error {
	for _, ln := range s.listeners {
		ln.begun, ln.refusals = true, &s.counts.refused
		v := &serving{s, ln, "a client of " + ln.Addr().String()}
		if err := ln.ln.Serve(v.accept); err != nil {
			s.stop()
			return fmt.Errorf("stream: serve: %w", err)
		}
	}
	err := s.group.WithCancel(func(t *kettle.Task) error {
		s.accepting = t
		return t.AwaitDrain()
	})
	if err == nil {
		s.drain()
	}
	s.stop()
	for err = s.emptied.Enter(); err == nil && s.counts.held(); {
		err = s.emptied.Wait("the connections of its server")
	}
	if err != nil {
		s.linger()
	}
	return err
}

// stop stops accepting.
func (s *Server) stop() {
	for _, ln := range s.listeners {
		_ = ln.Close()
	}
}

// drain begins the drain.
func (s *Server) drain() {
	s.become(serverDraining)
	s.stop()
	s.each((*Conn).drain)
}

// linger gives what is cancelled its last time.
func (s *Server) linger() {
	s.become(serverEnding)
	d := s.Linger
	if d == 0 {
		d = defaultLinger
	}
	s.late = true
	s.deadline.Reset(max(d, 0))
}

// lateness is a Server as what the loop runs when its deadline has passed.
type lateness Server

// Run is called by the timer.
func (r *lateness) Run() {
	s := (*Server)(r)
	if s.late {
		s.each((*Conn).Abort)
		return
	}
	s.group.Cancel(kettle.ErrGrace)
}

// finish is the end of Serve. Connections may still linger, and the deadline is for them.
func (s *Server) finish() {
	if !s.late || !s.counts.held() {
		s.deadline.Stop()
	}
	s.become(serverOver)
	s.over.WakeAll(nil)
}

func (s *Server) become(state serverState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = state
}

func (s *Server) is(states ...serverState) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(states, s.state)
}

// Serving reports whether connections are accepted. Any goroutine may call it.
func (s *Server) Serving() bool { return s.is(serverServing) }

// Drain begins a drain of this server, and does not wait: nothing more is accepted, reads on its
// connections return io.EOF once what has arrived is read, and handlers that still run when the
// grace period is over are cancelled with kettle.ErrGrace. Only the first drain counts. A server
// that does not serve yet never will. Any goroutine may call it.
func (s *Server) Drain(grace time.Duration) {
	s.do(func() {
		if s.is(serverServing) {
			s.drain()
			if s.counts.held() {
				s.deadline.Reset(grace)
			}
			s.accepting.Cancel(nil)
		}
	})
}

// Close cancels the handlers with ErrServerClosed, and does not wait: see Wait. What they have
// written is still sent, if the peers take it before Linger is over. Any goroutine may call it. A
// server that does not serve yet never will.
func (s *Server) Close() {
	s.do(func() {
		if s.is(serverServing, serverDraining) {
			s.become(serverEnding)
			s.stop()
			s.group.Cancel(ErrServerClosed)
		}
	})
}

// Abort is Close, and aborts the connections at once. After Close, and after Serve has returned, it
// aborts those that linger.
func (s *Server) Abort() {
	s.Close()
	s.do(func() { s.each((*Conn).Abort) })
}

// do runs f on the loop: at once on the loop itself, soon elsewhere. A server that has not begun is
// over.
func (s *Server) do(f func()) {
	s.mu.Lock()
	if s.state == serverIdle {
		s.state = serverOver
		f = func() { s.over.WakeAll(nil) }
	}
	l := s.loop
	s.mu.Unlock()
	switch {
	case l == nil: // nobody waits
	case sys.Goroutine() != 0 && l.Inside():
		f()
	default:
		_ = l.Post(f) // a loop that is closed serves nobody
	}
}

// Wait suspends the task until the server is over: Serve has returned, or never will do anything.
// Any number of tasks of its loop may wait, also before it serves.
func (s *Server) Wait(t *kettle.Task) error {
	s.mu.Lock()
	err := s.belongs(t)
	s.mu.Unlock()
	if err == nil {
		err = s.over.Enter()
	}
	if err != nil {
		return err
	}
	if s.is(serverOver) {
		s.over.Pass(1)
		return nil
	}
	return s.over.Wait("Server.Wait")
}

// Conns goes through the connections that have not been closed, in an order that depends on
// nothing but what has happened before. The loop may go on while it does: those that are closed
// meanwhile are left out, and it may miss those that are accepted. Loop only.
func (s *Server) Conns() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		more := true
		s.each(func(c *Conn) { more = more && (c.t.Closing() || yield(c)) })
	}
}

// each calls f with the connections, also with those that linger.
func (s *Server) each(f func(c *Conn)) {
	if s.group == nil {
		return
	}
	transport.Each(s.loop, func(t *transport.Transport) {
		if p, ok := t.Protocol().(*protocol); ok && p.server != nil && p.server.Server == s {
			f((*Conn)(p))
		}
	})
}
