package uring

import "math/bits"

// The sizes of what is sent from, of which small is also that of what is received into.
const (
	tinySize  = 256
	smallSize = 4 << 10
	largeSize = 64 << 10
)

// How many blocks of a size are mapped at a time, no more than a uint64 has bits: 20, 260 and 256
// KiB.
const (
	tinyBlocks  = 64
	smallBlocks = 64
	largeBlocks = 4
)

// Memory is a block of memory outside of Go's heap, to send from: the kernel reads it after the
// call that named it has been prepared. It has a length, as a slice has: what Append has added,
// less what Drop has taken away. A copy of it is the same block with a length of its own; one of
// the copies is freed, once. The zero Memory has no room. Its methods are loop only.
type Memory struct {
	slab  *slab
	to    uint32 // the end of what is in it
	place uint32 // the number of the block, and from bit 8 on the beginning of what is in it
}

func (m *Memory) index() uint8 { return uint8(m.place) }
func (m *Memory) from() uint32 { return m.place >> 8 }

// None reports whether it is the zero Memory.
func (m *Memory) None() bool { return m.slab == nil }

// Bytes returns what is in it.
func (m *Memory) Bytes() []byte {
	if m.slab == nil {
		return nil
	}
	return m.slab.block(m.index())[m.from():m.to]
}

// Len returns how many bytes are in it.
func (m *Memory) Len() int { return int(m.to - m.from()) }

// Room returns how many bytes can be appended.
func (m *Memory) Room() int {
	if m.slab == nil {
		return 0
	}
	return m.slab.class.size - int(m.to)
}

// Append adds what there is room for of p, and returns how many bytes that was.
func (m *Memory) Append(p []byte) int {
	if m.slab == nil {
		return 0
	}
	n := copy(m.slab.block(m.index())[m.to:], p)
	m.to += uint32(n)
	return n
}

// Drop takes the first n bytes away: those that were sent. Their room is not back.
func (m *Memory) Drop(n int) { m.place += uint32(n) << 8 }

// Free gives the block back, and leaves the zero Memory. Nothing may be sending from it any more.
func (m *Memory) Free() {
	if m.slab != nil {
		m.slab.class.free(m.slab, m.index())
		*m = Memory{}
	}
}

// class has the blocks of one size. They are mapped by the slab. One that is empty stays until it
// was not needed for a while: see ease.
type class struct {
	size   int
	count  int     // blocks of a slab
	slabs  []*slab // that have a free block, at the end the one to be used next
	mapped int     // slabs that there are
	empty  int     // those without a block in use
	least  int     // the least there were of these since the last look
	grown  func()  // is told that there is more than one slab
	closed bool    // keep none
}

// slab is one mapping, cut into blocks.
type slab struct {
	class *class
	mem   []byte
	unset uint64 // the blocks that are free, a bit each
}

func (s *slab) block(i uint8) []byte {
	at := int(i) * stride(s.class.size)
	return s.mem[at : at+s.class.size]
}

// stride is from one block to the next: a cache line more than its size. Were it the size, a power
// of two, the first lines of all blocks, which hold the messages of those who send little, would
// compete for the same few places of the cache.
func stride(size int) int { return size + 64 }

// all has a bit for each block of a slab.
func (c *class) all() uint64 { return ^uint64(0) >> (64 - c.count) }

// alloc returns an empty block.
func (c *class) alloc() Memory {
	if len(c.slabs) == 0 {
		c.add()
	}
	last := len(c.slabs) - 1
	s := c.slabs[last]
	if s.unset == c.all() {
		c.empty--
		c.least = min(c.least, c.empty)
	}
	i := bits.TrailingZeros64(s.unset)
	s.unset &^= 1 << i
	if s.unset == 0 {
		c.slabs[last] = nil
		c.slabs = c.slabs[:last]
	}
	return Memory{slab: s, place: uint32(i)}
}

// add maps a slab. Where the system has no memory left it panics, as Go does. A task may call it,
// whose stack is to stay small: this is for few to pay for.
//
//go:noinline
func (c *class) add() {
	mem, err := mapMemory(stride(c.size) * c.count)
	if err != nil {
		panic("kettle: memory to send from: " + err.Error())
	}
	c.slabs = append(c.slabs, &slab{class: c, mem: mem, unset: c.all()})
	c.empty++
	if c.mapped++; c.mapped > 1 {
		c.grown()
	}
}

// free takes a block back.
func (c *class) free(s *slab, i uint8) {
	if s.unset&(1<<i) != 0 {
		panic("kettle: memory of a ring was freed twice")
	}
	if s.unset == 0 {
		c.slabs = append(c.slabs, s)
	}
	s.unset |= 1 << i
	if s.unset != c.all() {
		return
	}
	if c.empty++; c.closed {
		c.drop()
	}
}

// drop unmaps slabs that are empty.
func (c *class) drop() {
	c.least = c.empty
	c.ease(0)
}

// ease unmaps slabs that were empty since the last look, so that no fewer than some are left, and
// reports whether there are more than that.
func (c *class) ease(left int) bool {
	kept := c.slabs[:0]
	for _, s := range c.slabs {
		if c.least == 0 || c.mapped <= left || s.unset != c.all() {
			kept = append(kept, s)
			continue
		}
		c.least--
		c.mapped--
		c.empty--
		unmapMemory(s.mem)
		s.mem = nil
	}
	clear(c.slabs[len(kept):])
	c.slabs, c.least = kept, c.empty
	return c.mapped > left
}

// close unmaps what is free, and lets the rest be unmapped as it is freed.
func (c *class) close() {
	c.closed = true
	c.drop()
}
