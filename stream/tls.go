package stream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// TLS here is crypto/tls as it is, driven as an engine: bytes go in, bytes come out, and what waits
// for the peer is not inside of it.
//
//	task ── Write ──▶ tls.Conn ──▶ engine.Write ──▶ transport   takes everything, never waits
//	task ◀── Next ─── tls.Conn ◀── engine.Read ◀─── transport   returns dry if nothing has come
//
// It must not be, as a tls.Conn holds a sync.Mutex while it reads, another one while it writes, and
// a third one during the handshake. A task that were suspended with one of them held would stop the
// loop, and with it every connection, as soon as another task came to the same mutex: the loop
// would block in it, and what has it locked would never run again. A client can bring that about
// with one bad record, for which the alert has to be written in the midst of a read.
//
// So a read that finds nothing returns from tls.Conn, with an error that is temporary, which leaves
// the state of the record layer where it is, and the task waits outside, with nothing locked. That
// is also why a read may be cancelled at any byte of a record, and the next one goes on there. A
// write never waits inside either: what the kernel does not take is kept, and the task waits for
// room between the pieces.
//
// The handshake alone suspends inside, as its code is no engine. While it lasts nobody else comes
// near: it has the turn to write, and whoever wants to read waits for that turn too. Renegotiation,
// which would be a handshake in the midst of anything, is refused.

// HandshakeTimeout is how long a handshake may take. Where a read deadline is set, or a scope is
// shorter, that counts: the one in place of this, the other as well.
const HandshakeTimeout = 10 * time.Second

const (
	// maxPiece is how much is encrypted until the peer's pace is asked after.
	maxPiece = 64 << 10

	// maxOwed is how much of what TLS itself has to say, answers to demands for fresh keys for
	// example, may be pending. A peer that demands and never reads would have it grow for ever.
	maxOwed = 64 << 10

	// handshakeCost is what a handshake counts in the budget of a task: it gives way after it.
	handshakeCost = 128
)

// ErrPlaintext says that bytes came before TLS where none may.
var ErrPlaintext = errors.New("there is plaintext before TLS")

// secure is the TLS of a connection. An idle one has no buffer but what tls.Conn keeps, which is
// its keys, the peer's certificates, and room for the largest record that has come: 7 KiB with
// small records, 14 with large ones (go test -bench TLSIdle ./stream).
type secure struct {
	conn *Conn
	tls  *tls.Conn
	raw  []byte // received, and not decrypted: the end of what the transport has returned

	left   int // of the record, or of the part of its header that has come
	headed int // how much of its header has come
	header [headerSize]byte

	plain  []byte // decrypted: c.unread is the end of it, the rest the caller's or free
	plains *plains
	greedy bool // what came lately is worth a large buffer

	shaking *shaking // the handshake, while it lasts
	stands  bool     // the handshake has succeeded
	said    bool     // close_notify: nothing is sent after it
	broken  bool     // TLS itself has failed: it has said so in an alert, or has got one
	owed    int      // at most so much of what is pending is TLS's own
	cause   error    // why the transport has given no bytes
	refused error    // why it has taken none
	err     error    // why nothing more can be read
}

// shaking is a handshake.
type shaking struct {
	conn  *Conn
	steps *steps
	timer loop.Timer
	late  bool
}

// StartTLS makes a connection that stands one of TLS, as a client, and suspends the task until the
// handshake is over: what is written after it is encrypted, and what is read was. The config must
// have a ServerName, or verify in another way; it is not changed, and may be shared.
//
// Plaintext that has arrived and was not read is refused with ErrPlaintext, and nothing is done: it
// would seem to have come by TLS, though anybody on the way may have put it there. A task that
// reads at the time makes it ErrBusy. While the handshake lasts other tasks wait that read or
// write; it may take HandshakeTimeout, or until the read deadline if there is one. If it fails, or
// is cancelled, the connection is closed, since nobody knows what the peer takes for plaintext.
//
// The callbacks of the config, such as GetClientCertificate, run in the task. They may wait, but
// not for this connection. What a handshake computes, a millisecond or so, stops the loop; in a
// turn of it only a few do.
func (c *Conn) StartTLS(config *tls.Config) error { return c.startTLS(config, true) }

// StartTLSServer is StartTLS for the other side, where the config has a certificate. What has
// arrived and was not read is taken for the beginning of the handshake: clients may send that
// without waiting for an answer.
func (c *Conn) StartTLSServer(config *tls.Config) error { return c.startTLS(config, false) }

