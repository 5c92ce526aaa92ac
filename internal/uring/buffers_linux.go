package uring

import (
	"encoding/binary"
	"math/bits"
	"os"
	"sync/atomic"
	"unsafe"
)

// group is a ring of buffers that receives take from: the kernel takes from its head when bytes
// have come, so that a connection that is silent needs none. We put back at its tail.
type group struct {
	id        uint16
	size      int
	count     int // a power of two
	first     int // the number of the first buffer: no two groups have the same numbers
	available int // buffers that the kernel has, for all that we know
	tail      uint16
	zeroth    uint16 // the buffer in the first entry
	entries   []bufferEntry
	last      *uint32  // the end of the first entry, where the kernel looks for the tail
	taken     []uint32 // for each buffer, how often it was taken and put back: odd while it is out
	ring      []byte
	data      []byte
	closed    bool

	// Receives that found no buffer. Those of behind were begun again and found none once more, as
	// another connection was faster: they come first.
	starved, behind queue
}

// maxBuffers is the most of a group: numbers have 16 bits, and there are two groups.
const maxBuffers = 1 << 14

// open maps the buffers and hands them to the kernel.
func (g *group) open(r *Ring, id, size, count, first int) error {
	count = 1 << bits.Len(uint(min(count, maxBuffers)-1))
	*g = group{id: uint16(id), size: size, count: count, first: first, available: count}
	var err error
	entry := int(unsafe.Sizeof(bufferEntry{}))
	if g.ring, err = mapMemory(max(count*entry, os.Getpagesize())); err != nil {
		return os.NewSyscallError("mmap a ring of buffers", err)
	}
	if g.data, err = mapMemory(count * stride(g.size)); err != nil {
		return os.NewSyscallError("mmap buffers", err)
	}
	arg := &bufferRing{addr: address(g.ring), entries: uint32(count), group: uint16(id)}
	errno := r.kernel.register(r.fd, registerBuffers, unsafe.Pointer(arg), 1)
	if errno != 0 {
		return unsupported("io_uring_register a ring of buffers", errno)
	}
	g.taken = make([]uint32, count)
	g.entries = unsafe.Slice((*bufferEntry)(unsafe.Pointer(&g.ring[0])), count)
	g.last = word(g.ring, uint32(unsafe.Offsetof(g.entries[0].id)))
	for i := range count {
		g.put(first + i)
	}
	g.publish()
	return nil
}

// put writes a buffer into the entry behind the tail.
func (g *group) put(id int) {
	e := &g.entries[int(g.tail)&(g.count-1)]
	e.addr = address(g.data[(id-g.first)*stride(g.size):])
	e.len = uint32(g.size)
	if e == &g.entries[0] {
		g.zeroth = uint16(id)
	} else {
		e.id = uint16(id)
	}
	g.tail++
}

// publish tells the kernel where the tail is. It lies in the unused end of the first entry, behind
// the number of that entry's buffer: both are stored as one word, as Go has no atomic store of 16
// bits.
func (g *group) publish() {
	var b [4]byte
	binary.NativeEndian.PutUint16(b[:2], g.zeroth)
	binary.NativeEndian.PutUint16(b[2:], g.tail)
	atomic.StoreUint32(g.last, binary.NativeEndian.Uint32(b[:]))
}

// chunk returns what was received into a buffer. With nothing in it the buffer goes back at once.
func (r *Ring) chunk(id uint16, n int) Chunk {
	g := &r.groups[0]
	if int(id) >= g.count {
		g = &r.groups[1]
	}
	at := int(id) - g.first
	g.available--
	g.taken[at]++
	c := Chunk{ring: r, group: g.id, id: id, lease: g.taken[at]}
	if n <= 0 {
		c.Release()
		return Chunk{}
	}
	start := at * stride(g.size)
	c.Bytes = g.data[start : start+n : start+n]
	return c
}

// Release gives the buffer back to its ring, exactly once: a second time panics, as the buffer may
// be another connection's by then. The zero Chunk has none.
func (c Chunk) Release() {
	if c.ring == nil {
		return
	}
	g := &c.ring.groups[c.group]
	at := int(c.id) - g.first
	if g.taken[at] != c.lease {
		panic("kettle: a chunk of a ring was released twice")
	}
	g.taken[at]++
	g.available++
	if g.closed {
		g.close()
		return
	}
	g.put(int(c.id))
	g.publish()
}

// close unmaps the buffers, as soon as clients have none of them.
func (g *group) close() {
	g.closed = true
	if g.available == g.count {
		unmapMemory(g.ring)
		unmapMemory(g.data)
		g.ring, g.data, g.entries, g.last = nil, nil, nil, nil
	}
}

// starve lets a receive wait for a buffer.
func (g *group) starve(r *Ring, n int, s *slot) {
	if s.flags&again != 0 {
		g.behind.push(&r.table, n)
	} else {
		g.starved.push(&r.table, n)
	}
	s.flags |= waits
}

// nextTurn is the token of a request that has nothing to do but to complete.
const nextTurn = ^uint64(0)

// rearm begins receives again that have waited for a buffer. See group.rearm.
func (r *Ring) rearm() {
	for i := range r.groups {
		r.groups[i].rearm(r)
	}
}

// rearm begins receives again that have waited, in order, and no more of them than there are
// buffers: otherwise a buffer that comes back would have a thousand run for it, in vain but one. A
// receive that finds nothing to receive leaves its buffer to the next. So if others still wait, a
// completion is ordered that gives them their turn.
func (g *group) rearm(r *Ring) {
	due := min(g.available, g.behind.n+g.starved.n)
	for range due {
		q := &g.behind
		if q.n == 0 {
			q = &g.starved
		}
		n := q.pop(&r.table)
		s := r.table.at(n)
		s.flags = s.flags&^waits | again
		r.receive(n, s)
	}
	if due > 0 && g.behind.n+g.starved.n > 0 {
		r.push(&sqe{opcode: opNop, fd: -1, userData: nextTurn}, nil)
	}
}

// forget takes a receive out of those that wait.
func (g *group) forget(r *Ring, n int, s *slot) {
	if !g.behind.remove(&r.table, n) {
		g.starved.remove(&r.table, n)
	}
	s.flags &^= waits
}

// abandon ends all receives that wait.
func (g *group) abandon(r *Ring) {
	for _, q := range []*queue{&g.behind, &g.starved} {
		for q.n > 0 {
			r.table.end(q.pop(&r.table))
		}
	}
}
