package stream

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/kettle-go/kettle/transport"
)

// fill is Conn.fill: it suspends the task until more than keep bytes are decrypted.
func (s *secure) fill(c *Conn, keep int, what string) ([]byte, error) {
	if err := s.readable(); err != nil {
		return c.unread, err
	}
	for {
		err := s.more(keep)
		if transport.WouldBlock(err) {
			if err = c.await(what); err == nil {
				continue
			}
		}
		return c.unread, err
	}
}

// readable waits for the handshake, if that is not over. Meanwhile another task may have come.
func (s *secure) readable() error {
	if s.stands {
		return nil
	}
	if err := s.settle(); err != nil {
		return err
	}
	return s.conn.begin()
}

// more decrypts what has arrived behind the last keep bytes of the plaintext. The error is
// transport.ErrWouldBlock if that is nothing.
func (s *secure) more(keep int) error {
	c := s.conn
	room := s.prepare(keep)
	n, err := 0, error(nil)
	for n < len(room) {
		var some int
		some, err = s.decrypt(room[n:])
		if n += some; err != nil || !s.refill() {
			break
		}
	}
	if c.has(closed) { // a callback of the config has closed it
		return c.failure("read", net.ErrClosed)
	}
	s.greedy = n == len(room)
	if n+keep == 0 {
		s.release()
		return err
	}
	s.plain = s.plain[:len(s.plain)+n]
	c.unread = s.plain[len(s.plain)-keep-n:]
	if n > 0 {
		return nil // the error comes with the next read
	}
	return err
}

// fillInto is Conn.receiveInto: it suspends the task until something can be decrypted to p.
func (s *secure) fillInto(c *Conn, p []byte, what string) (int, error) {
	if err := s.readable(); err != nil {
		return 0, err
	}
	s.release()
	for {
		n, err := s.decrypt(p)
		if n > 0 {
			s.refill()
			return n, nil
		}
		if transport.WouldBlock(err) {
			err = c.await(what)
		}
		if err != nil {
			return 0, err
		}
	}
}

// refill reports whether there is something to decrypt. If there is not it leaves the transport
// without a buffer. Errors come again when there is a read.
func (s *secure) refill() bool {
	if len(s.raw) > 0 {
		return true
	}
	raw, err := s.conn.t.Receive(0)
	if err == nil {
		s.raw = raw
	}
	return err == nil
}

// decrypt is one read of tls.Conn, of a record or of what p has room for. The error may come with
// bytes. All but transport.ErrWouldBlock come again.
func (s *secure) decrypt(p []byte) (int, error) {
	c := s.conn
	switch {
	case c.has(closed):
		return 0, c.failure("read", net.ErrClosed)
	case s.err != nil:
		return 0, s.err
	}
	c.marks |= busy // a callback of the config may suspend
	n, err := s.tls.Read(p)
	c.marks &^= busy
	switch {
	case err == nil:
		return n, nil
	case err == dry{}:
		return n, transport.ErrWouldBlock
	case err == io.EOF:
		s.err = io.EOF
	default:
		s.err = s.why("read", err)
	}
	return n, s.err
}

// why returns what has made TLS fail: what the transport has, or TLS itself.
func (s *secure) why(op string, err error) error {
	switch {
	case s.cause != nil:
		return s.cause
	case s.refused != nil:
		return s.refused
	}
	s.broken = true
	return s.conn.failure(op, err)
}

// write is Conn.writeAll. It waits for room before a piece and behind the last one; when everything
// is taken, a wait that fails is not the failure of the write.
func (s *secure) write(c *Conn, p []byte) (n int, err error) {
	if err := s.lacks(); err != nil {
		return 0, err
	}
	for {
		err = s.awaitRoom(c)
		if n == len(p) && n > 0 {
			return n, nil
		}
		if err != nil || len(p) == 0 {
			return n, err
		}
		var some int
		some, err = s.encrypt(c, p[n:min(len(p), n+maxPiece)])
		if n += some; err != nil {
			return n, err
		}
	}
}

// awaitRoom suspends the task while too much is pending.
func (s *secure) awaitRoom(c *Conn) error {
	for c.t.Full() && !c.t.Closing() {
		if c.has(lateWrite) {
			return c.failure("write", os.ErrDeadlineExceeded)
		}
		if err := c.rare().room.Wait("Conn.Write"); err != nil {
			return err
		}
	}
	return nil
}

// tryWrite is Conn.TryWrite. Before the handshake there is no room for anything.
func (s *secure) tryWrite(c *Conn, p []byte) error {
	if !s.stands {
		return ErrFull
	}
	_, err := s.encrypt(c, p)
	return err
}

// encrypt writes p, all of it, whatever is pending.
func (s *secure) encrypt(c *Conn, p []byte) (int, error) {
	switch {
	case c.has(closed):
		return 0, c.failure("write", net.ErrClosed)
	case s.said:
		return 0, c.failure("write", os.NewSyscallError("write", syscall.EPIPE))
	}
	reads := c.marks & busy // another task, for which a callback of the config waits
	c.marks &^= busy        // what follows is not TLS's own
	n, err := s.tls.Write(p)
	c.marks |= reads
	switch {
	case err == nil:
		return n, nil
	case s.refused != nil:
		return n, s.refused
	}
	return n, c.failure("write", err)
}

// bye sends close_notify, after which nothing is. It does not wait.
func (s *secure) bye(*Conn) {
	if s.stands && !s.said && !s.broken {
		_ = s.tls.CloseWrite() // an error of the transport's is told by the transport
		s.said = true
	}
}

// ended reports whether the peer has said that it has finished.
func (s *secure) ended() bool { return errors.Is(s.err, io.EOF) }
