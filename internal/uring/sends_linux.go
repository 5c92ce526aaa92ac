package uring

import (
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// sends are the requests to send. They take a way of their own, as each message has one, and they
// are over when the kernel has taken them: it sends what the socket has room for, and does not
// wait for more. So it is asked to say something only where that was not all. Who heard of nothing
// has sent everything, and to know that costs no completion:
//
//	prepared ──Enter──▶ taken, and what has failed is found ──Reap──▶ told
//
// Those that are taken are told when all are that were prepared with them.
type sends struct {
	prepared []send
	taken    []send
	told     int    // of those that are taken
	first    uint32 // the number of the first that is taken
	seen     uint32 // up to where completions were looked through
}

// send is one of them.
type send struct {
	client Client
	n      int32 // how many bytes it is to send, or has sent
	errno  uint16
}

// isSend tells the token of a send, below which it has its number, from others: those of requests
// have a generation above that, and what nobody wants to know of has 0.
const isSend = 1 << 31

// manySends is for how many there is always room.
const manySends = 1024

// Send sends m.Bytes(), as a socket does that does not block: the Completion comes from the Reap
// that follows the Enter in which the kernel has taken it. Until then m may not be changed or
// freed. N is how many bytes were sent; if that is not all of them, Errno is EAGAIN, and the client
// waits with Poll until there is room, or it says what is wrong. A Send cannot be cancelled.
//
// The kernel is asked for all of it (MSG_WAITALL) but not to wait (MSG_DONTWAIT): so one that was
// sent in part has failed, and is told of, with what was sent. That is so from Linux 6.1 on.
func (r *Ring) Send(fd int, m Memory, c Client) {
	if r.closed {
		return
	}
	s := &r.sends
	number := s.first + uint32(len(s.taken)+len(s.prepared))
	n := m.Len()
	e, there := r.sq.place()
	e.opcode, e.flags, e.fd = opSend, sqeSkipSuccess, int32(fd)
	e.addr, e.len = address(m.Bytes()), uint32(n)
	e.opFlags = unix.MSG_NOSIGNAL | unix.MSG_WAITALL | unix.MSG_DONTWAIT
	e.userData = isSend | uint64(number&^isSend)
	if !there {
		r.push(e, nil)
	}
	r.sq.sends = r.sq.end
	// Only now, as to make room may have submitted those before it.
	s.prepared = append(s.prepared, send{client: c, n: int32(n)})
}

// failed notes what the kernel has said of a request, and reports whether it is one to send.
func (s *sends) failed(q Request, res int32) bool {
	i := int((uint32(q) - s.first) &^ isSend)
	if q&^(isSend-1) != isSend || i < s.told || i >= len(s.taken)+len(s.prepared) {
		return false
	}
	which := s.taken
	if i >= len(s.taken) {
		which, i = s.prepared, i-len(s.taken)
	}
	which[i].n, which[i].errno = max(res, 0), uint16(syscall.EAGAIN)
	if res < 0 {
		which[i].errno = uint16(-res)
	}
	return true
}

// over reports whether the kernel has taken everything that is prepared, and has said what it says
// of that. There are none of before that are not told of.
func (r *Ring) over() bool {
	s := &r.sends
	return len(s.prepared) > 0 && s.told == len(s.taken) && len(r.sq.spilled) == 0 &&
		int32(atomic.LoadUint32(r.sq.head)-r.sq.sends) >= 0 && !r.overflown()
}

// take notes what is over. It is looked for at once, as there may be a thousand completions of
// others before it. Where some have found no place yet, it is put off.
func (r *Ring) take() {
	if !r.over() {
		return
	}
	s := &r.sends
	s.pass(r.cq.next)
	for tail := atomic.LoadUint32(r.cq.tail); s.seen != tail; s.seen++ {
		c := &r.cq.cqes[s.seen&r.cq.mask]
		s.failed(Request(c.userData), c.res)
	}
	s.first += uint32(len(s.taken))
	room := s.taken[:0]
	if cap(room) > 4*len(s.prepared) && cap(room) > manySends {
		room = nil // a burst is over
	}
	s.taken, s.prepared, s.told = s.prepared, room, 0
}

// pass notes up to where completions were reaped. It is to be called at least every 2^31 of them.
func (s *sends) pass(next uint32) {
	if int32(next-s.seen) > 0 {
		s.seen = next
	}
}

// tellSent tells the clients of what was taken. One may panic: the others are told by the next
// Reap.
func (r *Ring) tellSent() {
	for s := &r.sends; r.sent() && !r.closed; {
		if r.take(); s.told == len(s.taken) {
			return
		}
		one := &s.taken[s.told]
		c := one.client
		one.client = nil
		s.told++
		c.Completed(Completion{Op: OpSend, Errno: syscall.Errno(one.errno), N: int(one.n)})
	}
}

// sent reports whether there is something that tellSent would tell.
func (r *Ring) sent() bool { return r.sends.told < len(r.sends.taken) || r.over() }
