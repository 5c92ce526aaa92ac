package stream

import (
	"net"
	"time"

	"github.com/kettle-go/kettle"
)

// Every connection of TCP has TCP_NODELAY from the beginning: what is written is gathered here,
// turn by turn of the loop, and no part of it is to wait in the system for the acknowledgement of
// another.

// SetNoDelay says whether the system sends small segments at once, as is the default, rather than
// wait for the acknowledgement of those before (Nagle's algorithm). It is for TCP; on others the
// error is errors.ErrUnsupported. Like all of these it does not suspend.
func (c *Conn) SetNoDelay(on bool) error {
	return c.option("set TCP_NODELAY", func() error { return c.t.SetNoDelay(on) })
}

// The defaults of net.KeepAliveConfig.
const (
	keepAliveIdle     = 15 * time.Second
	keepAliveInterval = 15 * time.Second
	keepAliveCount    = 9
)

// SetKeepAlive has the system probe a connection of TCP that is silent, and break it with ETIMEDOUT
// if there is no answer; config says when and how often. Zeros in it are the defaults that package
// net has (after 15 s, every 15 s, 9 times), what is below 0 stays as it is. The defaults of a
// connection are the system's: as a rule nothing is probed.
func (c *Conn) SetKeepAlive(config net.KeepAliveConfig) error {
	idle := choose(config.Idle, keepAliveIdle)
	if !config.Enable {
		idle = -1
	}
	return c.option("set SO_KEEPALIVE", func() error {
		return c.t.SetKeepAlive(idle, choose(config.Interval, keepAliveInterval),
			choose(config.Count, keepAliveCount))
	})
}

// choose returns what of a net.KeepAliveConfig is to be set: 0 if nothing is.
func choose[T int | time.Duration](given, standard T) T {
	if given == 0 {
		return standard
	}
	return max(given, 0)
}

// SetReadBuffer bounds the bytes that the system holds for the connection until they are received.
// The system has limits of its own, and may double the number.
func (c *Conn) SetReadBuffer(bytes int) error {
	return c.option("set SO_RCVBUF", func() error { return c.t.SetReadBuffer(bytes) })
}

// SetWriteBuffer bounds the bytes that the system holds for the connection until the peer has them.
// What the connection itself holds has other bounds: see SetWriteMarks.
func (c *Conn) SetWriteBuffer(bytes int) error {
	return c.option("set SO_SNDBUF", func() error { return c.t.SetWriteBuffer(bytes) })
}

// option sets an option of the socket.
func (c *Conn) option(what string, set func() error) error {
	switch {
	case !c.reading.Inside():
		return kettle.ErrWrongGoroutine
	case c.has(closed):
		return c.failure(what, net.ErrClosed)
	}
	if err := set(); err != nil {
		return c.failure(what, err)
	}
	return nil
}
