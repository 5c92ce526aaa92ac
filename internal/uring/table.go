package uring

import (
	"math/bits"
	"time"
)

// The table has what the ring knows of each request that is under way. It is made of pages, which
// do not move when it grows, and which are dropped when nothing in them is in use, but for one that
// is kept: so it is small again after a burst. The lowest free slot is used first.
type table struct {
	pages      []*page // nil: dropped
	room       int     // no page before this one has a free slot
	spare      *page   // empty
	live       int     // slots in use
	generation uint32  // of the request that was begun last
	byFD       []int32 // for each descriptor, one of its requests: the slot's number + 1
}

const pageSlots = 64

type page struct {
	unset uint64 // the slots that are free, a bit each
	slots [pageSlots]slot
}

// slot is one request.
type slot struct {
	client     Client
	generation uint32 // 0: free
	fd         int32  // -1: none
	next, prev int32  // other requests of the descriptor: the slot's number + 1; but see setTime
	waiting    int32  // what is behind it in a queue of starved receives: the slot's number + 1
	op         Op
	flags      uint8
	tries      uint8 // how often it was begun again, for no reason of its own
	arg        uint8 // of a poll the events, or the errno of an answer
}

// setTime notes when a time-out ends. It stands where others have what they share a descriptor
// with: a time-out has none.
func (s *slot) setTime(d time.Duration) { s.next, s.prev = int32(d>>32), int32(d) }

func (s *slot) time() time.Duration {
	return time.Duration(s.next)<<32 | time.Duration(uint32(s.prev))
}

// The flags of a slot.
const (
	cancelled = 1 << iota // by Cancel or CancelFD
	waits                 // it is starved, in no hands but the ring's
	again                 // it was starved, was begun again, and has had no buffer yet
	single                // a receive that does not go on in the kernel, but by our doing
	answered              // its outcome is arg, an errno: the kernel is only to send it back
)

// maxFD bounds the table by descriptor: beyond it are no descriptors, but mistakes.
const maxFD = 1 << 24

// begin takes a slot.
func (t *table) begin(op Op, fd int, c Client) (int, *slot) {
	for t.room < len(t.pages) && t.pages[t.room] != nil && t.pages[t.room].unset == 0 {
		t.room++
	}
	if t.room == len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	p := t.pages[t.room]
	if p == nil {
		p = t.spare
		t.spare = nil
		if p == nil {
			p = &page{unset: ^uint64(0)}
		}
		t.pages[t.room] = p
	}
	bit := bits.TrailingZeros64(p.unset)
	p.unset &^= 1 << bit
	t.live++
	t.generation = max(t.generation+1, 1)
	n := t.room*pageSlots + bit
	s := &p.slots[bit]
	*s = slot{client: c, generation: t.generation, fd: -1, op: op}
	if fd >= 0 && fd < maxFD {
		s.fd = int32(fd)
		t.link(n, s)
	}
	return n, s
}

// link puts a slot before the others of its descriptor.
func (t *table) link(n int, s *slot) {
	if int(s.fd) >= len(t.byFD) {
		t.byFD = append(t.byFD, make([]int32, max(64, len(t.byFD), int(s.fd)+1-len(t.byFD)))...)
	}
	first := &t.byFD[s.fd]
	s.next, s.prev = *first, 0
	if s.next != 0 {
		t.at(int(s.next) - 1).prev = int32(n) + 1
	}
	*first = int32(n) + 1
}

// ofFD calls visit with each request of a descriptor. It may begin others, which are not visited.
func (t *table) ofFD(fd int, visit func(n int, s *slot)) {
	if fd < 0 || fd >= len(t.byFD) {
		return
	}
	for n := t.byFD[fd]; n != 0; {
		s := t.at(int(n) - 1)
		next := s.next
		visit(int(n)-1, s)
		n = next
	}
}

// end frees a slot.
func (t *table) end(n int) {
	s := t.at(n)
	if s.fd >= 0 {
		if s.next != 0 {
			t.at(int(s.next) - 1).prev = s.prev
		}
		if s.prev != 0 {
			t.at(int(s.prev) - 1).next = s.next
		} else {
			t.byFD[s.fd] = s.next
		}
	}
	*s = slot{}
	t.live--
	at := n / pageSlots
	p := t.pages[at]
	p.unset |= 1 << (n % pageSlots)
	t.room = min(t.room, at)
	if p.unset == ^uint64(0) {
		t.pages[at] = nil
		t.spare = p
		for len(t.pages) > 0 && t.pages[len(t.pages)-1] == nil {
			t.pages = t.pages[:len(t.pages)-1]
		}
		t.room = min(t.room, len(t.pages))
	}
}

// at returns the slot with a number, which is in use.
func (t *table) at(n int) *slot { return &t.pages[n/pageSlots].slots[n%pageSlots] }

// find returns the slot of a request; nil if it is over.
func (t *table) find(q Request) (int, *slot) {
	low := uint32(q) // of a token that is none of ours it may be more than an int
	if low/pageSlots >= uint32(len(t.pages)) || t.pages[low/pageSlots] == nil {
		return 0, nil
	}
	n := int(low)
	s := t.at(n)
	if s.generation == 0 || s.generation != uint32(q>>32) {
		return 0, nil
	}
	return n, s
}

// request returns the token of a slot, which the kernel gives back with each completion.
func request(n int, s *slot) Request { return Request(s.generation)<<32 | Request(uint32(n)) }
