package stream

import (
	"errors"
	"io"
	"net"
	"runtime/debug"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/transport"
)

// Handler is the code of one connection: a task of its own runs it. When it returns the connection
// is closed. That the stream has ended, that the peer has gone, and that the task was cancelled are
// ordinary ends; any other error is reported.
type Handler func(t *kettle.Task, c *Conn) error

// Serve accepts connections and runs a task with the handler for each, until the drain begins, see
// kettle.Task.Drain, or it is cancelled. It returns when every handler has ended.
func Serve(t *kettle.Task, ln *Listener, handler Handler) error {
	s := &Server{Handler: handler}
	return s.Serve(t, ln)
}

// Server x
type Server struct {
	Handler Handler
}

// serving is a server on one listener.
type serving struct {
	*Server
	ln    *Listener
	group *kettle.Group
	over  kettle.WaitQueue // Serve waits for the end
	watch *kettle.Task     // waits for the drain
	done  bool
}

// Serve is the function of that name.
func (s *Server) Serve(t *kettle.Task, ln *Listener) error {
	v := &serving{Server: s, ln: ln}
	v.over.Init(t)
	return t.Group(func(g *kettle.Group) error {
		defer ln.Close()
		v.group = g
		err := g.Go("drain of "+ln.Addr().String(), v.awaitDrain)
		if err == nil {
			err = ln.ln.Serve(v.accept)
		}
		if err == nil {
			err = v.wait()
		}
		if v.watch != nil {
			v.watch.Cancel(nil)
		}
		return err
	})
}

func (v *serving) wait() error {
	if err := v.over.Enter(); err != nil || v.done {
		return err
	}
	if err := v.over.Wait("Serve"); err != nil {
		return err
	}
	v.ln.Close()
	for c := range v.conns() {
		c.drain()
	}
	return nil
}

// awaitDrain is a task.
func (v *serving) awaitDrain(t *kettle.Task) error {
	v.watch = t
	if t.AwaitDrain() == nil {
		v.stop()
	}
	return nil
}

func (v *serving) stop() {
	v.done = true
	v.over.Wake(nil)
}

// conns goes through the connections.
func (v *serving) conns() func(yield func(*Conn) bool) {
	return func(yield func(*Conn) bool) {
		more := true
		transport.Each(v.group.EventLoop(), func(t *transport.Transport) {
			if p, ok := t.Protocol().(*protocol); more && ok && p.server == v {
				more = yield((*Conn)(p))
			}
		})
	}
}

// accept returns the protocol of a connection that was accepted.
func (v *serving) accept() transport.Protocol {
	c := newConn(&v.over)
	c.server = v
	return (*protocol)(c)
}

// made is called when a connection stands.
func (v *serving) made(c *Conn) {
	if err := v.group.Go(c.t.Peer().String(), c.serve); err != nil {
		c.Abort()
	}
}

func (v *serving) lost(*Conn) {}

// serve is the task of a connection.
func (c *Conn) serve(t *kettle.Task) error {
	returned := false
	defer func() {
		c.Close()
		if !returned {
			c.panicked(t, recover())
		}
	}()
	err := c.server.Handler(t, c)
	returned = true
	if err != nil && !ordinary(t, err) {
		t.Report("serve "+t.Name(), err)
	}
	return nil
}

func (c *Conn) panicked(t *kettle.Task, value any) {
	if value != nil {
		t.Report("serve "+t.Name(), &kettle.PanicError{Value: value, Stack: debug.Stack()})
	}
}

func ordinary(t *kettle.Task, err error) bool {
	var op *net.OpError
	return err == io.EOF || t.Cancelled(err) || errors.As(err, &op)
}

// drain has reads end when everything that has arrived is read.
func (c *Conn) drain() {
	c.marks |= draining
	c.t.Recheck()
	c.reading.Wake(nil)
}
