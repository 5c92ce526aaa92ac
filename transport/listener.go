package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// ListenConfig says how to listen. The zero value is an ordinary listener.
type ListenConfig struct {
	// Backlog is how many connections the kernel holds until they are accepted, 0 for 4096. The
	// system has a limit of its own.
	Backlog int

	// ReusePort lets several sockets listen on the same port, one on each loop, and the kernel
	// spread the connections among them.
	ReusePort bool

	// Limit, if not nil, is how many connections there may be. Beyond it clients wait in the
	// backlog, or, with Refused, are accepted, told of with their address, and closed.
	Limit   *Limit
	Refused func(peer net.Addr)

	// Failed, if not nil, is told when accepting fails, as where the process has run out of
	// descriptors, with how long the listener pauses: 5 ms at first, twice as long after each
	// failure in a row, a second at most. Meanwhile clients wait in the backlog. It is told once,
	// until the backlog was seen empty again, or a whole batch was accepted.
	Failed func(err error, pause time.Duration)

	// KeepFile leaves the file of a unix socket where it is when the listener is closed.
	KeepFile bool
}

// Listener accepts connections on a loop. Its methods are loop only, but for Addr.
type Listener struct {
	station *station
	config  ListenConfig
	fd      int
	own     bool // nobody else has the socket
	addr    net.Addr
	file    unixFile
	accept  func() Protocol // nil: nobody wants connections yet
	wanted  func() bool     // nil: always
	paused  bool            // by Pause, or as nobody wanted one
	waits   bool            // for a place below the limit
	armed   bool
	failing bool       // since a failure that Failed was told of
	retry   loop.Timer // set: accepting has failed, and pauses
	pause   time.Duration
}

const (
	defaultBacklog = 4096

	// acceptBatch is how many connections are accepted until the others have their turn.
	acceptBatch = 64

	// How long accepting pauses where the system has run out of something, at first, and at most.
	minPause = 5 * time.Millisecond
	maxPause = time.Second
)

// unixFile is the file that a unix socket is bound to, so that only this one is removed.
type unixFile struct {
	path     string
	dev, ino uint64
}

// Listen listens on an address: a *net.TCPAddr, where port 0 lets the system choose, or a
// *net.UnixAddr, where a name that begins with @ is an abstract one. Nothing is accepted before
// Serve. The file of a unix socket is removed by Close if it is still the same.
func Listen(l *loop.Loop, addr net.Addr, config ListenConfig) (*Listener, error) {
	if config.Backlog <= 0 {
		config.Backlog = defaultBacklog
	}
	options := sys.ListenOptions{Backlog: config.Backlog, Nonblock: true,
		ReusePort: config.ReusePort}
	ln := &Listener{station: stationOf(l), config: config, own: true}
	var err error
	switch a := addr.(type) {
	case *net.TCPAddr:
		ip := a.AddrPort()
		ln.fd, err = sys.Listen(netip.AddrPortFrom(ip.Addr().Unmap(), ip.Port()), options)
	case *net.UnixAddr:
		ln.fd, ln.file, err = listenUnix(a.Name, options)
	default:
		err = fmt.Errorf("%T is no address of TCP or a unix socket: %w", addr, os.ErrInvalid)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: addr.Network(), Addr: addr, Err: err}
	}
	if config.KeepFile {
		ln.file = unixFile{}
	}
	return ln.open()
}

// listenUnix returns a unix socket that listens, and its file, if it has one.
func listenUnix(path string, options sys.ListenOptions) (int, unixFile, error) {
	fd, err := sys.ListenUnix(path, options)
	if err != nil || path[0] == '@' {
		return fd, unixFile{}, err
	}
	f := unixFile{path: path}
	if f.dev, f.ino, err = sys.FileID(path); err != nil {
		_ = sys.Close(fd)
		return -1, unixFile{}, err // somebody has removed it already: nobody could connect
	}
	return fd, f, nil
}

