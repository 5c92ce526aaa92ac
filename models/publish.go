package models

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/transport"
)

// The service publish answers nobody: every line, which ends with '\n', goes to all clients that
// are connected, whoever has sent it. The sender is one of them, so that the rule has no exception,
// and who sends sees when its line has gone out.
//
//	client 1   "tea\n" ──▶ cut into lines ──┬──▶ client 1
//	client 2                                ├──▶ client 2
//	client 3   does not read                └─✗  client 3: too much is pending, so it misses this
//
// Each client gets whole lines, and those of one sender in their order; on one loop, and with
// goroutines, all clients get all lines in the same order. For a client that does not keep up no
// more is held than publishHigh, and what came together last: it misses the lines above that, and
// nobody waits for it. It is heard all the same. A client that ends its side is sent what is
// pending, and has then left; what it has sent without an end of the line is nobody's. In a drain
// none leaves before all have been read to their end: what had arrived of one goes to all others.
//
// Nothing but the beginning of a line is remembered between two chunks, so that it does not matter
// how lines are cut; therefore lines have a greatest length.

const (
	// LongestLine is how long a line of publish may be, with its end. Who sends a longer one is
	// disconnected.
	LongestLine = 16 << 10

	// publishHigh is up to how many bytes pending a client is still given more: the library's
	// high-water mark.
	publishHigh = transport.HighWater
)

var errLongLine = fmt.Errorf("a line is longer than %d bytes", LongestLine)

// publication is what a server has for publish.
type publication struct {
	missed  atomic.Int64 // lines that were not delivered, each client's
	talking atomic.Int64 // clients that may send more; not of the selectors model, which has a list

	// Of goroutines.
	mu      sync.Mutex // held while something is published: so all get the same order
	members []*member  // under mu
	silent  sync.Cond  // of mu: nobody is talking

	// Of the models on the library.
	opening sync.Mutex
	halls   atomic.Pointer[[]*hall] // is replaced under opening
}

// cannotPublish is why the model cannot serve publish; "" if it can.
func (m Model) cannotPublish() string {
	switch {
	case m.publishes:
		return ""
	case m.processes:
		return "each process has clients of its own"
	case m.Synchronous && m.Blocking && !m.parallel:
		return "it serves one client at a time"
	case m.Blocking:
		return "the thread of a client waits for what that one sends, and hears of no other"
	}
	return "it waits for one thing at a time of a client, to receive or to send, and not for both"
}

// miss notes that a client does not get some lines, as too much is pending for it.
func (s *server) miss(peer func() netip.AddrPort, text []byte) {
	n := bytes.Count(text, []byte{'\n'})
	s.publication.missed.Add(int64(n))
	if s.Verbose {
		s.log.Printf("client %v does not keep up: it misses %d of the lines", peer(), n)
	}
}

// tellMissed says at the end how much was not delivered.
func (s *server) tellMissed() {
	if n := s.publication.missed.Load(); n > 0 {
		s.log.Printf("clients that did not keep up have missed %d lines", n)
	}
}

// lines cuts what one client sends into lines.
type lines struct {
	part []byte // the beginning of a line whose end has yet to come
}

// cut calls tell with all lines that a chunk completes, in one piece, or in two if the first of
// them has begun before. They are valid until tell returns. The error says that a line is too long;
// what comes before that has been told.
func (l *lines) cut(chunk []byte, tell func(text []byte)) error {
	if len(l.part) > 0 {
		end := bytes.IndexByte(chunk, '\n') + 1
		if end == 0 {
			return l.keep(chunk)
		}
		if len(l.part)+end > LongestLine {
			return errLongLine
		}
		l.part = append(l.part, chunk[:end]...)
		tell(l.part)
		l.part, chunk = l.part[:0], chunk[end:]
	}
	whole, err := wholeLines(chunk)
	if whole > 0 {
		tell(chunk[:whole])
	}
	if err != nil {
		return err
	}
	return l.keep(chunk[whole:])
}

// keep remembers the beginning of a line, or more of it.
func (l *lines) keep(part []byte) error {
	if len(l.part)+len(part) >= LongestLine { // without its end
		return errLongLine
	}
	l.part = append(l.part, part...)
	return nil
}