// ConnectionState returns what the handshake has agreed on: the version, the protocol chosen with
// ALPN, the peer's certificates. It is false if there has been no handshake. Loop only.
func (c *Conn) ConnectionState() (state tls.ConnectionState, ok bool) {
	if c.secure == nil || !c.secure.stands { // to ask during the handshake would lock the loop up
		return state, false
	}
	return c.secure.tls.ConnectionState(), true
}

// startServer begins a connection that was accepted, and waits for its handshake.
func (c *Conn) startServer(config *tls.Config) error { return c.StartTLSServer(config) }

// startClient begins a connection that was dialed, to a host of that name, which is what the
// certificate must be for if the config does not say.
func (c *Conn) startClient(config *tls.Config, host string) error {
	if config != nil && config.ServerName == "" {
		config = config.Clone()
		config.ServerName = host
	}
	return c.StartTLS(config)
}

// startTLS waits for the turn to write, so that nothing is in the midst of being sent, and does the
// handshake.
func (c *Conn) startTLS(config *tls.Config, client bool) error {
	if err := c.beginWrite(); err != nil {
		return err
	}
	defer c.endWrite()
	if err := c.begin(); err != nil {
		return err
	}
	if err := c.mayStart(config, client); err != nil {
		return c.failure("handshake", err)
	}
	c.secure = newSecure(c, config, client)
	c.secure.raw, c.unread = c.unread, nil
	return c.secure.handshake()
}

// mayStart returns why TLS cannot begin.
func (c *Conn) mayStart(config *tls.Config, client bool) error {
	switch {
	case c.has(closed):
		return net.ErrClosed
	case config == nil:
		return fmt.Errorf("%w: there is no config", os.ErrInvalid)
	case c.secure != nil:
		return fmt.Errorf("%w: the connection has TLS already", os.ErrInvalid)
	case client && len(c.unread) > 0:
		return fmt.Errorf("%w: %d bytes are unread", ErrPlaintext, len(c.unread))
	}
	return nil
}

func newSecure(c *Conn, config *tls.Config, client bool) *secure {
	if config.Renegotiation != tls.RenegotiateNever {
		config = config.Clone()
		config.Renegotiation = tls.RenegotiateNever
	}
	s := &secure{conn: c, plains: plainsOf(c.t.Loop())}
	if client {
		s.tls = tls.Client((*engine)(s), config)
	} else {
		s.tls = tls.Server((*engine)(s), config)
	}
	return s
}

// settle waits for the handshake that another task does.
func (s *secure) settle() error {
	if err := s.conn.beginWrite(); err != nil {
		return err
	}
	s.conn.endWrite()
	return s.lacks()
}

// lacks returns an error unless the handshake has succeeded: the connection is closed then.
func (s *secure) lacks() error {
	if !s.stands {
		return s.conn.failure("handshake", net.ErrClosed)
	}
	return nil
}

// handshake does the handshake, in the task that calls it, which has the turn to write. The
// connection stands after it, or is closed.
func (s *secure) handshake() error {
	c := s.conn
	h := &shaking{conn: c, steps: stepsOf(c)}
	h.timer.Init(c.t.Loop(), h)
	if times := c.times(); times == nil || !times.read.timer.Set() {
		h.timer.Reset(HandshakeTimeout)
	}
	s.shaking = h
	defer func() { // also where a callback of the config panics
		h.timer.Stop()
		s.shaking = nil
		if !s.stands {
			c.Close()
		}
	}()
	if len(s.raw) > 0 {
		if err := h.steps.take(); err != nil {
			return err
		}
	}
	if err := s.tls.Handshake(); err != nil {
		return s.why("handshake", err)
	}
	if c.has(closed) {
		return c.failure("handshake", net.ErrClosed)
	}
	s.stands = true
	c.reading.Pass(handshakeCost)
	return nil
}

// await suspends the task, in the midst of the handshake, until something may have arrived.
func (h *shaking) await() error {
	c := h.conn
	switch {
	case h.late:
		return h.failure()
	case c.has(draining) && !c.t.Underway():
		return io.EOF
	case c.has(lateRead):
		return c.failure("handshake", os.ErrDeadlineExceeded)
	}
	return c.reading.Wait("the peer's part of a TLS handshake")
}

// Run is called when the time has passed.
func (h *shaking) Run() {
	h.late = true
	h.conn.reading.WakeAll(h.failure())
}

func (h *shaking) failure() error { return h.conn.failure("handshake", os.ErrDeadlineExceeded) }
