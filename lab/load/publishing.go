package load

import (
	"bytes"
	"fmt"
	"strconv"
)

// With the service publish one connection, the first, sends lines, and all connections that read
// get each of them, the first one too. Line k begins with k in hexadecimal, so that each can be
// told apart from every other one, and a line that is missing from one that is wrong.

const (
	publisher   = 0        // the connection that sends
	numberSize  = 16       // digits of a line's number
	recentLines = 64       // that are kept as text
	maxLine     = 16 << 10 // bytes of a line that a server of publish has to take
)

// topic is what is published, and how far each connection has come with it.
type topic struct {
	size   int64
	block  []byte // lines without their numbers, again and again
	recent [recentLines]recentLine
	subs   []subscription // by connection
	plan   *fanout        // that is told of deliveries; nil between the phases
}

// recentLine is the text of a line.
type recentLine struct {
	number int64
	text   []byte
}

// subscription is how far a connection has come.
type subscription struct {
	next   int64 // the number of the line that it gets next
	at     int32 // bytes that have come of that
	heard  bool  // it has got a line, so that next is known
	number [numberSize]byte
}

func newTopic(config Config) *topic {
	lines := newRequests(config.Seed, config.Service, config.Size, "")
	t := &topic{size: int64(config.Size), block: lines.requests[:lines.period],
		subs: make([]subscription, config.all())}
	for i := range t.recent {
		t.recent[i] = recentLine{-1, make([]byte, config.Size)}
	}
	return t
}

// line returns the text of a line.
func (t *topic) line(k int64) []byte {
	r := &t.recent[k%recentLines]
	if r.number != k {
		r.number = k
		copy(r.text, t.block[k*t.size%int64(len(t.block)):][:t.size])
		digits := strconv.AppendInt(make([]byte, 0, numberSize), k, 16)
		for i := range numberSize - len(digits) {
			r.text[i] = '0'
		}
		copy(r.text[numberSize-len(digits):], digits)
	}
	return r.text
}

// from returns what is sent from a place in the stream of lines on, n bytes at most.
func (t *topic) from(at int64, n int) []byte {
	rest := t.line(at / t.size)[at%t.size:]
	return rest[:min(len(rest), n)]
}

// published returns how many lines were asked for so far.
func (l *Load) published() int64 { return l.conns[publisher].asked / l.topic.size }

// behind reports whether a connection has yet to get something.
func (l *Load) behind(i int) bool {
	s := &l.topic.subs[i]
	return !s.heard || s.next < l.published()
}

// receivePublished takes what has come on a connection.
func (l *Load) receivePublished(i int, c *conn, got []byte, p plan) {
	t := l.topic
	s := &t.subs[i]
	c.received += int64(len(got))
	if l.window.open {
		l.window.bytes += int64(len(got))
	}
	complete := 0
	for len(got) > 0 {
		if s.at < numberSize {
			n := copy(s.number[s.at:], got)
			got, s.at = got[n:], s.at+int32(n)
			if s.at == numberSize {
				if err := l.identify(i, c, s); err != nil {
					l.fail(err)
					return
				}
			}
			continue
		}
		want := t.line(s.next)[s.at:]
		n := min(len(got), len(want))
		if !bytes.Equal(got[:n], want[:n]) {
			l.fail(wrongByte(i, s.next*t.size+int64(s.at), got[:n], want[:n]))
			return
		}
		got, s.at = got[n:], s.at+int32(n)
		if n == len(want) {
			if t.plan != nil && c.active {
				t.plan.delivered(c, s.next)
			}
			s.at = 0
			s.next++
			complete++
		}
	}
	if i != publisher {
		c.asked = c.received // what it is owed, its subscription tells
	}
	if complete > 0 {
		l.count(i, c, complete, p)
	}
}

// identify finds out which line it is whose number has come. Of those that were sent before the
// first that a connection gets, it was not yet known to the server; what is left out later is
// missed.
func (l *Load) identify(i int, c *conn, s *subscription) error {
	k, err := strconv.ParseInt(string(s.number[:]), 16, 64)
	sent := (l.conns[publisher].sent + l.topic.size - 1) / l.topic.size
	want := fmt.Sprintf("that of a line up to %d", sent-1)
	if s.heard {
		want = fmt.Sprintf("%016x", s.next)
	}
	text := strconv.AppendInt(nil, k, 16)
	canonical := err == nil && bytes.HasSuffix(s.number[:], text) &&
		len(bytes.Trim(s.number[:numberSize-len(text)], "0")) == 0
	if !canonical || k >= sent || s.heard && k < s.next {
		return fmt.Errorf("connection %d: %w: the number of a line is %q, want %s", i,
			ErrWrongByte, s.number, want)
	}
	missed := int64(0)
	if s.heard {
		missed = k - s.next
	}
	if i == publisher {
		c.received += (k - s.next) * l.topic.size
	}
	for k := s.next; missed > 0 && k < s.next+missed; k++ {
		if l.topic.plan != nil && c.active {
			l.topic.plan.missed(k)
		}
	}
	s.next, s.heard = k, true
	return nil
}

// hail is the plan of Greet: it publishes until all connections have got something, so that the
// server knows them all. That of the connection which sends it knows already: so a line is followed
// by another one only when it has come back there.
type hail struct {
	l    *Load
	step int64 // the time between two lines
	next int64 // when the next one may be sent
}

// firstHail is the time between the first two lines.
const firstHail = int64(5e6)

func (h *hail) begin(now int64) { h.step, h.next = firstHail, now }

func (h *hail) due(now int64) int64 {
	l := h.l
	unheard := false
	for i := range l.conns {
		c := &l.conns[i]
		unheard = unheard || c.active && c.state == alive && !l.topic.subs[i].heard
	}
	c := &l.conns[publisher]
	if !unheard && l.published() > 0 || c.state != alive {
		return never
	}
	if now >= h.next {
		if l.published() == 0 || !l.behind(publisher) {
			l.ask(publisher, c, 1)
			h.step *= 2
		}
		h.next = now + h.step
	}
	return h.next
}

func (*hail) answered(int, *conn, int) {}
func (*hail) turned()                  {}
