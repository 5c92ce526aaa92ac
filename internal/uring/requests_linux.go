package uring

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
)

// begin takes a slot for a request. A closed ring has none: then the request is 0, and nobody is
// told of anything.
func (r *Ring) begin(op Op, fd int, c Client) (int, *slot, Request) {
	if r.closed {
		return 0, nil, 0
	}
	n, s := r.table.begin(op, fd, c)
	return n, s, request(n, s)
}

// Receive receives from a socket into buffers of the ring, of 4 KiB, and goes on with it: each
// Completion has a Chunk, until there is one without More, which is the end of the stream
// (N is 0), an error, or a cancellation. While no buffer is free it waits for one, behind those
// that have waited for longer.
func (r *Ring) Receive(fd int, c Client) Request {
	n, s, q := r.begin(OpReceive, fd, c)
	if s == nil {
		return 0
	}
	if r.single || isUnix(fd) {
		s.flags |= single
	}
	r.receive(n, s)
	return q
}

// isUnix reports whether a descriptor is a unix socket. Those are not received from by a request
// that goes on: Linux 6.17 and 6.18, but for their last releases, lose the end of the stream if it
// comes together with the last bytes.
func isUnix(fd int) bool {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	return err == nil && domain == unix.AF_UNIX
}

// receive begins a receive. A single one looks for something to receive before it takes a buffer:
// otherwise a silent connection would fail for want of one. One that goes on does not: the kernel
// is known to lose an end that is there when it begins so.
func (r *Ring) receive(n int, s *slot) {
	flags := uint16(recvMultishot)
	if s.flags&single != 0 {
		flags = recvPollFirst
	}
	r.push(&sqe{opcode: opRecv, fd: s.fd, flags: sqeBufferSelect, ioprio: flags, group: bufferGroup,
		userData: uint64(request(n, s))}, nil)
}

// Accept accepts connections, and goes on with it until there is a Completion without More. N is a
// descriptor, non-blocking and closed on exec, which is the client's. Connections that died in the
// backlog are skipped.
func (r *Ring) Accept(fd int, c Client) Request {
	n, s, q := r.begin(OpAccept, fd, c)
	if s == nil {
		return 0
	}
	r.accept(n, s)
	return q
}

func (r *Ring) accept(n int, s *slot) {
	r.push(&sqe{opcode: opAccept, fd: s.fd, ioprio: acceptMultishot,
		opFlags: unix.SOCK_NONBLOCK | unix.SOCK_CLOEXEC, userData: uint64(request(n, s))}, nil)
}

// Connect connects a TCP socket. It may be told ECANCELED without having been cancelled: if the
// thread has ended that had submitted it.
func (r *Ring) Connect(fd int, addr netip.AddrPort, c Client) Request {
	var b [unix.SizeofSockaddrInet6]byte
	binary.BigEndian.PutUint16(b[2:], addr.Port())
	ip := addr.Addr()
	size := unix.SizeofSockaddrInet4
	if ip.Is4() || ip.Is4In6() {
		four := ip.As4()
		binary.NativeEndian.PutUint16(b[:], unix.AF_INET)
		copy(b[4:], four[:])
	} else {
		sixteen := ip.As16()
		binary.NativeEndian.PutUint16(b[:], unix.AF_INET6)
		copy(b[8:], sixteen[:])
		binary.NativeEndian.PutUint32(b[24:], zone(ip))
		size = unix.SizeofSockaddrInet6
	}
	return r.connect(fd, b[:size], c)
}

// zone returns the number of the interface that an address names.
func zone(ip netip.Addr) uint32 {
	if n, err := strconv.ParseUint(ip.Zone(), 10, 32); err == nil {
		return uint32(n)
	}
	if ip.Zone() == "" {
		return 0
	}
	ifi, err := net.InterfaceByName(ip.Zone())
	if err != nil {
		return 0
	}
	return uint32(ifi.Index)
}

// ConnectUnix connects a unix socket to the one that listens on path; "@name" is a name that is in
// no file system. A path that is too long is EINVAL.
func (r *Ring) ConnectUnix(fd int, path string, c Client) Request {
	// One byte more than an address may have: the kernel refuses what reaches it.
	var b [unix.SizeofSockaddrUnix + 1]byte
	binary.NativeEndian.PutUint16(b[:], unix.AF_UNIX)
	size := 2 + copy(b[2:], path)
	if path != "" && path[0] == '@' {
		b[2] = 0
	} else {
		size = min(size+1, len(b)) // the NUL at the end
	}
	return r.connect(fd, b[:size], c)
}

func (r *Ring) connect(fd int, addr []byte, c Client) Request {
	_, s, q := r.begin(OpConnect, fd, c)
	if s == nil {
		return 0
	}
	r.push(&sqe{opcode: opConnect, fd: s.fd, off: uint64(len(addr)), userData: uint64(q)}, addr)
	return q
}

