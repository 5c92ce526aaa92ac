package uring

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"github.com/kettle-go/kettle/internal/sys"
)

// Ring is one io_uring with its buffers. All of its methods, and those of what it hands out, are
// loop only: they belong to one goroutine at a time.
type Ring struct {
	kernel  kernel
	fd      int
	single  bool // the kernel has no multishot receive
	mute    bool // nor sends that tell what they have sent if they fail
	closed  bool
	revived bool // something was begun again that nobody but the ring knows of
	watches bool // it will look around: see watch
	lacks   []string
	failed  error // of a submission that nobody could be told of yet
	missing error // a completion is, and all that is submitted from there on fails
	start   time.Time
	pause   time.Duration // until it looks around

	sq submissions
	cq completions

	table    table
	buffers  buffers
	sends    sends
	tiny     class // memory to send from
	small    class
	large    class
	mappings [][]byte // that no request touches: they go with the ring
}

// Open makes a ring. The error wraps ErrUnsupported if it cannot be had here, whoever asks; it does
// not if only something has run out.
func Open(c Config) (*Ring, error) { return open(c, system{}) }

func open(c Config, k kernel) (*Ring, error) {
	r := &Ring{kernel: k, fd: -1, start: time.Now(), pause: lookAfter}
	r.tiny = class{size: tinySize, count: tinyBlocks, grown: r.watch}
	r.small = class{size: smallSize, count: smallBlocks, grown: r.watch}
	r.large = class{size: largeSize, count: largeBlocks, grown: r.watch}
	p, err := r.setup(c)
	if err == nil {
		err = r.probe()
	}
	if err == nil {
		err = r.mapQueues(p)
	}
	if err == nil {
		err = r.buffers.open(r, smallSize, orDefault(c.Buffers, 8192))
	}
	if err != nil {
		r.free()
		return nil, fmt.Errorf("open a ring: %w", err)
	}
	return r, nil
}

func orDefault(n, or int) int {
	if n <= 0 {
		return or
	}
	return n
}

// maxEntries bounds what is asked of the kernel, which has a lower limit of its own.
const maxEntries = 1 << 20

// setup makes the kernel's side of the ring.
func (r *Ring) setup(c Config) (*params, error) {
	entries := min(orDefault(c.Entries, 256), maxEntries)
	completions := min(max(orDefault(c.Completions, 8192), entries), maxEntries)
	p := &params{cqEntries: uint32(completions), flags: setupCQSize | setupClamp | setupSubmitAll |
		setupCoopTaskrun | setupTaskrunFlag}
	fd, errno := r.kernel.setup(uint32(entries), p)
	if errno == syscall.EINVAL {
		return nil, unsupported("io_uring_setup: the kernel is older than Linux 5.19", errno)
	}
	if errno != 0 {
		return nil, unsupported("io_uring_setup", errno)
	}
	r.fd = fd
	const needed = featSingleMmap | featNoDrop | featSubmitStable | featFastPoll | featExtArg |
		featCQESkip
	if lacks := needed &^ p.features; lacks != 0 {
		return nil, unsupported(fmt.Sprintf("the kernel's rings lack the features %#x", lacks),
			syscall.ENOSYS)
	}
	return p, nil
}

