package stream

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/kettle-go/kettle/transport"
)

// engine is a secure as the net.Conn below its tls.Conn. Its Read never waits but in a handshake,
// its Write never does.
type engine secure

// dry is the error of a Read that finds nothing. That it is temporary has tls.Conn take up the
// record where it was when it is called again.
type dry struct{}

func (dry) Error() string   { return "nothing has arrived yet" }
func (dry) Timeout() bool   { return true }
func (dry) Temporary() bool { return true }

// errGreedy is why a connection breaks whose peer demands more of TLS than it takes.
var errGreedy = errors.New("the peer has TLS answer, and does not read the answers")

// Read returns what has arrived. An end of the stream is an error here, as the peer has to say in
// TLS that it has finished: anybody on the way can end TCP.
func (e *engine) Read(p []byte) (int, error) {
	c := e.conn
	for len(e.raw) == 0 {
		if c.has(draining) {
			c.t.Recheck()
		}
		raw, err := c.t.Receive(0)
		switch {
		case err == io.EOF:
			err = c.failure("read", io.ErrUnexpectedEOF)
		case transport.WouldBlock(err) && e.shaking == nil:
			return 0, dry{}
		case transport.WouldBlock(err):
			err = e.shaking.await()
		case err == nil && e.shaking != nil:
			err = e.shaking.steps.take()
		}
		if err != nil {
			e.cause = err
			return 0, err
		}
		e.raw = raw
	}
	n := copy(p, e.raw[:e.record()])
	if e.raw = e.raw[n:]; len(e.raw) == 0 {
		e.raw = nil // or the buffer that it was in could not be freed
	}
	e.left -= n
	return n, nil
}

// headerSize is how long the header of a record is; its last two bytes are the size of the rest.
const headerSize = 5

// record returns how much of what has arrived is of the record that is being read, or of its
// header. More is not given to tls.Conn, as it keeps all, in a buffer that has only to be as large
// as the largest record, and stays as large as it was once.
func (e *engine) record() int {
	if e.left == 0 && e.headed < headerSize {
		n := copy(e.header[e.headed:], e.raw)
		if e.headed += n; e.headed < headerSize {
			e.left = n
			return n
		}
		e.left = n + int(e.header[3])<<8 + int(e.header[4])
		e.headed = 0
	}
	return min(e.left, len(e.raw))
}

// Write gives p to the transport, which takes all of it. What TLS writes of its own, in the midst
// of a read, is counted; after close_notify it is dropped, as the peer expects nothing more.
func (e *engine) Write(p []byte) (int, error) {
	c := e.conn
	if e.said {
		return len(p), nil
	}
	if c.has(busy) {
		if e.owed = min(e.owed, c.t.Pending()); e.owed+len(p) > maxOwed {
			e.refused = c.failure("read", errGreedy)
			return 0, e.refused
		}
		e.owed += len(p)
	}
	if err := c.t.Write(p); err != nil {
		e.refused = err
		return 0, err
	}
	return len(p), nil
}

// Close does nothing: the Conn closes.
func (e *engine) Close() error { return nil }

// LocalAddr is for the callbacks of a config, which are told of the connection.
func (e *engine) LocalAddr() net.Addr { return e.conn.LocalAddr() }

// RemoteAddr is as LocalAddr.
func (e *engine) RemoteAddr() net.Addr { return e.conn.RemoteAddr() }

// SetDeadline does nothing: what waits is not here.
func (e *engine) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (e *engine) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (e *engine) SetWriteDeadline(time.Time) error { return nil }

var (
	_ net.Conn  = (*engine)(nil)
	_ net.Error = dry{}
)