// Shutdown ends the sending side of a socket, behind what was prepared to be sent.
//
// It is an ordinary system call, whose outcome only is told as that of a request: the kernel does
// an io_uring shutdown on a thread of its own, which costs many times as much.
func (r *Ring) Shutdown(fd int, c Client) Request {
	n, s, q := r.begin(OpShutdown, fd, c)
	if s == nil {
		return 0
	}
	if len(r.sends.prepared) > 0 {
		r.fail(r.submit())
	}
	errno, _ := unix.Shutdown(fd, unix.SHUT_WR).(syscall.Errno)
	r.answer(n, s, errno)
	return q
}

// answer has the kernel send back what the outcome is, so that a client is always told by Reap, and
// the ring's descriptor becomes readable.
func (r *Ring) answer(n int, s *slot, errno syscall.Errno) {
	s.flags |= answered
	s.arg = uint8(errno)
	r.push(&sqe{opcode: opNop, fd: -1, userData: uint64(request(n, s))}, nil)
}

// goesOn is in the arg of a poll that is not asked once: see unready.
const goesOn = 1 << 7

// Poll waits until a descriptor is readable, or writable, or either, once. N is what poll(2) would
// say.
func (r *Ring) Poll(fd int, read, write bool, c Client) Request {
	n, s, q := r.begin(OpPoll, fd, c)
	if s == nil {
		return 0
	}
	if read {
		s.arg |= unix.POLLIN
	}
	if write {
		s.arg |= unix.POLLOUT
	}
	r.poll(n, s)
	return q
}

func (r *Ring) poll(n int, s *slot) {
	// The events are 16 bits at the beginning of the field, whatever the order of bytes.
	var b [4]byte
	binary.NativeEndian.PutUint16(b[:], uint16(s.arg&^goesOn))
	e := sqe{opcode: opPollAdd, fd: s.fd, opFlags: binary.NativeEndian.Uint32(b[:]),
		userData: uint64(request(n, s))}
	if s.arg&goesOn != 0 {
		e.len = pollMultishot
	}
	r.push(&e, nil)
}

// Timeout completes when d has passed.
func (r *Ring) Timeout(d time.Duration, c Client) Request {
	n, s, q := r.begin(OpTimeout, -1, c)
	if s == nil {
		return 0
	}
	s.setTime(time.Since(r.start) + max(d, 0))
	r.timeout(n, s)
	return q
}

func (r *Ring) timeout(n int, s *slot) {
	left := max(s.time()-time.Since(r.start), 0)
	ts := timespec{int64(left / time.Second), int64(left % time.Second)}
	argument := (*[unsafe.Sizeof(ts)]byte)(unsafe.Pointer(&ts))
	r.push(&sqe{opcode: opTimeout, fd: -1, len: 1, userData: uint64(request(n, s))}, argument[:])
}

// Cancel ends a request, if it is not over. Its Completion still comes, without More, with
// ECANCELED or what it had done before; others with More may come before that one.
func (r *Ring) Cancel(q Request) {
	if n, s := r.table.find(q); s != nil && !r.closed {
		r.cancel(n, s)
	}
}

func (r *Ring) cancel(n int, s *slot) {
	if s.flags&(cancelled|answered) != 0 {
		return
	}
	s.flags |= cancelled
	if s.flags&waits != 0 {
		r.buffers.forget(r, n, s)
		r.answer(n, s, syscall.ECANCELED)
		return
	}
	r.push(&sqe{opcode: opAsyncCancel, fd: -1, flags: sqeSkipSuccess,
		addr: uint64(request(n, s))}, nil)
}

// CancelFD cancels all requests on a descriptor.
//
// It does so one by one. The kernel could be asked for all of a descriptor, but it would look at
// every request of the ring for that: ten thousand connections that end would cost ten thousand
// times as much.
func (r *Ring) CancelFD(fd int) {
	if !r.closed {
		r.table.ofFD(fd, r.cancel)
	}
}

// CloseFD closes a descriptor, behind what was prepared before, and nobody is told. What is under
// way on it is cancelled: a request keeps a connection alive after its descriptor, and one that is
// begun again would go to whoever has the number by then.
func (r *Ring) CloseFD(fd int) {
	if r.closed {
		_ = sys.Close(fd)
		return
	}
	r.CancelFD(fd)
	r.push(&sqe{opcode: opClose, fd: int32(fd), flags: sqeSkipSuccess}, nil)
}

// Memory returns a block to send from, of the first of 256 bytes, 4 KiB and 64 KiB that is enough
// for n bytes, or else of 64 KiB.
func (r *Ring) Memory(n int) Memory {
	switch {
	case n <= tinySize:
		return r.tiny.alloc()
	case n <= smallSize:
		return r.small.alloc()
	}
	return r.large.alloc()
}
