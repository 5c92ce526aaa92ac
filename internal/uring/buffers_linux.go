package uring

import (
	"encoding/binary"
	"math/bits"
	"os"
	"sync/atomic"
	"unsafe"
)

// buffers is a ring of buffers that receives take from: the kernel takes from its head when bytes
// have come, so that a connection that is silent needs none. We put back at its tail.
//
// How many take part follows from how many are needed at once. When a receive finds none they are
// doubled, up to the most there may be, unless each request that is under way could have one: then
// some take many, which only have to wait for their turn. When fewer were enough for a while the
// others leave, and the system gets their memory: see watch. Those that stay have the lower
// numbers.
type buffers struct {
	size  int
	count int // how many there may be, a power of two
	want  int // those with lower numbers take part
	have  int // how many do: with those that have yet to leave
	free  int // of these, the ones that the kernel has, for all that we know

	tail    uint16
	told    uint16 // the tail that the kernel knows
	zeroth  uint16 // the buffer in the first entry
	entries []bufferEntry
	last    *uint32  // the end of the first entry, where the kernel looks for the tail
	state   []uint32 // of each buffer
	ring    []byte
	data    []byte
	closed  bool
	gone    bool // the kernel has none at present: see withdraw
	most    int  // how many were needed at once since the last look

	// Receives that found no buffer. Those of behind were begun again and found none once more, as
	// another connection was faster: they come first.
	starved, behind queue
	doubled         bool // the buffers were, since one of them was begun again
}

// The state of a buffer: where it is, in the lowest bits; above them, how often it was received
// into, so that who has it can be told from who had it before.
const (
	away        = iota // takes no part
	waiting            // the kernel has it
	lent               // a client has it
	whereabouts = 3
	arriving    = 4 // it is being told of: used within restore only
	another     = 8
)

// bufferGroup is the number of the group that the buffers are. Those below 64 lie in a table of the
// kernel's that before Linux 6.9 keeps its place in them when they are forgotten.
const bufferGroup = 64

const (
	// maxBuffers is the most that there may be: their numbers have 16 bits, as the tail has.
	maxBuffers = 1 << 15

	// fewBuffers take part at least, if there may be so many: 128 KiB.
	fewBuffers = 32
)

// open maps the buffers and hands the first ones to the kernel.
func (b *buffers) open(r *Ring, size, count int) error {
	count = 1 << bits.Len(uint(min(count, maxBuffers)-1))
	*b = buffers{size: size, count: count}
	var err error
	entry := int(unsafe.Sizeof(bufferEntry{}))
	if b.ring, err = mapMemory(max(count*entry, os.Getpagesize())); err != nil {
		return os.NewSyscallError("mmap a ring of buffers", err)
	}
	if b.data, err = mapMemory(count * stride(size)); err != nil {
		return os.NewSyscallError("mmap buffers", err)
	}
	if errno := b.register(r); errno != 0 {
		return unsupported("io_uring_register a ring of buffers", errno)
	}
	b.state = make([]uint32, count)
	b.entries = unsafe.Slice((*bufferEntry)(unsafe.Pointer(&b.ring[0])), count)
	b.last = word(b.ring, uint32(unsafe.Offsetof(b.entries[0].id)))
	b.grow(0, min(fewBuffers, count))
	b.publish()
	return nil
}

// grow has those with numbers from one on, up to another, take part.
func (b *buffers) grow(from, to int) {
	for id := from; id < to; id++ {
		if b.state[id]&whereabouts == away {
			b.have++
			b.put(id)
		}
	}
	b.want = to
}

// goes notes where a buffer is from here on.
func (b *buffers) goes(id int, where uint32) { b.state[id] = b.state[id]&^whereabouts | where }

// put writes a buffer into the entry behind the tail.
func (b *buffers) put(id int) {
	b.free++
	b.goes(id, waiting)
	e := &b.entries[int(b.tail)&(b.count-1)]
	e.addr = address(b.data[id*stride(b.size):])
	e.len = uint32(b.size)
	if e == &b.entries[0] {
		b.zeroth = uint16(id)
	} else {
		e.id = uint16(id)
	}
	b.tail++
}

