package synthetic

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"time"

	"github.com/kettle-go/kettle/internal/ascii"
	"github.com/kettle-go/kettle/internal/sys"
)

// Serve listens on an address and answers as b says, until ctx is cancelled, whose cause is no
// error. It calls ready with the address when it listens, and ends with a line to log that says how
// often it was held up, for Check.
func (b Behaviour) Serve(ctx context.Context, addr string, ready func(net.Addr),
	log io.Writer) error {
	if err := b.Validate(); err != nil {
		return fmt.Errorf("synthetic: %w", err)
	}
	s := &server{Behaviour: b, before: never, epoch: time.Now(), buf: make([]byte, 64<<10)}
	if err := s.open(ctx, addr); err != nil {
		return fmt.Errorf("synthetic: listen on %s: %w", addr, err)
	}
	defer s.close()
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_ = s.waker.Wake() // cannot fail but on a closed pipe
	})
	defer func() {
		if !stop() {
			<-woken
		}
	}()
	where, err := sys.LocalAddr(s.listener)
	if err != nil {
		return fmt.Errorf("synthetic: listen on %s: %w", addr, err)
	}
	ready(net.TCPAddrFromAddrPort(where))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		if err := s.turn(); err != nil {
			return fmt.Errorf("synthetic: %w", err)
		}
	}
	if _, err := fmt.Fprintf(log, heldUp, s.late, s.answered); err != nil {
		return fmt.Errorf("synthetic: say how often it was held up: %w", err)
	}
	return nil
}

// heldUp is the format of the server's last line.
const heldUp = "held up before %d of %d answers\n"

// tooLate is how much later than an answer is due the server may look after it before it counts as
// held up.
const tooLate = time.Millisecond

// server answers everybody on one thread.
type server struct {
	Behaviour
	listener int
	waker    *sys.Waker // ends a wait when it is all over
	epoch    time.Time  // of its clock: the first period begins then
	before   time.Duration
	conns    []*conn
	due      []answer // in the order in which they leave
	buf      []byte
	watched  []sys.PollFD // the waker, the listener, then conns
	answered int
	late     int // answers before which it was held up
}

// answer is one that leaves at a time: the first that its connection has not got.
type answer struct {
	at time.Duration
	to *conn
}

// conn is a client.
type conn struct {
	fd    int
	in    []byte // received, and not answered
	asked int    // answers that are due
	out   []byte // answered, and not sent
	ended bool   // the client sends nothing more
	gone  bool   // it has been closed, or has broken
}

// The first descriptors that are watched.
const (
	wakerEntry = iota
	listenerEntry
	firstClient
)

// backlog is how many clients may wait to be accepted: more than come at once.
const backlog = 1024

func (s *server) open(ctx context.Context, addr string) error {
	addrs, err := sys.Resolve(ctx, addr, netip.IPv4Unspecified())
	if err != nil {
		return err
	}
	if s.listener, err = sys.Listen(addrs[0], sys.ListenOptions{Backlog: backlog}); err != nil {
		return err
	}
	if err = sys.SetNonblock(s.listener, true); err == nil {
		s.waker, err = sys.NewWaker()
	}
	if err != nil {
		sys.Close(s.listener)
	}
	return err
}

func (s *server) close() {
	for _, c := range s.conns {
		sys.Close(c.fd)
	}
	sys.Close(s.listener)
	s.waker.Close()
}

func (s *server) now() time.Duration { return time.Since(s.epoch) }

// turn answers what is due, waits for what comes and takes it.
func (s *server) turn() error {
	s.answer(s.now())
	s.watched = append(s.watched[:0], sys.PollFD{Fd: int32(s.waker.FD()), Events: sys.PollIn},
		sys.PollFD{Fd: int32(s.listener), Events: sys.PollIn})
	s.forget()
	for _, c := range s.conns {
		s.watched = append(s.watched, c.watch())
	}
	if _, err := sys.Poll(s.watched, s.untilDue()); err != nil {
		return err
	}
	if s.watched[wakerEntry].Revents != 0 {
		s.waker.Drain()
	}
	for i, c := range s.conns {
		bits := s.watched[firstClient+i].Revents
		if bits&sys.PollOut != 0 {
			c.flush()
		}
		if bits&^sys.PollOut != 0 {
			s.receive(c)
		}
	}
	if s.watched[listenerEntry].Revents != 0 {
		s.accept()
	}
	return nil
}

// untilDue returns how long to wait: poll(2) counts in milliseconds, so that the last one before an
// answer is due is spent looking.
func (s *server) untilDue() time.Duration {
	if len(s.due) == 0 {
		return -1
	}
	return max(0, s.due[0].at-s.now()).Truncate(time.Millisecond)
}

// answer sends the answers that are due.
func (s *server) answer(now time.Duration) {
	n := 0
	for ; n < len(s.due) && s.due[n].at <= now; n++ {
		if s.answered++; now-s.due[n].at > tooLate {
			s.late++
		}
		c := s.due[n].to
		if c.asked--; c.gone {
			continue
		}
		c.out = append(c.out, c.in[:s.Size]...)
		c.in = c.in[s.Size:] // what is before it goes when there is no room behind it
		ascii.Upper(c.out[len(c.out)-s.Size:])
		c.flush()
	}
	s.due = s.due[n:]
}

// forget closes the connections that are over.
func (s *server) forget() {
	kept := s.conns[:0]
	for _, c := range s.conns {
		c.gone = c.gone || c.ended && c.asked == 0 && len(c.out) == 0
		if c.gone {
			sys.Close(c.fd)
			continue
		}
		kept = append(kept, c)
	}
	clear(s.conns[len(kept):])
	s.conns = kept
}

// accept takes new clients. That there are too many is not this server's subject: they wait.
func (s *server) accept() {
	for {
		fd, _, err := sys.Accept(s.listener, true)
		if err != nil {
			return
		}
		s.conns = append(s.conns, &conn{fd: fd})
	}
}

// receive takes what a client has sent. When each answer to it leaves is known from then on.
func (s *server) receive(c *conn) {
	n, err := sys.TryRecv(c.fd, s.buf)
	came := s.now()
	switch {
	case err != nil:
		c.gone = !sys.WouldBlock(err)
	case n == 0:
		c.ended = true
	}
	c.in = append(c.in, s.buf[:max(n, 0)]...)
	for len(c.in) >= (c.asked+1)*s.Size {
		c.asked++
		s.before = s.leaves(came, s.before)
		s.due = append(s.due, answer{s.before, c})
	}
}

// watch returns what is waited for. One that has sent much that is not answered, or does not take
// its answers, is not received from.
func (c *conn) watch() sys.PollFD {
	entry := sys.PollFD{Fd: int32(c.fd)}
	if len(c.out) > 0 {
		entry.Events |= sys.PollOut
	}
	if !c.ended && len(c.in)+len(c.out) < 2*maxSize {
		entry.Events |= sys.PollIn
	}
	if entry.Events == 0 {
		entry.Fd = -1 // else its end would be reported again and again
	}
	return entry
}

// flush sends what a client takes.
func (c *conn) flush() {
	for len(c.out) > 0 {
		n, err := sys.TrySend(c.fd, c.out[:min(len(c.out), 64<<10)])
		if err != nil {
			c.gone = c.gone || !sys.WouldBlock(err)
			return
		}
		c.out = c.out[n:]
	}
}
