package uring

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// What the tests look for among submissions.
const (
	RecvMultishot = recvMultishot
	KernelRecv    = opRecv
	KernelSend    = opSend
	KernelSendZC  = opSendZC
	KernelSendMsg = opSendmsgZC
	KernelAccept  = opAccept
	KernelPoll    = opPollAdd
	BriefRequests = briefRequests
	BriefBytes    = briefBytes
)

// Registrations by number.
const (
	RegisterProbe   = registerProbe
	RegisterBuffers = registerBuffers
	ForgetBuffers   = forgetBuffers
)

// Hooks stand between a ring and the system's calls. A nil function lets them through.
type Hooks struct {
	system
	Setup    func(flags uint32) syscall.Errno        // anything but 0 refuses
	Features func(features uint32) uint32            // what setup tells of
	Probe    func(op int) bool                       // false hides an operation
	Register func(op uint32) syscall.Errno           // anything but 0 refuses
	Enter    func(submit, wait uint32) syscall.Errno // anything but 0 refuses
	Submit   func(op uint8, fd int32, prio uint16)   // is shown each submission

	Enters int
	Sizes  []int // of the submissions
	Bytes  []int // that they send
	ring   *Ring
}

// OpenOn is Open with hooks.
func OpenOn(c Config, h *Hooks) (*Ring, error) {
	r, err := open(c, h)
	h.ring = r
	return r, err
}

func (h *Hooks) setup(entries uint32, p *params) (int, syscall.Errno) {
	if h.Setup != nil {
		if errno := h.Setup(p.flags); errno != 0 {
			return -1, errno
		}
	}
	fd, errno := h.system.setup(entries, p)
	if h.Features != nil {
		p.features = h.Features(p.features)
	}
	return fd, errno
}

func (h *Hooks) enter(fd int, e entry) (int, syscall.Errno) {
	h.Enters++
	h.note(e)
	if h.Enter != nil {
		if errno := h.Enter(e.submit, e.wait); errno != 0 {
			return -1, errno
		}
	}
	if h.Submit != nil && h.ring != nil {
		q := &h.ring.sq
		for i := range e.submit {
			s := &q.sqes[(atomic.LoadUint32(q.head)+i)&q.mask]
			h.Submit(s.opcode, s.fd, s.ioprio)
		}
	}
	return h.system.enter(fd, e)
}

// note notes the size of a submission.
func (h *Hooks) note(e entry) {
	if e.submit == 0 || h.ring == nil {
		return
	}
	q, bytes := &h.ring.sq, 0
	for i := range e.submit {
		if s := &q.sqes[(atomic.LoadUint32(q.head)+i)&q.mask]; s.opcode == opSend {
			bytes += int(s.len)
		}
	}
	h.Sizes, h.Bytes = append(h.Sizes, int(e.submit)), append(h.Bytes, bytes)
}

func (h *Hooks) register(fd int, op uint32, arg unsafe.Pointer, n uint32) syscall.Errno {
	if h.Register != nil {
		if errno := h.Register(op); errno != 0 {
			return errno
		}
	}
	errno := h.system.register(fd, op, arg, n)
	if op == registerProbe && h.Probe != nil {
		p := (*probe)(arg)
		for i := range p.ops {
			if !h.Probe(i) {
				p.ops[i].flags = 0
			}
		}
	}
	return errno
}

// Live returns how many requests are under way, Pages how many pages their table has.
func (r *Ring) Live() int { return r.table.live }

func (r *Ring) Pages() int {
	n := 0
	for _, p := range r.table.pages {
		if p != nil {
			n++
		}
	}
	return n
}

// Starved returns how many receives wait for a buffer.
func (r *Ring) Starved() int { return r.buffers.behind.n + r.buffers.starved.n }

// Available returns how many buffers the kernel has, Buffers how many take part.
func (r *Ring) Available() int { return r.buffers.free }
func (r *Ring) Buffers() int   { return r.buffers.have }

// Publish tells the kernel of the buffers that have come back.
func (r *Ring) Publish() { r.buffers.publish() }

// FewBuffers take part at least.
const FewBuffers = fewBuffers

// LookAfter has the ring look around after another time than it would.
func (r *Ring) LookAfter(d time.Duration) { r.pause = d }

// Look has it look around now. Withdraw has it take back the buffers that the kernel has.
func (r *Ring) Look()     { r.look() }
func (r *Ring) Withdraw() { r.buffers.withdraw(r) }

// Age has the ring do as if it had received so often into each buffer.
func (r *Ring) Age(receives uint32) {
	for id := range r.buffers.state {
		r.buffers.state[id] += receives * another
	}
}

// LookAway has it never look around, for who counts its requests.
func (r *Ring) LookAway() { r.watches = true }

// Watches reports whether it will look around.
func (r *Ring) Watches() bool { return r.watches }

// Slabs returns how many mappings there are to send from.
func (r *Ring) Slabs() int { return r.tiny.mapped + r.small.mapped + r.large.mapped }

// Spilled returns how many submissions found no place.
func (r *Ring) Spilled() int { return len(r.sq.spilled) }

// Pretend has the ring take a completion that the kernel has not made. With a buffer it is one that
// the ring has at present.
func (r *Ring) Pretend(q Request, res int, errno syscall.Errno, buffer int) {
	c := cqe{userData: uint64(q), res: int32(res)}
	if errno != 0 {
		c.res = -int32(errno)
	}
	if buffer >= 0 {
		c.flags = cqeBuffer | uint32(buffer)<<cqeBufferShift
	}
	r.complete(c)
}
