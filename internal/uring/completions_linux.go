package uring

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
)

// completions is the queue of what was done. The kernel appends to its tail at any time; we take
// from its head.
type completions struct {
	head, tail *uint32 // shared with the kernel
	mask       uint32
	next       uint32 // the head, which the kernel is told of now and then
	cqes       []cqe
}

func (q *completions) init(p *params, rings []byte) {
	q.head, q.tail = word(rings, p.cq.head), word(rings, p.cq.tail)
	q.mask = p.cqEntries - 1
	q.next = *q.head
	q.cqes = unsafe.Slice((*cqe)(unsafe.Pointer(&rings[p.cq.cqes])), p.cqEntries)
}

// publish tells the kernel which places are free.
func (q *completions) publish() {
	if *q.head != q.next { // only we write it
		atomic.StoreUint32(q.head, q.next)
	}
}

// take returns the next completion.
func (q *completions) take() (cqe, bool) {
	if q.next == atomic.LoadUint32(q.tail) {
		return cqe{}, false
	}
	c := q.cqes[q.next&q.mask]
	q.next++
	return c, true
}

// Ready reports whether there is something to reap. It is no system call.
func (r *Ring) Ready() bool {
	return r.cq.next != atomic.LoadUint32(r.cq.tail) || r.overflown() || r.sent()
}

// Awaited reports whether the kernel has to be entered: something is prepared, or it has
// completions that it has yet to write. What waits for buffers, and Enter asks for again, does not
// count.
func (r *Ring) Awaited() bool { return r.Prepared() > 0 || r.owing() }

// owing reports whether the kernel has completions that it writes only where it is entered.
func (r *Ring) owing() bool { return atomic.LoadUint32(r.sq.flags)&(sqOverflow|sqTaskrun) != 0 }

// overflown reports whether there are completions that found no place. The kernel keeps them until
// it is entered, so that none is lost.
func (r *Ring) overflown() bool { return atomic.LoadUint32(r.sq.flags)&sqOverflow != 0 }

// Reap takes the completions that there are, at most so many, and tells their clients. It returns
// how many there were. A client may make requests, which an Enter has to follow, and even close the
// ring. What the ring itself begins again is submitted here.
func (r *Ring) Reap(most int) int {
	r.tellSent()
	n := 0
	for n < most && !r.closed {
		c, ok := r.cq.take()
		if !ok {
			if !r.overflown() || !r.fetch() {
				break
			}
			continue
		}
		n++
		r.complete(c)
	}
	r.cq.publish()
	r.sends.pass(r.cq.next)
	if (r.revived || r.buffers.gone) && !r.closed {
		r.revived = false
		r.rearm()
		r.fail(r.submit())
	}
	r.tellSent() // of what was submitted here
	return n
}

// fetch has the kernel hand over completions that found no place, and reports whether it did.
func (r *Ring) fetch() bool {
	for {
		_, errno := r.enter(entry{})
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 && errno != syscall.EAGAIN && errno != syscall.EBUSY {
			r.fail(fmt.Errorf("fetch completions: %w",
				os.NewSyscallError("io_uring_enter", errno)))
		}
		return r.cq.next != atomic.LoadUint32(r.cq.tail)
	}
}

// sweep takes the completions that come while the ring is closed.
func (r *Ring) sweep() {
	for {
		c, ok := r.cq.take()
		if !ok {
			return
		}
		r.complete(c)
	}
}

// result is a completion on its way to its client.
type result struct {
	slot int
	Completion
}

// complete finds out what a completion is about.
func (r *Ring) complete(c cqe) {
	n, s := r.table.find(Request(c.userData))
	if s != nil && s.op == OpReceive && c.res > 0 && c.flags&cqeMore != 0 && !r.closed &&
		s.client != nil {
		// One more message, as most are: it goes on, and nothing is to be decided.
		s.tries, s.flags = 0, s.flags&^again
		s.client.Completed(Completion{Request: Request(c.userData), Op: OpReceive, N: int(c.res),
			Chunk: r.chunk(uint16(c.flags>>cqeBufferShift), int(c.res)), More: true})
		return
	}
	res := result{slot: n}
	if c.flags&cqeBuffer != 0 {
		res.Chunk = r.chunk(uint16(c.flags>>cqeBufferShift), int(c.res))
	}
	if s == nil {
		// A receive has its turn; or nobody wants to know: a cancel that came too late, a close
		// that failed.
		res.Chunk.Release()
		switch {
		case r.sends.failed(Request(c.userData), c.res):
		case c.userData == nextTurn:
			r.revived = true
		case c.userData == looking:
			r.look()
		}
		return
	}
	res.Request, res.Op, res.More = Request(c.userData), s.op, c.flags&cqeMore != 0
	switch {
	case s.flags&answered != 0:
		res.Errno = syscall.Errno(s.arg)
	case c.res < 0:
		res.Errno = syscall.Errno(-c.res)
	default:
		res.N = int(c.res)
	}
	switch s.op {
	case OpReceive:
		r.received(&res, s)
	case OpAccept:
		r.accepted(&res, s)
	default:
		r.done(&res, s)
	}
}