// publish tells the kernel where the tail is: once for all buffers that have come back, as to store
// what others look at takes time. The tail lies in the unused end of the first entry, behind the
// number of that entry's buffer: both are stored as one word, as Go has no atomic store of 16 bits.
func (b *buffers) publish() {
	if b.tail == b.told || b.closed || b.gone {
		return
	}
	var w [4]byte
	binary.NativeEndian.PutUint16(w[:2], b.zeroth)
	binary.NativeEndian.PutUint16(w[2:], b.tail)
	atomic.StoreUint32(b.last, binary.NativeEndian.Uint32(w[:]))
	b.most = max(b.most, b.have-b.free+int(b.tail-b.told))
	b.told = b.tail
}

// chunk returns what was received into a buffer. With nothing in it the buffer goes back at once.
func (r *Ring) chunk(id uint16, n int) Chunk {
	b := &r.buffers
	b.free--
	b.goes(int(id), lent)
	b.state[id] += another
	c := Chunk{ring: r, id: id, state: b.state[id]}
	if n <= 0 {
		c.Release()
		return Chunk{}
	}
	start := int(id) * stride(b.size)
	c.Bytes = b.data[start : start+n : start+n]
	return c
}

// Release gives the buffer back to its ring, exactly once: a second time panics, as the buffer may
// be another connection's by then. The zero Chunk has none.
func (c *Chunk) Release() {
	if c.ring == nil {
		return
	}
	b, id := &c.ring.buffers, int(c.id)
	if b.state[id] != c.state {
		panic("kettle: a chunk of a ring was released twice")
	}
	if id < b.want && !b.closed {
		b.put(id)
		return
	}
	b.goes(id, away)
	b.have--
	if b.closed {
		b.close()
	}
}

// close unmaps the buffers, as soon as clients have none of them.
func (b *buffers) close() {
	b.closed = true
	if b.have == b.free {
		unmapMemory(b.ring)
		unmapMemory(b.data)
		b.ring, b.data, b.entries, b.last = nil, nil, nil, nil
	}
}

// starve lets a receive wait for a buffer.
func (b *buffers) starve(r *Ring, n int, s *slot) {
	if s.flags&again != 0 {
		b.behind.push(&r.table, n)
	} else {
		b.starved.push(&r.table, n)
	}
	s.flags |= waits
	if b.free > 0 { // some have come back meanwhile, or are on their way to others
		r.revived = true
	}
	if !b.doubled {
		b.double(r)
	}
}

// double has twice as many take part, unless that are as many as there may be.
func (b *buffers) double(r *Ring) {
	if b.want < min(b.count, r.table.live) && !b.gone {
		b.doubled, r.revived = true, true
		b.grow(b.want, 2*b.want)
		r.watch()
	}
}

// starving returns how many receives wait for a buffer.
func (b *buffers) starving() int { return b.behind.n + b.starved.n }

// nextTurn is the token of a request that has nothing to do but to complete.
const nextTurn = ^uint64(0)

// rearm begins receives again that have waited for a buffer, in order, and no more of them than
// there are buffers: otherwise a buffer that comes back would have a thousand run for it, in vain
// but one. A receive that finds nothing to receive leaves its buffer to the next. So if others
// still wait, a completion is ordered that gives them their turn.
func (r *Ring) rearm() {
	b := &r.buffers
	if b.restore(r); b.gone {
		return
	}
	if b.free == 0 && b.starving() > 0 {
		b.double(r) // clients have all, and nobody is begun again who would find that out
	}
	b.publish()
	b.doubled = false
	due := min(b.free, b.starving())
	for range due {
		q := &b.behind
		if q.n == 0 {
			q = &b.starved
		}
		n := q.pop(&r.table)
		s := r.table.at(n)
		s.flags = s.flags&^waits | again
		r.receive(n, s)
	}
	if due > 0 && b.starving() > 0 {
		r.push(&sqe{opcode: opNop, fd: -1, userData: nextTurn}, nil)
	}
}

// forget takes a receive out of those that wait.
func (b *buffers) forget(r *Ring, n int, s *slot) {
	if !b.behind.remove(&r.table, n) {
		b.starved.remove(&r.table, n)
	}
	s.flags &^= waits
}

// abandon ends all receives that wait.
func (b *buffers) abandon(r *Ring) {
	for _, q := range []*queue{&b.behind, &b.starved} {
		for q.n > 0 {
			r.table.end(q.pop(&r.table))
		}
	}
}