// remove removes the file, unless somebody else has put another one there.
func (f unixFile) remove() {
	if f.path == "" {
		return
	}
	if dev, ino, err := sys.FileID(f.path); err == nil && dev == f.dev && ino == f.ino {
		_ = os.Remove(f.path)
	}
}

// Inherit returns a listener for a socket that listens already, such as one that a supervisor has
// passed on. The descriptor is the listener's from here on.
func Inherit(l *loop.Loop, fd int, config ListenConfig) (*Listener, error) {
	kind, err := sys.SocketKind(fd)
	if err == nil && (!kind.Stream || !kind.Listening) {
		err = errors.New("it is no socket that listens for connections")
	}
	if err == nil {
		err = sys.SetNonblock(fd, true)
	}
	if err != nil {
		sys.Close(fd)
		return nil, fmt.Errorf("transport: inherit descriptor %d: %w", fd, err)
	}
	ln := &Listener{station: stationOf(l), config: config, fd: fd}
	return ln.open()
}

// open makes the listener known to its loop, which closes it in the end if nobody else does.
func (ln *Listener) open() (*Listener, error) {
	ln.retry.Init(ln.station.loop, loop.Func(ln.accepting))
	ln.station.listeners[ln] = struct{}{}
	if kind, err := sys.SocketKind(ln.fd); err == nil && kind.Unix {
		ln.addr = unixAddr(sys.UnixPath(ln.fd))
		return ln, nil
	}
	addr, err := sys.LocalAddr(ln.fd)
	if err != nil {
		ln.Close()
		return nil, err
	}
	ln.addr = net.TCPAddrFromAddrPort(addr)
	return ln, nil
}

// Addr returns the address, with the real port. It may be called from any goroutine, also after
// Close.
func (ln *Listener) Addr() net.Addr { return ln.addr }

// Serve begins to accept: each connection gets the protocol that accept returns.
func (ln *Listener) Serve(accept func() Protocol) error { return ln.ServeWhile(nil, accept) }

// ServeWhile is Serve for who does not always want a connection: wanted is asked before each one is
// accepted. If a client comes that is not wanted the listener pauses, see Pause, and the client
// stays in the backlog.
func (ln *Listener) ServeWhile(wanted func() bool, accept func() Protocol) error {
	if ln.fd < 0 {
		return &net.OpError{Op: "accept", Net: ln.addr.Network(), Addr: ln.addr, Err: net.ErrClosed}
	}
	ln.accept, ln.wanted = accept, wanted
	return ln.arm()
}

// Pause has clients wait in the backlog until Resume.
func (ln *Listener) Pause() {
	ln.paused = true
	ln.disarm()
	ln.leaveLimit()
}

// Resume undoes Pause.
func (ln *Listener) Resume() {
	ln.paused = false
	ln.accepting()
}

// leaveLimit gives up the listener's claim to the next place below the limit.
func (ln *Listener) leaveLimit() {
	ln.waits = false
	ln.config.Limit.leave(ln)
}

// Close ends listening; clients in the backlog are refused. Connections that were accepted go on.
// To close again is no error.
func (ln *Listener) Close() {
	if ln.fd < 0 {
		return
	}
	if ln.own && ln.station.blocking {
		// What a ring was asked for keeps the socket, and may do so for longer than this call: then
		// clients would still find it, and a new one could not have its address.
		_ = sys.Shutdown(ln.fd, sys.ShutdownBoth)
	}
	ln.disarm()
	ln.retry.Stop()
	delete(ln.station.listeners, ln)
	_ = sys.Close(ln.fd)
	ln.fd = -1
	ln.leaveLimit()
	ln.file.remove()
}

// arm has the loop watch the socket, if there is a reason to.
func (ln *Listener) arm() error {
	if ln.fd < 0 || ln.armed || ln.paused || ln.waits || ln.accept == nil || ln.retry.Set() {
		return nil
	}
	err := ln.station.loop.Watch(ln.fd, selectors.Read, ln)
	ln.armed = err == nil
	return err
}

