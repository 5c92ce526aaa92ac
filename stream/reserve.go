package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/transport"
)

// Port is an address that several loops listen on, each with a listener of its own. Its methods may
// be called from any goroutine, but for Listen.
//
//	port, err := stream.Reserve("tcp", ":8080")
//	...
//	defer port.Close()
//	err = kettle.Run(func(t *kettle.Task) error {
//		ln, err := port.Listen(t, stream.ListenConfig{})
//		if err != nil {
//			return err
//		}
//		return stream.Serve(t, ln, handler)
//	}, kettle.Loops(4))
//
// Where the system spreads the connections of a port over its sockets, each listener has a socket
// and a backlog of its own, and a client is one loop's from the beginning. Elsewhere, and for unix
// sockets, all of them watch one socket, and who comes first accepts.
type Port struct {
	addr     net.Addr
	path     string // of a unix socket with a file, which is this one:
	dev, ino uint64

	mu     sync.Mutex
	fd     int  // -1: closed
	spread bool // fd has the port and does not listen; else all listeners are duplicates of it
}

// Reserve takes an address for several loops, such as those of one Run; the forms are those of
// Listen. With port 0 the system chooses one, the same for all. It is to be called before Run: it
// blocks where there is a name to look up. The Port is to be closed when no loop will listen on it
// any more; listeners that there are go on.
//
// Nobody can connect before the first loop listens, or, where they share one socket, be served. An
// address that others listen on is EADDRINUSE; but what the same user has reserved in another
// process, such as one that this one is to replace, is shared with it, where the system spreads.
func Reserve(network, address string) (*Port, error) {
	return reserve(network, address, sys.BalancesPorts())
}

// reserve is Reserve, with or without sockets of one port that share its connections.
func reserve(network, address string, balances bool) (*Port, error) {
	p, err := reserveAny(network, address, balances)
	if err != nil {
		return nil, fmt.Errorf("stream: reserve %s %s: %w", network, address, err)
	}
	return p, nil
}

func reserveAny(network, address string, balances bool) (*Port, error) {
	if network == "unix" {
		return reserveUnix(address)
	}
	where, err := parsePlace(network, address)
	if err != nil {
		return nil, err
	}
	found, err := where.lookUp(context.Background(), lookUpListening, anywhere())
	if err != nil {
		return nil, err
	}
	candidates, err := where.choose(found.ips, found.port)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, addr := range candidates {
		ip := addr.(*net.TCPAddr).AddrPort()
		p, err := reserveTCP(ip, balances)
		if err == nil {
			return p, nil
		}
		if failures = append(failures, err); portTaken(err) {
			break
		}
	}
	return nil, joined(failures)
}

func reserveTCP(addr netip.AddrPort, balances bool) (*Port, error) {
	p := &Port{fd: -1}
	err := errors.ErrUnsupported
	if balances {
		p.fd, err = sys.Bind(addr)
		p.spread = err == nil
	}
	// A kernel may be older than the option. And a server of one socket that was here has perhaps
	// left connections behind that wait for the end of their time: they keep the port from several
	// sockets, but not from one.
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EADDRINUSE) {
		p.fd, err = sys.Listen(addr, sys.ListenOptions{Backlog: sharedBacklog, Nonblock: true})
	}
	if err != nil {
		return nil, err
	}
	if addr, err = sys.LocalAddr(p.fd); err != nil {
		return nil, errors.Join(err, sys.Close(p.fd))
	}
	p.addr = net.TCPAddrFromAddrPort(addr)
	return p, nil
}

func reserveUnix(address string) (*Port, error) {
	addr, err := unixPlace(address)
	if err != nil {
		return nil, err
	}
	p := &Port{addr: addr}
	options := sys.ListenOptions{Backlog: sharedBacklog, Nonblock: true}
	if p.fd, err = sys.ListenUnix(address, options); err != nil || address[0] == '@' {
		return p, err
	}
	if p.dev, p.ino, err = sys.FileID(address); err != nil {
		return nil, errors.Join(err, sys.Close(p.fd))
	}
	p.path = address
	return p, nil
}

// sharedBacklog is how many connections a socket holds that all listeners share.
const sharedBacklog = 4096

// Addr returns the address, with the real port.
func (p *Port) Addr() net.Addr { return p.addr }

// Listen returns a listener for the task's loop. Where all share one socket the Backlog of config
// does not count. It does not suspend.
func (p *Port) Listen(t *kettle.Task, config ListenConfig) (*Listener, error) {
	if err := onLoop(t); err != nil {
		return nil, fmt.Errorf("stream: listen on %v: %w", p.addr, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd < 0 {
		return nil, &net.OpError{Op: "listen", Net: p.addr.Network(), Addr: p.addr,
			Err: net.ErrClosed}
	}
	config.ReusePort = p.spread
	ln := config.listener(t)
	var err error
	if p.spread {
		ln.ln, err = transport.Listen(t.EventLoop(), p.addr, ln.below())
	} else {
		ln.ln, err = duplicate(t, p.fd, ln)
	}
	if err != nil {
		return nil, fmt.Errorf("stream: listen on %v: %w", p.addr, err)
	}
	return ln, nil
}

// duplicate returns what is below a listener: a duplicate of a socket that listens.
func duplicate(t *kettle.Task, fd int, ln *Listener) (*transport.Listener, error) {
	own, err := sys.Duplicate(fd)
	if err != nil {
		return nil, err
	}
	return transport.Inherit(t.EventLoop(), own, ln.below())
}

// Close gives the address back, when the last listener on it is closed too. The file of a unix
// socket is removed at once, unless it is another one by that time. To close again is no error.
func (p *Port) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fd < 0 {
		return nil
	}
	err := sys.Close(p.fd)
	p.fd = -1
	if p.path == "" {
		return err
	}
	if dev, ino, gone := sys.FileID(p.path); gone == nil && dev == p.dev && ino == p.ino {
		err = errors.Join(err, os.Remove(p.path))
	}
	return err
}
