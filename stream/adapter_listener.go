package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
)

// NetListener returns ln for use by ordinary goroutines, such as those of an http.Server: its
// Accept returns connections as NetConn does. It is loop only; from then on nothing else may accept
// from ln.
//
//	err := t.Group(func(g *kettle.Group) error {
//		l := stream.NetListener(g, ln)
//		return g.Blocking(func(context.Context) error { return server.Serve(l) })
//	})
//
// Listener.ServeNet is that, and ends when the drain begins.
//
// It lives in the group as its connections do. The group does not end before all of them are
// closed; where the group is cancelled, or the loop has ended, Accept returns an error, which is
// net.ErrClosed, and every method of the connections too.
//
// With TLS in the listener's configuration each connection begins with a handshake; if it fails, so
// does the first Read. What of net/http asks for a *tls.Conn, which is HTTP/2 and Request.TLS, does
// without; for that give a listener without TLS to http.Server.ServeTLS.
//
// A few connections are accepted before anybody asks for them. Close drops those; it returns when
// the loop has stopped listening.
func NetListener(g *kettle.Group, ln *Listener) net.Listener {
	g.Handle() // tells the loop that others may have something for it
	l := g.EventLoop()
	o := &outsideListener{ln: ln, group: g, loop: l, shared: outsidersOf(l),
		config: ln.config.TLS}
	ln.config.TLS = nil // the connections have their own tasks for the handshake
	o.event.L = &o.mu
	o.wanted = ln.accepting.Sibling()
	o.shared.all[o] = struct{}{}
	if err := g.Go("listener on "+ln.Addr().String(), o.keep); err != nil {
		o.over(err)
	}
	return o
}

// outsideListener is a listener as goroutines have it.
type outsideListener struct {
	ln     *Listener
	group  *kettle.Group
	loop   *loop.Loop
	shared *outsiders
	config *tls.Config      // of the handshake of each connection; nil: there is none
	wanted kettle.WaitQueue // the task waits for that; loop only

	mu       sync.Mutex
	event    sync.Cond
	accepted []net.Conn // that nobody has yet, first in, first out
	full     bool       // the task waits until there are fewer
	closed   bool       // by Close
	ended    error      // why nothing is accepted any more, if it was not closed
}

// acceptAhead is how many connections are accepted before anybody asks for them: so many that a
// burst does not cost a round trip to the loop for each. The others wait in the backlog.
const acceptAhead = 16

// Addr returns the address, with the real port.
func (o *outsideListener) Addr() net.Addr { return o.ln.Addr() }

// Accept returns a connection, and waits for it.
func (o *outsideListener) Accept() (net.Conn, error) {
	if err := mustNotWait(o.loop); err != nil {
		return nil, o.ln.failure(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.accepted) == 0 {
		switch {
		case o.closed:
			return nil, o.ln.failure(net.ErrClosed)
		case o.ended != nil:
			return nil, o.ended
		}
		o.event.Wait()
	}
	c := o.accepted[0]
	o.accepted = o.accepted[1:]
	if o.full && len(o.accepted) <= acceptAhead/2 {
		o.full = false
		_ = o.loop.Post(func() { o.wanted.Wake(nil) }) // a loop that is closed has told all
	}
	return c, nil
}

// Close ends listening.
func (o *outsideListener) Close() error {
	o.mu.Lock()
	if o.closed || o.ended != nil {
		o.mu.Unlock()
		return o.ln.failure(net.ErrClosed)
	}
	o.closed = true
	o.drop()
	o.mu.Unlock()
	if mustNotWait(o.loop) != nil {
		o.leave()
		return nil
	}
	done := make(chan struct{})
	if o.loop.Post(func() { o.leave(); close(done) }) == nil {
		select {
		case <-done:
		case <-o.loop.Closed():
		}
	}
	return nil
}

// leave ends listening, on the loop.
func (o *outsideListener) leave() {
	_ = o.ln.Close()
	o.wanted.Wake(nil)
}

// drop closes the connections that nobody will have, and tells all who wait. The lock is held.
func (o *outsideListener) drop() {
	for _, c := range o.accepted {
		_ = c.Close()
	}
	o.accepted = nil
	o.event.Broadcast()
}

// keep is the task that accepts.
func (o *outsideListener) keep(*kettle.Task) error {
	var err error
	defer func() { o.over(err) }()
	for err == nil {
		var c *Conn
		if c, err = o.ln.Accept(); err != nil || o.offer(newOutside(o.group, c, o.config)) {
			continue
		}
		if err = o.wanted.Enter(); err == nil {
			err = o.wanted.Wait("an Accept on another goroutine")
		}
	}
	return nil
}

// offer hands over a connection, and reports whether there may be more.
func (o *outsideListener) offer(c net.Conn) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.ended != nil {
		_ = c.Close()
		return true // Accept says that it is over
	}
	o.accepted = append(o.accepted, c)
	o.event.Signal()
	o.full = len(o.accepted) >= acceptAhead
	return !o.full
}

// over ends the listener where nobody accepts for it any more. Loop only.
func (o *outsideListener) over(cause error) {
	if _, is := o.shared.all[o]; !is {
		return
	}
	delete(o.shared.all, o)
	o.mu.Lock()
	if o.ended = cause; cause == nil {
		o.ended = errOutsideEnded
	}
	if !errors.Is(o.ended, net.ErrClosed) { // it is not that somebody has closed ln
		o.ended = fmt.Errorf("%w: %w", errOutsideEnded, o.ended)
	}
	var known *net.OpError
	if !errors.As(o.ended, &known) {
		o.ended = o.ln.failure(o.ended)
	}
	o.drop()
	o.mu.Unlock()
	_ = o.ln.Close()
}

var _ net.Listener = (*outsideListener)(nil)

// ServeNet has a server of ordinary goroutines, such as an *http.Server, serve what ln accepts: see
// NetListener. It suspends the task until the drain begins, shuts the server down, and waits until
// that and all connections have ended. Then it returns nil, or the error of Shutdown. If the server
// ends before, it returns why; if it is cancelled, which the end of the grace period does, it cuts
// the connections off. For HTTP/2, give it a listener without TLS, and a server whose Serve is
// http.Server.ServeTLS with its files.
func (ln *Listener) ServeNet(t *kettle.Task, server interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error
}) error {
	return t.Group(func(g *kettle.Group) error {
		l, ending := NetListener(g, ln), false
		err := g.Go("server on "+ln.Addr().String(), func(t *kettle.Task) error {
			err := t.Blocking(func(context.Context) error { return server.Serve(l) })
			switch cause := t.Cause(); {
			case cause != nil: // and it says that its listener is closed
				return cause
			case ending: // and it says that it was shut down
				return nil
			case err == nil:
				return ErrServerClosed
			}
			return err
		})
		if err == nil {
			err = g.AwaitDrain()
		}
		if err != nil {
			return err
		}
		ending = true
		err = g.Blocking(server.Shutdown)
		if cause := g.Cause(); cause != nil { // the connections were cut off, whatever it returns
			return cause
		}
		return err
	})
}