func (ln *Listener) disarm() {
	if ln.armed {
		ln.armed = false
		ln.station.loop.Unwatch(ln.fd)
	}
}

// accepting is called when a reason not to accept is gone.
func (ln *Listener) accepting() {
	if err := ln.arm(); err != nil {
		ln.failed(err)
	}
}

// roomy is called when there may be a place below the limit. It takes it at once, or passes it on
// to the next listener that waits: to have the loop watch first would leave the place unused, and
// the others waiting, for as long as no client comes to this one.
func (ln *Listener) roomy() {
	ln.waits = false
	ln.accepting()
	if ln.armed {
		ln.Run()
		return
	}
	ln.config.Limit.pass()
}

// Run accepts, until nobody waits or none is wanted any more. The loop calls it when clients wait,
// and who has just begun to want one may, to have it at once.
func (ln *Listener) Run() {
	for i := range acceptBatch {
		if !ln.armed {
			return // the protocol of one that was accepted has paused or closed it
		}
		if ln.wanted != nil && !ln.wanted() {
			if i == 0 {
				ln.Pause() // or it would be called again and again
			}
			return
		}
		if !ln.one(i == 0) {
			return
		}
	}
	ln.failing = false
}

// one accepts one connection, or refuses one, and reports whether there may be more. If there is no
// place the listener waits for one, but only as the first thing that it does: then a client waits.
// Otherwise it is not to stand before the listeners of other loops, which may have clients.
func (ln *Listener) one(first bool) bool {
	refuses := ln.config.Refused != nil
	admitted := ln.config.Limit.acquire(ln, first && !refuses)
	if !admitted && !refuses {
		if first {
			ln.waits = true
			ln.disarm()
		}
		return false
	}
	t, err := ln.next()
	if err != nil {
		if admitted {
			ln.config.Limit.release()
		}
		if sys.WouldBlock(err) {
			ln.failing = false
		} else {
			ln.failed(os.NewSyscallError("accept", err))
		}
		return false
	}
	ln.pause = 0
	if admitted {
		ln.welcome(t)
		return true
	}
	peer := t.RemoteAddr()
	t.release(false)
	ln.config.Refused(peer)
	return true
}

// next accepts one connection.
func (ln *Listener) next() (*Transport, error) {
	if _, isUnix := ln.addr.(*net.UnixAddr); isUnix {
		fd, err := sys.AcceptUnix(ln.fd)
		if err != nil {
			return nil, err
		}
		return ln.station.connected(fd, true, nil), nil
	}
	fd, peer, err := sys.Accept(ln.fd, !ln.station.blocking)
	if err != nil {
		return nil, err
	}
	t := ln.station.connected(fd, false, nil)
	t.setPeer(peer)
	return t, nil
}

// welcome begins a connection. The selector may have no room for it.
func (ln *Listener) welcome(t *Transport) {
	begun := false
	defer func() {
		if !begun { // accept has panicked
			t.release(true)
			ln.config.Limit.release()
		}
	}()
	t.SetProtocol(ln.accept())
	t.source = ln
	begun = true
	switch err := t.begin(); {
	case errors.Is(err, selectors.ErrTooLarge):
		ln.tell(err, 0) // it is refused; the next descriptor may be a smaller one
	case err != nil:
		ln.failed(err)
	}
}

// failed pauses accepting, longer with each failure in a row.
func (ln *Listener) failed(err error) {
	if ln.fd < 0 {
		return
	}
	ln.pause = min(max(2*ln.pause, minPause), maxPause)
	ln.disarm()
	ln.retry.Reset(ln.pause)
	ln.tell(err, ln.pause)
}

// tell tells of the first failure of a burst.
func (ln *Listener) tell(err error, pause time.Duration) {
	if !ln.failing && ln.config.Failed != nil {
		ln.config.Failed(&net.OpError{Op: "accept", Net: ln.addr.Network(), Addr: ln.addr,
			Err: err}, pause)
	}
	ln.failing = true
}
