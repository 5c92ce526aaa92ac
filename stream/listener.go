package stream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/transport"
)

// ListenConfig says how to listen. The zero value is an ordinary listener.
type ListenConfig struct {
	// Backlog is how many connections the system holds until they are accepted; 0 is 4096.
	Backlog int

	// Limit, if not nil, is how many connections there may be at once, of all listeners that have
	// it, on whatever loops. Beyond it clients wait in the backlog, or, with Refused, are accepted
	// and closed at once, and Refused is told of them.
	Limit   *transport.Limit
	Refused func(peer net.Addr)

	// Failed, if not nil, is told when accepting fails, as where the process has run out of
	// descriptors, and for how long the listener pauses: see transport.ListenConfig. Without it
	// that is reported as kettle.Task.Report does.
	Failed func(err error, pause time.Duration)

	// ReusePort lets several listeners have the same port, one on each loop, and the system spread
	// the connections among them. Reserve does so, and what else the system needs for it.
	ReusePort bool

	// KeepFile leaves the file of a unix socket where it is when the listener is closed. Otherwise
	// it is removed then, unless it is another one by that time.
	KeepFile bool

	// TLS, if not nil, has every connection of Serve begin with a handshake, in its own task.
	TLS *tls.Config
}

// Listener accepts connections for tasks of its loop: for those that wait in Accept, or for Serve.
type Listener struct {
	ln        *transport.Listener
	config    ListenConfig
	task      *kettle.Task // for what nobody waits for
	name      string       // see Inherit
	accepting kettle.WaitQueue
	accepted  []*Conn        // of tasks that were woken and have yet to run, in their order
	asking    bool           // a task would have a connection at once
	asked     *Conn          // that one
	begun     bool           // to accept, for Accept or a server
	refusals  *atomic.Uint64 // the server's count
	closed    bool
}

// Listen listens on an address of the network tcp, tcp4, tcp6 or unix, such as "127.0.0.1:8080",
// ":http" or "/run/x.sock"; a unix name that begins with @ is one without a file. With port 0 the
// system chooses one: see Addr. Where a name has several addresses it is the first one that this
// machine has, IPv4 first. It suspends where the address has a name in it. The listener is to be
// closed, which Serve does, and the end of the loop. Loop only.
func Listen(t *kettle.Task, network, address string) (*Listener, error) {
	return ListenConfig{}.Listen(t, network, address)
}

// Listen is the function of that name, with this configuration.
func (c ListenConfig) Listen(t *kettle.Task, network, address string) (*Listener, error) {
	err := onLoop(t)
	var addrs []net.Addr
	if err == nil {
		addrs, err = findListening(t, network, address)
	}
	if err != nil {
		return nil, fmt.Errorf("stream: listen on %s %s: %w", network, address, err)
	}
	var failures []error
	for _, addr := range addrs {
		ln := c.listener(t)
		if ln.ln, err = transport.Listen(t.EventLoop(), addr, ln.below()); err == nil {
			return ln, nil
		}
		if failures = append(failures, err); portTaken(err) {
			break
		}
	}
	return nil, fmt.Errorf("stream: %w", joined(failures))
}

// portTaken reports whether it is the port that is not to be had, so that no other address of the
// name is tried: two servers would have the same name and port, and clients meet either of them.
func portTaken(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES)
}

// onLoop returns an error unless the task's loop calls.
func onLoop(t *kettle.Task) error {
	if !t.EventLoop().Inside() {
		return kettle.ErrWrongGoroutine
	}
	return nil
}

// listener returns a listener that has no socket yet.
func (c ListenConfig) listener(t *kettle.Task) *Listener {
	ln := &Listener{config: c, task: t}
	ln.accepting.Init(t)
	return ln
}

// below returns the configuration of the transport's listener.
func (ln *Listener) below() transport.ListenConfig {
	c := &ln.config
	failed := c.Failed
	if failed == nil {
		failed = func(err error, pause time.Duration) {
			ln.task.Report(fmt.Sprintf("accept on %v, after a pause of %v", ln.Addr(), pause), err)
		}
	}
	return transport.ListenConfig{Backlog: c.Backlog, ReusePort: c.ReusePort, Limit: c.Limit,
		Refused: ln.refused(), Failed: failed, KeepFile: c.KeepFile}
}

