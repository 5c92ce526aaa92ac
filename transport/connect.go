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

// Connecting is a connection that is being made. Its methods are loop only.
type Connecting struct {
	station  *station
	protocol Protocol
	failed   func(error)
	addr     net.Addr
	fd       int // -1: it is over, or waits to try again
	retry    loop.Timer
	pause    time.Duration
}

// Connect begins to connect to an address, a *net.TCPAddr or a *net.UnixAddr. When the connection
// stands its protocol's Made is called; if it cannot be made, failed is. One of them is called
// later, unless Cancel is. A nil failed is for who does not want to know.
func Connect(l *loop.Loop, addr net.Addr, p Protocol, failed func(error)) *Connecting {
	if failed == nil {
		failed = func(error) {}
	}
	c := &Connecting{station: stationOf(l), protocol: p, failed: failed, addr: addr, fd: -1}
	c.retry.Init(l, loop.Func(c.begin))
	c.station.connects[c] = struct{}{}
	l.Soon(c.begin)
	return c
}

// begin makes the socket and starts to connect it.
func (c *Connecting) begin() {
	if c.failed == nil {
		return // cancelled
	}
	var err error
	switch a := c.addr.(type) {
	case *net.TCPAddr:
		ip := a.AddrPort()
		c.fd, err = sys.Connect(netip.AddrPortFrom(ip.Addr().Unmap(), ip.Port()))
	case *net.UnixAddr:
		c.fd, err = sys.ConnectUnix(a.Name)
	default:
		err = fmt.Errorf("%T is no address of TCP or a unix socket: %w", c.addr, os.ErrInvalid)
	}
	if _, isUnix := c.addr.(*net.UnixAddr); isUnix && overfull(err) {
		// The backlog is full, and no event tells when it is not.
		c.pause = min(max(2*c.pause, time.Millisecond), 128*time.Millisecond)
		c.retry.Reset(c.pause)
		return
	}
	if err == nil {
		err = c.station.loop.Watch(c.fd, selectors.Write, c)
	}
	if err != nil {
		c.fail(err)
	}
}

// Run is called by the loop when the connection stands, or has failed.
func (c *Connecting) Run() {
	c.station.loop.Unwatch(c.fd)
	_, isUnix := c.addr.(*net.UnixAddr)
	var err error
	if isUnix {
		err = sys.SocketError(c.fd)
	} else {
		err = sys.Connected(c.fd)
	}
	if err != nil {
		c.fail(err)
		return
	}
	fd := c.fd
	c.fd = -1
	c.over()
	t := c.station.connected(fd, isUnix, c.protocol)
	if !isUnix {
		if peer, err := sys.PeerAddr(fd); err == nil {
			t.setPeer(peer)
		}
	}
	if err := t.begin(); err != nil {
		c.fail(err)
	}
}

// Cancel gives up. Neither Made nor failed is called after that. It is no error if it is over.
func (c *Connecting) Cancel() {
	c.over()
	c.failed = nil
}

func (c *Connecting) fail(err error) {
	c.over()
	c.failed(&net.OpError{Op: "dial", Net: c.addr.Network(), Addr: c.addr, Err: err})
}

// over frees what connecting has held.
func (c *Connecting) over() {
	delete(c.station.connects, c)
	c.retry.Stop()
	if c.fd >= 0 {
		c.station.loop.Unwatch(c.fd)
		_ = sys.Close(c.fd)
		c.fd = -1
	}
}

// overfull reports whether the listener of a unix socket has too many connections that wait.
func overfull(err error) bool {
	var call *os.SyscallError
	return errors.As(err, &call) && sys.WouldBlock(call.Err)
}