// received is told what a receive has brought.
func (r *Ring) received(res *result, s *slot) {
	ends := s.flags&cancelled != 0 || r.closed
	switch {
	case res.N > 0:
		s.tries = 0
		s.flags &^= again
		if !res.More && !ends {
			r.revive(res.slot, s) // it was a single one, or the kernel needed to end it
			res.More = true
		}
	case res.Errno == syscall.ENOBUFS && !ends:
		r.buffers.starve(r, res.slot, s)
		return
	case res.Errno == syscall.ENOBUFS:
		res.Errno = syscall.ECANCELED
	case r.unasked(res, s):
		r.revive(res.slot, s)
		return
	}
	r.tell(res, s)
}

// accepted is told of a connection, or why there is none.
func (r *Ring) accepted(res *result, s *slot) {
	ends := s.flags&cancelled != 0 || r.closed
	switch {
	case r.unasked(res, s), !ends && diedInBacklog(res.Errno):
		if !res.More {
			r.revive(res.slot, s)
		}
		return
	case res.Errno == 0:
		s.tries = 0
		if !res.More && !ends {
			r.revive(res.slot, s)
			res.More = true
		}
	}
	r.tell(res, s)
}

// diedInBacklog reports whether an error of accept concerns a connection that is gone: see
// accept(2), "Error handling".
func diedInBacklog(errno syscall.Errno) bool {
	switch errno {
	case syscall.ECONNABORTED, syscall.ENETDOWN, syscall.EPROTO, syscall.ENOPROTOOPT,
		syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETUNREACH:
		return true
	}
	return false
}

// done is told of a request that has one completion.
func (r *Ring) done(res *result, s *slot) {
	if s.op != OpConnect && r.unasked(res, s) {
		r.revive(res.slot, s)
		return
	}
	if s.op == OpPoll && res.Errno == 0 && r.unready(res, s) {
		return
	}
	if s.op == OpTimeout && res.Errno == syscall.ETIME {
		res.Errno = 0
	}
	r.tell(res, s)
}

// unready reports whether a poll has found nothing that it was asked for: the kernel also tells
// that the peer has ended its side. To ask again would find the same at once, and go round in
// circles while the peer does not read either. So it is asked to go on, and then tells only of
// changes.
func (r *Ring) unready(res *result, s *slot) bool {
	res.N &^= unix.POLLRDHUP
	ends := s.flags&cancelled != 0 || r.closed
	switch {
	case res.More && (res.N == 0 || ends):
		return true // a cancelled one has yet to end
	case res.N == 0 && !ends:
		s.arg |= goesOn
		r.revive(res.slot, s)
		return true
	case res.N == 0:
		res.Errno = syscall.ECANCELED
	case res.More:
		// What it would still tell is dropped, as its slot is another one's.
		r.push(&sqe{opcode: opAsyncCancel, fd: -1, flags: sqeSkipSuccess,
			addr: uint64(request(res.slot, s))}, nil)
		r.revived, res.More = true, false
	}
	return false
}

// maxTries bounds how often a request is begun again that ends for no reason.
const maxTries = 100

// unasked reports whether a request is to be begun again because it has ended without anybody
// having asked for it. A request belongs to the thread that submitted it. When that thread ends, as
// it does when a goroutine ends that is locked to it, the kernel cancels its requests, whoever
// waits for them.
func (r *Ring) unasked(res *result, s *slot) bool {
	switch res.Errno {
	case syscall.ECANCELED, syscall.EFAULT, syscall.EINTR:
		if s.flags&(cancelled|answered) == 0 && !r.closed && s.tries < maxTries {
			s.tries++
			return true
		}
	}
	return false
}

// revive begins a request again, of which the client is told nothing.
func (r *Ring) revive(n int, s *slot) {
	r.revived = true
	switch s.op {
	case OpReceive:
		r.receive(n, s)
	case OpAccept:
		r.accept(n, s)
	case OpPoll:
		r.poll(n, s)
	case OpTimeout:
		r.timeout(n, s)
	}
}

// tell ends a request that does not go on, and calls its client. What nobody is told of is given
// back.
func (r *Ring) tell(res *result, s *slot) {
	c := s.client
	if !res.More {
		r.table.end(res.slot)
	}
	if c == nil || r.closed {
		res.Chunk.Release()
		if res.Op == OpAccept && res.Errno == 0 {
			_ = sys.Close(res.N)
		}
		return
	}
	c.Completed(res.Completion)
}