// wholeLines returns how much of a chunk is whole lines, up to one that is too long.
func wholeLines(chunk []byte) (n int, err error) {
	for {
		end := bytes.IndexByte(chunk[n:], '\n') + 1
		switch {
		case end > LongestLine:
			return n, errLongLine
		case end == 0:
			return n, nil
		}
		n += end
	}
}

// Goroutines: each client has two, one that reads and one that writes, as neither may wait for the
// other. Between who publishes and who writes is an outbox, with a lock.

// member is a client of the goroutines model.
type member struct {
	conn    net.Conn
	peer    netip.AddrPort
	place   int // in publication.members
	mu      sync.Mutex
	some    *sync.Cond // there is something, or no more will come
	next    []byte     // what is to be sent after that
	sending int        // bytes that are being sent
	ended   bool       // no more will come
}

// memberCode returns the code of a client.
func (s *server) memberCode() func(net.Conn) {
	if s.service.toAll {
		return s.attendMember
	}
	return s.handle
}

// attendMember is the code of a client: handle, of another service.
func (s *server) attendMember(conn net.Conn) {
	peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	m := &member{conn: conn, peer: netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())}
	m.some = sync.NewCond(&m.mu)
	s.connected(m.peer)
	defer s.drainConn(conn)()
	s.enter(m)
	var writing sync.WaitGroup
	writing.Go(m.write)
	err := s.hear(m)
	s.leave(m, err == nil)
	if err != nil {
		conn.Close() // which ends the writer too
	}
	m.end()
	writing.Wait()
	if err == nil {
		s.lingerConn(conn)
	}
	s.lost(m.peer, err)
}

// hear publishes what the client sends, until it has finished or is lost.
func (s *server) hear(m *member) error {
	var in lines
	for buf := make([]byte, clientBuffer); ; {
		n, err := m.conn.Read(buf)
		switch {
		case n == 0 && errors.Is(err, io.EOF):
			return nil
		case n == 0:
			return err
		}
		s.request(m.peer, buf[:n])
		s.compute(buf[:n])
		s.computed(m.conn)
		if err := in.cut(buf[:n], s.publish); err != nil {
			return err
		}
	}
}

// publish puts lines into all outboxes.
func (s *server) publish(text []byte) {
	p := &s.publication
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.members {
		if !m.add(text) {
			s.miss(func() netip.AddrPort { return m.peer }, text)
		}
	}
}

func (s *server) enter(m *member) {
	p := &s.publication
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent.L = &p.mu
	p.talking.Add(1)
	m.place = len(p.members)
	p.members = append(p.members, m)
}

// leave has a client get nothing more. In a drain it waits until nobody has anything to say.
func (s *server) leave(m *member, stay bool) {
	p := &s.publication
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.talking.Add(-1) == 0 {
		p.silent.Broadcast()
	}
	for stay && s.draining() && p.talking.Load() > 0 { // who talks has until the grace is over
		p.silent.Wait()
	}
	last := p.members[len(p.members)-1]
	p.members[m.place], last.place = last, m.place
	p.members = slices.Delete(p.members, len(p.members)-1, len(p.members))
}

// add puts lines into the outbox. It reports whether it has: not if too much is pending.
func (m *member) add(text []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return true // it has lost more than that
	}
	if len(m.next)+m.sending > publishHigh {
		return false
	}
	m.next = append(m.next, text...)
	m.some.Signal()
	return true
}

// end says that no more will come.
func (m *member) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	m.some.Signal()
}

// keptOutbox is the greatest buffer that an outbox keeps when it is empty.
const keptOutbox = 4 << 10

// write sends what is in the outbox until no more will come, or until the client is lost, which the
// one who reads is told too. While one buffer is being sent the other one fills.
func (m *member) write() {
	var text []byte
	for {
		if cap(text) > keptOutbox {
			text = nil
		}
		m.mu.Lock()
		for m.sending = 0; len(m.next) == 0 && !m.ended; {
			m.some.Wait()
		}
		text, m.next = m.next, text[:0]
		m.sending = len(text)
		m.mu.Unlock()
		if len(text) == 0 {
			return
		}
		if _, err := m.conn.Write(text); err != nil {
			m.end()
			return
		}
	}
}