// unsupported tells why there is no ring: wrapping ErrUnsupported if the errno says that there
// cannot be one, as system-call filters of containers do with EPERM and ENOSYS alike.
func unsupported(what string, errno syscall.Errno) error {
	err := os.NewSyscallError(what, errno)
	switch errno {
	case syscall.ENOSYS, syscall.EPERM, syscall.EACCES, syscall.EINVAL, syscall.EOPNOTSUPP:
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	return err
}

// probe asks which operations there are.
func (r *Ring) probe() error {
	p := &probe{}
	if errno := r.kernel.register(r.fd, registerProbe, unsafe.Pointer(p),
		uint32(len(p.ops))); errno != 0 {
		return unsupported("io_uring_register the probe", errno)
	}
	for _, op := range []int{opNop, opPollAdd, opTimeout, opAccept, opAsyncCancel, opConnect,
		opClose, opSend, opRecv} {
		if p.ops[op].flags&1 == 0 {
			return unsupported("the kernel's rings lack operation "+strconv.Itoa(op),
				syscall.ENOSYS)
		}
	}
	// No probe tells of multishot receive. It came with Linux 6.0, as this operation did.
	if p.ops[opSendZC].flags&1 == 0 {
		r.single = true
		r.lacks = append(r.lacks, "multishot receive (Linux 6.0)")
	}
	// A send that fails in the midst tells what it has sent since Linux 6.1, as this came.
	if p.ops[opSendmsgZC].flags&1 == 0 {
		r.mute = true
		r.lacks = append(r.lacks, "sends that do not wait (Linux 6.1)")
	}
	return nil
}

// mapQueues maps the rings of submissions and completions, and the memory for what submissions
// point to.
func (r *Ring) mapQueues(p *params) error {
	size := max(p.sq.array+p.sqEntries*4, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(cqe{})))
	rings, err := mapRing(r.fd, offRings, int(size))
	if err != nil {
		return os.NewSyscallError("mmap the rings", err)
	}
	r.mappings = append(r.mappings, rings)
	sqes, err := mapRing(r.fd, offSQEs, int(p.sqEntries)*int(unsafe.Sizeof(sqe{})))
	if err != nil {
		return os.NewSyscallError("mmap the submissions", err)
	}
	r.mappings = append(r.mappings, sqes)
	blocks, err := mapMemory((int(p.sqEntries) + 1) * blockSize)
	if err != nil {
		return os.NewSyscallError("mmap the arguments", err)
	}
	r.mappings = append(r.mappings, blocks)
	r.sq.init(p, rings, sqes, blocks)
	r.cq.init(p, rings)
	return nil
}

// Sends reports whether there is Send. Otherwise whoever would use it calls the system.
func (r *Ring) Sends() bool { return !r.mute }

// FD returns the descriptor of the ring. It is readable when there is something to reap.
func (r *Ring) FD() int { return r.fd }

// Lacks returns what this kernel lacks and the ring does in another way; nil if nothing.
func (r *Ring) Lacks() []string { return r.lacks }

// How often, and for how long each time, Close waits for requests to end.
const (
	closeLimit = 20
	closeWait  = 100 * time.Millisecond
)

// errRemains is why not everything was given back.
var errRemains = errors.New("requests that did not end keep their memory")

// Close ends all requests and gives everything back. Clients are not called any more; connections
// that were accepted and not told of are closed. Memory and chunks that clients still have remain
// valid until they are freed.
//
// It does not return before the kernel has done with each request, which takes microseconds. To
// close the descriptor would not be enough: the kernel then cancels what is under way in its own
// time, and may receive into a buffer, or send from one, after close has returned. Were that memory
// unmapped by then, it could be mapped again, as part of Go's heap. So everything is cancelled and
// waited for first. If that takes longer than 2 s, as it should not, the memory is left mapped for
// ever, and the error says so.
func (r *Ring) Close() error {
	if r.closed {
		return nil
	}
	r.closed, r.missing = true, nil
	r.buffers.abandon(r)
	r.push(&sqe{opcode: opAsyncCancel, fd: -1, opFlags: cancelAll | cancelAny,
		flags: sqeSkipSuccess}, nil)
	err := r.flush()
	for range closeLimit {
		r.sweep()
		if r.table.live == 0 && r.Prepared() == 0 {
			break
		}
		if err = r.wait(closeWait); err != nil {
			break
		}
	}
	if r.table.live > 0 {
		err = errors.Join(err, fmt.Errorf("%w: %d", errRemains, r.table.live))
	}
	if err = errors.Join(err, r.free()); err != nil {
		return fmt.Errorf("close the ring: %w", err)
	}
	return nil
}

// free gives back what the ring has. What requests may still touch stays.
func (r *Ring) free() error {
	var err error
	if r.fd >= 0 {
		err = sys.Close(r.fd)
	}
	for _, mem := range r.mappings {
		unmapMemory(mem)
	}
	// What is asked of a closed ring finds empty queues.
	r.fd, r.mappings = -1, nil
	r.sq = submissions{head: new(uint32), tail: new(uint32), flags: new(uint32)}
	r.cq = completions{head: new(uint32), tail: new(uint32)}
	if r.table.live > 0 {
		return err
	}
	r.tiny.close()
	r.small.close()
	r.large.close()
	r.buffers.close()
	return err
}
