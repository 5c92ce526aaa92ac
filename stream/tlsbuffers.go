package stream

import "github.com/kettle-go/kettle/loop"

// Plaintext has buffers of its own: tls.Conn decrypts to where it is told. As those for what is
// received, they belong to the loop, and a connection has one while there are bytes in it.
const (
	smallPlain = 4 << 10
	largePlain = 64 << 10

	maxPlains = 64 // that are kept of each size
)

// plains are the buffers of a loop that nobody has.
type plains struct{ small, large [][]byte }

type plainsKey struct{}

func plainsOf(l *loop.Loop) *plains {
	return l.Local(plainsKey{}, func() any { return &plains{} }).(*plains)
}

// take returns an empty buffer with room for at least n bytes.
func (p *plains) take(n int) []byte {
	list, size := &p.small, smallPlain
	if n > smallPlain {
		list, size = &p.large, largePlain
	}
	if last := len(*list) - 1; last >= 0 && n <= size {
		b := (*list)[last]
		(*list)[last] = nil
		*list = (*list)[:last]
		return b
	}
	return make([]byte, 0, max(n, size))
}

// give takes a buffer back; nil is none, and one of another size is left to the collector.
func (p *plains) give(b []byte) {
	switch {
	case cap(b) == smallPlain && len(p.small) < maxPlains:
		p.small = append(p.small, b[:0])
	case cap(b) == largePlain && len(p.large) < maxPlains:
		p.large = append(p.large, b[:0])
	}
}

// prepare keeps the last keep bytes of the plaintext, and returns where more can be put.
func (s *secure) prepare(keep int) []byte {
	size := smallPlain
	if s.greedy {
		size = largePlain
	}
	switch kept := s.plain[len(s.plain)-keep:]; {
	case keep == 0 && cap(s.plain) < size:
		s.plains.give(s.plain)
		s.plain = s.plains.take(size)
	case keep <= cap(s.plain)/2: // to move it costs less than it frees
		s.plain = append(s.plain[:0], kept...)
	case len(s.plain) == cap(s.plain):
		wider := append(s.plains.take(2*cap(s.plain)), kept...)
		s.plains.give(s.plain)
		s.plain = wider
	}
	return s.plain[len(s.plain):cap(s.plain)]
}

// release gives the buffer back: nothing is unread.
func (s *secure) release() {
	s.plains.give(s.plain)
	s.plain, s.conn.unread = nil, nil
}

// restore undoes reads: what is unread begins with p, of which it keeps a copy.
func (s *secure) restore(p []byte) []byte {
	s.plain = append(s.plains.take(len(p)), p...)
	return s.plain
}