// Selectors: one thread, so that there is no lock, and who publishes sends at once to all who have
// nothing pending. A client is watched for reading all the time, and for writing besides while
// something is pending. Its conn has that in pending, and in rest the beginning of its line.

// callbacks returns what the loop calls to accept clients, and to go on with one.
func (l *eventLoop) callbacks() (accept callback, goOn func(*conn)) {
	if l.service.toAll {
		return l.acceptMembers, l.attend
	}
	return l.acceptClients, l.goOn
}

// acceptMembers is called when clients are in the backlog.
func (l *eventLoop) acceptMembers() {
	for c := range l.newcomers() {
		c.want = wantRead
		l.heed(c)
	}
}

// heed has the selector call attend, from now on, when c is ready. If it cannot, the next turn goes
// on with c: nobody is forgotten in the midst of a round of all.
func (l *eventLoop) heed(c *conn) {
	want := c.want
	switch pending := len(c.pending) > 0; {
	case pending && want == wantRead:
		want = wantBoth
	case pending:
		want = wantWrite
	}
	if want == c.watched {
		return
	}
	if want == wantNothing {
		l.unwatch(c)
	} else if l.watchFor(c, want, func() { l.attend(c) }) != nil {
		l.waits.add(c, time.Now())
	}
}

// attend goes on with a client that is ready, or that a drain asks for more.
func (l *eventLoop) attend(c *conn) {
	talked := c.want == wantRead
	err := l.catchUp(c)
	if err == nil && talked {
		err = l.hear(c)
	}
	switch {
	case errors.Is(err, io.EOF) && l.draining():
		c.want = wantNothing // but to get what others have to say
	case errors.Is(err, io.EOF):
		c.want, err = wantWrite, nil
	case err != nil:
		c.want = wantClose
	}
	if c.want == wantClose || c.want == wantWrite && len(c.pending) == 0 {
		l.end(c, err)
		l.forget(c)
	} else {
		l.heed(c)
	}
	if talked && c.want != wantRead && l.draining() {
		l.allHeard()
	}
}

// allHeard has, in a drain, all clients leave when none has anything to say.
func (l *eventLoop) allHeard() {
	if slices.ContainsFunc(l.conns, l.unasked) {
		return
	}
	for _, c := range l.conns {
		c.want = wantWrite // and then to leave
		l.waits.add(c, time.Now())
	}
}

// hear publishes what the client sends. Its end is io.EOF.
func (l *eventLoop) hear(c *conn) error {
	n, err := l.tryRecv(c, l.buf)
	switch {
	case sys.WouldBlock(err):
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	chunk := l.buf[:n]
	l.request(c.peer, chunk)
	l.compute(chunk)
	in := lines{c.rest}
	err = in.cut(chunk, l.publish)
	c.rest = in.part
	return err
}

// publish gives lines to all clients.
func (l *eventLoop) publish(text []byte) {
	for _, c := range l.conns {
		l.tell(c, text)
	}
}

// tell sends lines to a client, as far as the kernel takes them, and remembers the rest. That the
// client is lost its next receive finds out.
func (l *eventLoop) tell(c *conn, text []byte) {
	switch {
	case c.want == wantWrite: // it has finished
		return
	case len(c.pending) > publishHigh:
		l.miss(func() netip.AddrPort { return c.peer }, text)
		return
	case len(c.pending) == 0:
		n, err := l.trySend(c, text)
		if err != nil && !sys.WouldBlock(err) {
			return
		}
		if text = text[n:]; len(text) == 0 {
			return
		}
	}
	c.pending = append(c.pending, text...)
	l.heed(c)
}

// catchUp sends what is pending, as far as the kernel takes it.
func (l *eventLoop) catchUp(c *conn) error {
	if len(c.pending) == 0 {
		return nil
	}
	n, err := l.trySend(c, c.pending)
	if sys.WouldBlock(err) {
		return nil
	}
	if n == len(c.pending) || err != nil {
		c.pending = nil
		return err
	}
	c.pending = append(c.pending[:0], c.pending[n:]...)
	return nil
}
