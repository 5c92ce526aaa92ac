package uring_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

// echo answers what it receives, from one block at a time, as a connection does.
type echo struct {
	ring *uring.Ring
	fd   int
	m    uring.Memory
	n    int // messages answered
}

func (e *echo) Completed(c uring.Completion) {
	switch c.Op {
	case uring.OpReceive:
		e.m = e.ring.Memory(len(c.Chunk.Bytes))
		e.m.Append(c.Chunk.Bytes)
		c.Chunk.Release()
		e.ring.Send(e.fd, e.m, e)
	case uring.OpSend:
		e.m.Free()
		e.n++
	}
}

// exchange sends a message and returns when its answer is there.
func exchange(t testing.TB, r *uring.Ring, e *echo, peer int, text, buf []byte) {
	if _, err := sys.TrySend(peer, text); err != nil {
		t.Fatal(err)
	}
	for n := e.n; e.n == n; {
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
		r.Reap(10)
	}
	n, err := sys.TryRecv(peer, buf)
	for sys.WouldBlock(err) {
		n, err = sys.TryRecv(peer, buf)
	}
	if n != len(text) || err != nil {
		t.Fatalf("the answer has %d bytes: %v", n, err)
	}
}

func TestMessagesAllocateNothing(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := connection(t)
	e := &echo{ring: r, fd: a}
	r.Receive(a, e)
	text, buf := make([]byte, 64), make([]byte, 64)
	exchange(t, r, e, b, text, buf)
	if n := testing.AllocsPerRun(1000, func() { exchange(t, r, e, b, text, buf) }); n != 0 {
		t.Errorf("%v allocations per message", n)
	}
	c := &discard{}
	if n := testing.AllocsPerRun(1000, func() {
		r.Cancel(r.Poll(a, true, false, c))
		r.Timeout(0, c)
		for r.Live() > 1 {
			if err := r.Enter(); err != nil {
				t.Fatal(err)
			}
			r.Reap(10)
		}
	}); n != 0 {
		t.Errorf("%v allocations per poll, cancel and time-out", n)
	}
}

type discard struct{}

func (*discard) Completed(uring.Completion) {}

func BenchmarkMessage(b *testing.B) {
	r := open(b, uring.Config{})
	server, peer := connection(b)
	e := &echo{ring: r, fd: server}
	r.Receive(server, e)
	text, buf := make([]byte, 64), make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		exchange(b, r, e, peer, text, buf)
	}
}

func BenchmarkRequest(b *testing.B) {
	r := open(b, uring.Config{})
	fd, _ := pair(b)
	c := &discard{}
	b.ReportAllocs()
	for b.Loop() {
		for range 32 {
			r.Poll(fd, false, true, c)
		}
		for r.Live() > 0 {
			if err := r.Enter(); err != nil {
				b.Fatal(err)
			}
			r.Reap(64)
		}
	}
}

// link is a connection of the random test: what was sent by the peer, what has come.
type link struct {
	*client
	fd, peer int
	request  uring.Request
	sent     []byte
	open     bool // a receive is under way
}

// TestBytesSurviveAnyOrderOfCalls: connections send, hoard, release, cancel, receive anew, are
// closed and begun anew, as chance has it, with hardly any buffers, places and completions; nothing
// is lost, doubled or another connection's, on a kernel with and without multishot receive, and on
// one that is interrupted and busy now and then.
func TestBytesSurviveAnyOrderOfCalls(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { anyOrder(t, seed) })
	}
}

func anyOrder(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 5))
	h := &uring.Hooks{}
	if seed%2 == 1 {
		h.Probe = func(op int) bool { return op != uring.KernelSendZC }
	}
	if seed%4 > 1 {
		h.Enter = func(uint32, uint32) syscall.Errno {
			return []syscall.Errno{0, 0, 0, syscall.EINTR, syscall.EBUSY}[random.IntN(5)]
		}
	}
	r := hooked(t, uring.Config{Entries: 4, Completions: 8, Buffers: 4}, h)
	links := make([]*link, 12)
	for i := range links {
		links[i] = newLink(t, r, random)
	}
	var retired []*link
	deadline := time.Now().Add(limit)
	for range 3000 {
		i := random.IntN(len(links))
		if l := links[i]; random.IntN(60) == 0 && !l.open && len(l.held) == 0 {
			r.CloseFD(l.fd)
			retired = append(retired, l)
			links[i] = newLink(t, r, random)
		} else {
			step(t, r, random, l)
		}
		if time.Now().After(deadline) {
			t.Fatal("it takes too long")
		}
	}
	h.Enter = nil
	for _, l := range links {
		l.hoard = false
		l.release()
	}
	for _, l := range links {
		drive(t, r, "the rest comes", func() bool {
			if !l.open { // the end of a cancelled one comes now
				l.receive(r)
			}
			return len(l.bytes) == len(l.sent)
		})
	}
	for _, l := range append(links, retired...) {
		if !slices.Equal(l.bytes, l.sent[:len(l.bytes)]) {
			t.Fatal("other bytes have come than were sent")
		}
	}
	if r.Available() != 4 {
		t.Errorf("%d buffers are left", r.Available())
	}
}

func newLink(t *testing.T, r *uring.Ring, random *rand.Rand) *link {
	a, b := pair(t)
	if random.IntN(2) == 0 {
		a, b = connection(t)
	}
	l := &link{client: &client{}, fd: a, peer: b}
	l.then = func(c uring.Completion) { l.open = c.More }
	l.receive(r)
	return l
}

func (l *link) receive(r *uring.Ring) {
	l.open = true
	l.request = r.Receive(l.fd, l)
}

func step(t *testing.T, r *uring.Ring, random *rand.Rand, l *link) {
	switch random.IntN(12) {
	case 0, 1, 2, 3:
		p := make([]byte, 1+random.IntN(3000))
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		n, err := sys.TrySend(l.peer, p)
		if err != nil && !sys.WouldBlock(err) {
			t.Fatal(err)
		}
		l.sent = append(l.sent, p[:max(n, 0)]...)
	case 4:
		l.hoard = random.IntN(2) == 0
	case 5:
		l.release()
	case 6:
		r.Cancel(l.request)
	case 7:
		r.CancelFD(l.fd)
	case 8:
		if !l.open {
			l.receive(r)
		}
	default:
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
		r.Reap(random.IntN(20))
		r.Reap(random.IntN(2) * 1000)
	}
}
