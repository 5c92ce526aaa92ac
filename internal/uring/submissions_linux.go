package uring

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// blockSize is what there is for the argument of a submission: an address of any family, or a
// time. The kernel has read it when it has taken the submission, so each place in the queue has a
// block of its own.
const blockSize = 128

// submissions is the queue of what was prepared. The kernel takes from its head, and only while it
// is entered; we append to its tail.
type submissions struct {
	head, tail, flags *uint32 // shared with the kernel
	entries, mask     uint32
	end               uint32 // the tail, which the kernel is told of when it is entered
	taken             uint32 // the head, as it was when we looked
	sends             uint32 // the end, behind the last request to send
	sqes              []sqe
	blocks            []byte
	spilled           []spilled // what found no room in the queue, in order
}

// spilled is a submission that waits for room, as the kernel takes none.
type spilled struct {
	sqe   sqe
	block []byte
}

func (s *submissions) init(p *params, rings, sqes, blocks []byte) {
	s.head, s.tail = word(rings, p.sq.head), word(rings, p.sq.tail)
	s.flags = word(rings, p.sq.flags)
	s.entries, s.mask = p.sqEntries, p.sqEntries-1
	s.sqes = unsafe.Slice((*sqe)(unsafe.Pointer(&sqes[0])), p.sqEntries)
	s.blocks = blocks
	// The queue is a ring of numbers of submissions. We use them in order.
	for i := range p.sqEntries {
		*word(rings, p.sq.array+4*i) = i
	}
}

// word returns the 32-bit word at an offset.
func word(mem []byte, offset uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&mem[offset]))
}

// full reports whether there is no place.
func (s *submissions) full() bool {
	if s.end-s.taken < s.entries {
		return false
	}
	s.taken = atomic.LoadUint32(s.head)
	return s.end-s.taken == s.entries
}

// put appends a submission; there is a place. If it has an argument, its address is set.
func (s *submissions) put(e *sqe, argument []byte) {
	i := s.end & s.mask
	s.sqes[i] = *e
	if argument != nil {
		block := s.blocks[i*blockSize : (i+1)*blockSize]
		copy(block, argument)
		s.sqes[i].addr = address(block)
	}
	s.end++
	if e.opcode == opSend {
		s.sends = s.end
	}
}

// place returns an empty submission that is in the queue, for who fills it in at once: to make one
// elsewhere and to copy it costs twice as much. If there is no room it is not in the queue, and is
// to be pushed.
func (s *submissions) place() (e *sqe, there bool) {
	if len(s.spilled) > 0 || s.full() {
		return new(sqe), false
	}
	e = &s.sqes[s.end&s.mask]
	*e = sqe{}
	s.end++
	return e, true
}

// address returns where memory outside of Go's heap is.
func address(mem []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(mem)))) }

// unspill moves what there are places for into the queue.
func (s *submissions) unspill() {
	n := 0
	for n < len(s.spilled) && !s.full() {
		s.put(&s.spilled[n].sqe, s.spilled[n].block)
		n++
	}
	if n > 0 {
		s.spilled = slices.Delete(s.spilled, 0, n)
	}
	if len(s.spilled) == 0 {
		s.spilled = nil
	}
}

// push prepares a submission. If there is no place, what was prepared is submitted; if that fails,
// it waits in Go's memory for the next Enter, which returns the error.
func (r *Ring) push(e *sqe, argument []byte) {
	if len(r.sq.spilled) == 0 && r.sq.full() {
		r.fail(r.submit())
	}
	if len(r.sq.spilled) > 0 || r.sq.full() {
		r.sq.spilled = append(r.sq.spilled, spilled{*e, slices.Clone(argument)})
		return
	}
	r.sq.put(e, argument)
}

// fail keeps an error for the next Enter, as nobody can be told of it yet.
func (r *Ring) fail(err error) {
	if r.failed == nil {
		r.failed = err
	}
}

