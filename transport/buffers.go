package transport

// The sizes of buffers. A connection begins with a small one, and gets a large one when it has
// filled that: so those that hold a few bytes, because somebody waits for more of them, or for a
// peer that does not read, hold little, and those that are busy make few system calls.
const (
	smallBuffer = 4 << 10
	largeBuffer = 64 << 10
)

// buffer has bytes in order: those from head on are still to be sent, or to be consumed.
type buffer struct {
	bytes []byte
	head  int
}

// rest returns the bytes.
func (b *buffer) rest() []byte { return b.bytes[b.head:] }

// room returns where more can be put: to be made longer with extend.
func (b *buffer) room() []byte { return b.bytes[len(b.bytes):cap(b.bytes)] }

func (b *buffer) extend(n int) { b.bytes = b.bytes[:len(b.bytes)+n] }

// buffers are those of a loop that nobody has at present. A connection takes one when there is
// something to receive or to keep, and gives it back when it is empty: the loop commonly goes
// through all of its connections with one and the same, which stays in the cache.
type buffers struct{ small, large []*buffer }

// How many of each size are kept: 1 MiB and 4 MiB.
const (
	maxSmall = 256
	maxLarge = 64
)

// take returns an empty buffer with room for at least n bytes.
func (p *buffers) take(n int) *buffer {
	list, size := &p.small, smallBuffer
	if n > smallBuffer {
		list, size = &p.large, largeBuffer
	}
	if last := len(*list) - 1; last >= 0 && n <= size {
		b := (*list)[last]
		(*list)[last] = nil
		*list = (*list)[:last]
		return b
	}
	return &buffer{bytes: make([]byte, 0, max(n, size))}
}

// give takes a buffer back; nil is none.
func (p *buffers) give(b *buffer) {
	if b == nil {
		return
	}
	b.bytes, b.head = b.bytes[:0], 0
	switch {
	case cap(b.bytes) == smallBuffer && len(p.small) < maxSmall:
		p.small = append(p.small, b)
	case cap(b.bytes) == largeBuffer && len(p.large) < maxLarge:
		p.large = append(p.large, b)
	}
}

// widen sees to it that there is room for n more bytes, or for some if n is 0, and returns the
// buffer, which may be another one.
func (p *buffers) widen(b *buffer, n int) *buffer {
	used := len(b.bytes) - b.head
	switch {
	case cap(b.bytes)-len(b.bytes) >= max(n, 1):
		return b
	case used <= cap(b.bytes)/2 && used+n <= cap(b.bytes): // to move it costs less than it frees
		copy(b.bytes[:cap(b.bytes)], b.rest())
		b.bytes, b.head = b.bytes[:used], 0
		return b
	}
	wider := p.take(max(used+n, 2*cap(b.bytes)))
	wider.bytes = append(wider.bytes, b.rest()...)
	p.give(b)
	return wider
}
