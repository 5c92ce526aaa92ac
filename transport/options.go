package transport

import (
	"errors"
	"net"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// SetNoDelay says whether the kernel sends small segments at once, as all of our connections do,
// rather than wait for the acknowledgement of those before. It is for TCP.
func (t *Transport) SetNoDelay(on bool) error {
	return t.option(true, func(fd int) error { return sys.SetNoDelay(fd, on) })
}

// SetKeepAlive has the kernel probe a connection of TCP that has been silent for idle, then every
// interval, and break it after count probes without an answer. Zeros leave the values as they are;
// an idle below 0 turns probing off.
func (t *Transport) SetKeepAlive(idle, interval time.Duration, count int) error {
	return t.option(true, func(fd int) error { return sys.SetKeepAlive(fd, idle, interval, count) })
}

// SetReadBuffer bounds the bytes that the kernel holds until they are received.
func (t *Transport) SetReadBuffer(bytes int) error {
	return t.option(false, func(fd int) error { return sys.SetRecvBuffer(fd, bytes) })
}

// SetWriteBuffer bounds the bytes that the kernel holds until the peer has them.
func (t *Transport) SetWriteBuffer(bytes int) error {
	return t.option(false, func(fd int) error { return sys.SetSendBuffer(fd, bytes) })
}

// option sets an option of the socket. What is in memory has none; some are of TCP only.
func (t *Transport) option(tcp bool, set func(fd int) error) error {
	switch {
	case t.state == lost:
		return net.ErrClosed
	case t.fd < 0, tcp && t.is(unix):
		return errors.ErrUnsupported
	}
	return set(int(t.fd))
}