// Prepared returns how many requests wait for the next Enter. A loop that finds some after Enter
// must not wait without end: the kernel had no room for them.
func (r *Ring) Prepared() int {
	return int(r.sq.end-atomic.LoadUint32(r.sq.head)) + len(r.sq.spilled)
}

// Enter submits what was prepared, and has the kernel do what it has put off. It never waits, and
// is no system call if there is nothing to do. What the kernel has no room for at present stays
// prepared, for which there is no error: see Prepared.
func (r *Ring) Enter() error {
	r.rearm()
	return r.flush()
}

// flush submits, and returns also the error of an earlier submission that nobody was told of.
func (r *Ring) flush() error {
	err := r.submit()
	if r.failed != nil {
		err, r.failed = r.failed, nil
	}
	if r.missing != nil {
		return r.missing
	}
	return err
}

// submit enters the kernel until everything is submitted, or it takes nothing more.
func (r *Ring) submit() error {
	for {
		r.sq.unspill()
		head := atomic.LoadUint32(r.sq.head)
		n := r.sq.brief(head)
		if n == 0 && !r.owing() {
			return nil
		}
		took, errno := r.enter(entry{submit: n})
		switch {
		case errno == syscall.EINTR:
		case errno == syscall.EAGAIN || errno == syscall.EBUSY:
			return nil // it has no memory, or wants its completions reaped first
		case errno == syscall.EBADR: // it says so once only
			r.missing = fmt.Errorf("the kernel has lost a completion: %w",
				os.NewSyscallError("io_uring_enter", errno))
			return r.missing
		case errno != 0:
			return fmt.Errorf("submit requests: %w", os.NewSyscallError("io_uring_enter", errno))
		case took == 0, head+uint32(took) == r.sq.end && len(r.sq.spilled) == 0:
			return nil
		}
	}
}

// The most that is submitted in one call: it takes some 100 µs, for which a stop of the world may
// have to wait.
const (
	briefRequests = 128
	briefBytes    = 64 << 10
)

// brief returns how many submissions, from the head on, are submitted in one call.
func (s *submissions) brief(head uint32) uint32 {
	n, bytes := uint32(0), 0
	for head+n != s.end && n < briefRequests && bytes < briefBytes {
		if e := &s.sqes[(head+n)&s.mask]; e.opcode == opSend {
			bytes += int(e.len)
		}
		n++
	}
	return n
}

// enter is the system call. The kernel is told how far we are with both queues.
func (r *Ring) enter(e entry) (int, syscall.Errno) {
	atomic.StoreUint32(r.sq.tail, r.sq.end)
	r.cq.publish()
	e.flags |= enterGetEvents
	n, errno := r.kernel.enter(r.fd, e)
	r.take()
	return n, errno
}

// wait submits, and waits until there is a completion, or for a time.
func (r *Ring) wait(timeout time.Duration) error {
	r.sq.unspill()
	// The last block is nobody's. What the kernel reads lies outside of the stack, which moves.
	block := r.sq.blocks[len(r.sq.blocks)-blockSize:]
	arg := (*waitArg)(unsafe.Pointer(&block[0]))
	ts := (*timespec)(unsafe.Pointer(&block[blockSize/2]))
	*ts = timespec{int64(timeout / time.Second), int64(timeout % time.Second)}
	*arg = waitArg{timespec: address(block[blockSize/2:])}
	_, errno := r.enter(entry{submit: r.sq.end - atomic.LoadUint32(r.sq.head), wait: 1,
		flags: enterExtArg, arg: uintptr(address(block)), size: unsafe.Sizeof(*arg)})
	switch errno {
	case 0, syscall.EINTR, syscall.ETIME, syscall.EAGAIN, syscall.EBUSY:
		return nil
	}
	return fmt.Errorf("wait for completions: %w", os.NewSyscallError("io_uring_enter", errno))
}
