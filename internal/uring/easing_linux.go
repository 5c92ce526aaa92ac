package uring

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// What a burst has needed is given back. Who gets more than a little memory has the ring look
// around after a second: what was not needed since then goes, and while there is more than a little
// it looks again. A loop whose connections are silent does not come by otherwise.
//
// The buffers that the kernel has are the difficult part. It takes them in turn, so that those that
// are not needed any more come back only when something is received into each of them; and at any
// moment it may receive into any. So it is asked to forget all of them, and is given a few anew. In
// between receives find none, and wait.

// looking is the token of the request that completes when it is time to look.
const looking = nextTurn - 1

// lookAfter is the time between two looks.
const lookAfter = time.Second

// watch has the ring look around in a while.
func (r *Ring) watch() {
	if r.watches || r.closed {
		return
	}
	r.watches = true
	ts := timespec{int64(r.pause / time.Second), int64(r.pause % time.Second)}
	argument := (*[unsafe.Sizeof(ts)]byte)(unsafe.Pointer(&ts))
	r.push(&sqe{opcode: opTimeout, fd: -1, len: 1, userData: looking}, argument[:])
}

// look gives back what was not needed since the last look.
func (r *Ring) look() {
	r.watches = false
	if r.closed {
		return
	}
	more := r.buffers.ease(r)
	for _, c := range r.classes() {
		more = c.ease(1) || more
	}
	if more {
		r.watch()
		r.revived = true // to be submitted
	}
}

func (r *Ring) classes() [3]*class { return [...]*class{&r.tiny, &r.small, &r.large} }

// ease has as few buffers take part as were enough, twice as many for what may come, and reports
// whether there are more than a few.
func (b *buffers) ease(r *Ring) bool {
	few := min(fewBuffers, b.count)
	want := few
	now := b.have - b.free
	for want < 2*max(b.most, now+b.starving()) {
		want *= 2
	}
	b.most = now
	b.want = min(b.want, want) // where there is much to receive they leave as they come back
	if b.restore(r); b.have > b.want && !b.gone {
		b.withdraw(r)
	}
	b.giveBack()
	return b.want > few || b.have > b.want || b.gone
}

// withdraw takes back all buffers that the kernel has, and gives it those that take part.
func (b *buffers) withdraw(r *Ring) {
	if r.overflown() {
		return // it cannot be told which have been received into: next time
	}
	arg := &bufferRing{group: bufferGroup}
	errno := r.kernel.register(r.fd, forgetBuffers, unsafe.Pointer(arg), 1)
	if errno != 0 {
		return // all is as it was
	}
	b.gone = true
	b.restore(r)
}

// restore gives the kernel buffers again, after withdraw.
func (b *buffers) restore(r *Ring) {
	if !b.gone || r.overflown() {
		return
	}
	end := atomic.LoadUint32(r.cq.tail)
	for at := r.cq.next; at != end; at++ {
		if c := &r.cq.cqes[at&r.cq.mask]; c.flags&cqeBuffer != 0 {
			b.state[c.flags>>cqeBufferShift] |= arriving
		}
	}
	for id := range b.state {
		switch {
		case b.state[id]&arriving != 0:
			b.state[id] &^= arriving
		case b.state[id]&whereabouts == waiting:
			b.goes(id, away)
			b.have--
			b.free--
		}
	}
	b.tail, b.told = 0, 0
	*b.last = 0
	b.grow(0, b.want)
	if b.register(r) != 0 { // for want of memory: whoever receives has to wait
		r.watch()
		return
	}
	b.gone = false
	b.publish()
	r.revived = true // for those who wait
}

// giveBack gives the memory of those that take no part to the system.
func (b *buffers) giveBack() {
	from := 0
	for id := range b.count + 1 {
		if id < b.count && b.state[id]&whereabouts == away {
			continue
		}
		if from < id {
			giveBack(b.data[from*stride(b.size) : id*stride(b.size)])
		}
		from = id + 1
	}
}

// register tells the kernel of the ring of buffers.
func (b *buffers) register(r *Ring) syscall.Errno {
	arg := &bufferRing{addr: address(b.ring), entries: uint32(b.count), group: bufferGroup}
	return r.kernel.register(r.fd, registerBuffers, unsafe.Pointer(arg), 1)
}