// refused returns what the transport's listener tells of those beyond the limit, nil if they wait.
func (ln *Listener) refused() func(peer net.Addr) {
	tell := ln.config.Refused
	if tell == nil {
		return nil
	}
	return func(peer net.Addr) {
		if ln.refusals != nil {
			ln.refusals.Add(1)
		}
		tell(peer)
	}
}

// Addr returns the address, with the real port. Any goroutine may call it, also after Close.
func (ln *Listener) Addr() net.Addr { return ln.ln.Addr() }

// Name returns the name that the socket was passed on with: see Inherit. Others have none. Any
// goroutine may call it.
func (ln *Listener) Name() string { return ln.name }

// Close ends listening; clients that wait in the backlog are refused, tasks that wait in Accept get
// net.ErrClosed. It does not suspend. To close again is no error. Loop only.
func (ln *Listener) Close() error {
	if !ln.accepting.Inside() {
		return kettle.ErrWrongGoroutine
	}
	ln.ln.Close()
	ln.closed = true
	ln.accepting.WakeAll(ln.failure(net.ErrClosed))
	return nil
}

func (ln *Listener) failure(err error) error {
	addr := ln.Addr()
	return &net.OpError{Op: "accept", Net: addr.Network(), Addr: addr, Err: err}
}

// Accept takes one connection, and suspends the task until there is one; the others stay in the
// backlog. Several tasks may wait, and are served in order. The connection is the caller's to
// close.
//
// A task that is cancelled while it waits takes no connection along: the next Accept has it. When
// the listener is closed the error is net.ErrClosed. That the system has run out of something is no
// error of Accept: the listener tries again, see ListenConfig.Failed. With TLS in the configuration
// it refuses, since whoever shakes hands here has all others wait for a client that does not: leave
// it out, and call Conn.StartTLSServer in the task of the connection.
func (ln *Listener) Accept() (*Conn, error) {
	if err := ln.accepting.Enter(); err != nil {
		return nil, err
	}
	if err := ln.begin(); err != nil {
		return nil, err
	}
	if ln.accepting.Len() == 0 { // nobody is before this task: perhaps there is a client already
		if c := ln.ask(); c != nil {
			ln.accepting.Pass(acceptCost)
			return c, nil
		}
		if ln.closed { // by what was told of a failure to accept
			return nil, ln.failure(net.ErrClosed)
		}
	}
	if err := ln.accepting.Wait("Listener.Accept"); err != nil {
		return nil, err
	}
	c := ln.accepted[0]
	ln.accepted = slices.Delete(ln.accepted, 0, 1)
	return c, nil
}

// errAcceptTLS keeps plaintext from being taken for what came by TLS.
var errAcceptTLS = errors.New("a listener with TLS is for Serve: leave TLS out of the " +
	"configuration, and call StartTLSServer for each connection")

// acceptCost is what a connection counts in the budget of a task: after 32 of them it gives way.
const acceptCost = 4

// begin has the transport accept for tasks.
func (ln *Listener) begin() error {
	switch {
	case ln.closed:
		return ln.failure(net.ErrClosed)
	case ln.refusals != nil:
		return ln.failure(errTaken)
	case ln.config.TLS != nil:
		return ln.failure(errAcceptTLS)
	case ln.begun:
		return nil
	}
	ln.begun = true
	a := &arriving{listener: ln}
	return ln.ln.ServeWhile(ln.wanted, func() transport.Protocol { return a })
}

// ask returns a connection if there is one already. From here on the transport watches for others;
// one that comes while no task wants it has it pause.
func (ln *Listener) ask() *Conn {
	ln.asking = true
	ln.ln.Resume()
	ln.ln.Run()
	c := ln.asked
	ln.asking, ln.asked = false, nil
	return c
}

// wanted reports whether a task waits for a connection. It is asked before one is accepted, so that
// each connection has a task from the first moment on, and none is left over.
func (ln *Listener) wanted() bool { return ln.asking || ln.accepting.Len() > 0 }

// arriving is the protocol of a connection until it is made, for Accept.
type arriving struct {
	transport.Base
	listener *Listener
}

// Made is called when the connection stands.
func (a *arriving) Made(t *transport.Transport) {
	ln := a.listener
	c := connOn(t, &ln.accepting)
	if ln.asking {
		ln.asking, ln.asked = false, c
		return
	}
	ln.accepted = append(ln.accepted, c)
	ln.accepting.Wake(nil)
}

// joined is errors.Join, but that an error that is alone stays what it is.
func joined(errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
