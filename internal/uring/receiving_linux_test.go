package uring_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

func TestReceiveGoesOnUntilTheEndOfTheStream(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := connection(t)
	c := &client{}
	q := r.Receive(a, c)
	for _, text := range []string{"one", "two", "three"} {
		before := len(c.bytes)
		send(t, b, []byte(text))
		drive(t, r, "bytes come", func() bool { return len(c.bytes) > before })
		if got := c.last(); got.N != len(text) || !got.More || got.Request != q {
			t.Errorf("the client was told %s of request %#x, want %#x", tell(got), got.Request, q)
		}
	}
	if err := sys.Shutdown(b, sys.ShutdownWrite); err != nil {
		t.Fatal(err)
	}
	drive(t, r, "the end comes", func() bool { return c.ended > 0 })
	want(t, c, uring.OpReceive, nil, 0, false)
	if !bytes.Equal(c.bytes, []byte("onetwothree")) {
		t.Errorf("received %q", c.bytes)
	}
	if r.Live() != 0 || r.Available() != uring.FewBuffers {
		t.Errorf("%d requests are under way, and %d buffers are there", r.Live(),
			r.Available())
	}
}

// TestBytesArriveInOrder sends more than there are buffers, and so often that the tail of their
// ring, which has 16 bits, begins again.
func TestBytesArriveInOrder(t *testing.T) {
	for _, most := range []int{4, 64} {
		r := open(t, uring.Config{Buffers: most})
		a, b := connection(t)
		c := &client{}
		q := r.Receive(a, c)
		text := bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz"), 10_000)
		got := 0
		c.then = func(done uring.Completion) {
			if !bytes.Equal(c.bytes, text[got:got+len(c.bytes)]) {
				t.Fatal("other bytes have come than were sent")
			}
			got += len(c.bytes)
			c.bytes = c.bytes[:0]
		}
		for sent := 0; sent < len(text); {
			n, err := sys.TrySend(b, text[sent:min(sent+5000, len(text))])
			if err != nil && !sys.WouldBlock(err) {
				t.Fatal(err)
			}
			sent += max(n, 0)
			turn(t, r, 0)
			c.all = c.all[:0]
		}
		drive(t, r, "all bytes come", func() bool { return got == len(text) })
		got = 0
		text = bytes.Repeat([]byte("x"), 70_000)
		for got < len(text) {
			send(t, b, text[:1])
			before := got
			drive(t, r, "a byte comes", func() bool { return got > before })
			c.all = c.all[:0]
		}
		r.Cancel(q)
	}
}

func TestReceiveOfABrokenConnection(t *testing.T) {
	r := open(t, uring.Config{})
	listener, addr := listen(t)
	b, err := sys.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	accepts := &client{}
	r.Accept(listener, accepts)
	drive(t, r, "the connection is accepted", func() bool { return len(accepts.all) == 1 })
	a := accepts.last().N
	closeAtEnd(t, a)
	c := &client{}
	r.Receive(a, c)
	settle(t, r)
	if err := sys.Reset(b); err != nil {
		t.Fatal(err)
	}
	drive(t, r, "the error comes", func() bool { return c.ended == 1 })
	want(t, c, uring.OpReceive, syscall.ECONNRESET, 0, false)
}

func TestReceiveOfWhatIsNotOpen(t *testing.T) {
	r := open(t, uring.Config{})
	for _, fd := range []int{-1, 1 << 20, 1 << 30} {
		c := &client{}
		r.Receive(fd, c)
		drive(t, r, "the error comes", func() bool { return c.ended == 1 })
		want(t, c, uring.OpReceive, syscall.EBADF, 0, false)
	}
}

// crowd is some connections that all receive.
type crowd struct {
	fds     []int
	peers   []int
	clients []*client
	order   []int // who was told of bytes, in order
}

func newCrowd(t *testing.T, r *uring.Ring, n int) *crowd {
	t.Helper()
	w := &crowd{}
	for i := range n {
		a, b := connection(t)
		c := &client{hoard: true}
		c.then = func(uring.Completion) { w.order = append(w.order, i) }
		w.fds, w.peers = append(w.fds, a), append(w.peers, b)
		w.clients = append(w.clients, c)
		r.Receive(a, c)
	}
	return w
}

// TestReceivesThatFindNoBufferWaitInOrder: nobody is told, nothing spins, and each has its turn.
func TestReceivesThatFindNoBufferWaitInOrder(t *testing.T) {
	h := &uring.Hooks{}
	r := hooked(t, uring.Config{Buffers: 4}, h)
	w := newCrowd(t, r, 20)
	settle(t, r) // all are armed, and none has needed a buffer for that
	if r.Starved() != 0 {
		t.Fatalf("%d receives are starved, and nothing was sent", r.Starved())
	}
	var expected []int
	for i, peer := range w.peers {
		send(t, peer, []byte{byte(i)})
		settle(t, r)
		expected = append(expected, i)
	}
	if len(w.order) != 4 || r.Starved() != 16 || r.Available() != 0 {
		t.Fatalf("%v were told, %d are starved, and there are %d buffers", w.order, r.Starved(),
			r.Available())
	}
	before := h.Enters
	settle(t, r)
	if h.Enters != before {
		t.Errorf("the kernel was entered %d times, and nothing was to be done", h.Enters-before)
	}
	for i := range w.clients {
		drive(t, r, "the next has its turn", func() bool { return len(w.order) > i })
		w.clients[w.order[i]].release()
	}
	for i, at := range expected {
		if w.order[i] != at {
			t.Fatalf("they had their turns in the order %v", w.order)
		}
	}
	settle(t, r)
	if r.Available() != 4 || r.Starved() != 0 {
		t.Errorf("%d buffers are there, %d receives are starved", r.Available(), r.Starved())
	}
}

// TestSilentConnectionDoesNotKeepABufferFromOthers: what some waited for is gone, and the buffer
// that comes back finds its way to the one who needs it, though nobody but the ring does anything.
func TestSilentConnectionDoesNotKeepABufferFromOthers(t *testing.T) {
	r := open(t, uring.Config{Buffers: 1})
	w := newCrowd(t, r, 12)
	settle(t, r)
	for _, peer := range w.peers {
		send(t, peer, []byte("x"))
		settle(t, r)
	}
	if r.Starved() != 11 {
		t.Fatalf("%d receives are starved", r.Starved())
	}
	for _, fd := range w.fds[1:11] {
		if string(tryReceive(t, fd)) != "x" {
			t.Fatal("there was nothing to take away")
		}
	}
	w.clients[0].release()
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	// From here on nobody enters the kernel but the ring.
	for len(w.order) < 2 {
		await(t, r.FD(), sys.PollIn)
		r.Reap(1000)
	}
	if w.order[1] != 11 || r.Starved() != 0 {
		t.Errorf("%v were told, %d are starved", w.order, r.Starved())
	}
}

// TestReceiveThatWasBeatenToItsBufferKeepsItsPlace before those that have waited less.
func TestReceiveThatWasBeatenToItsBufferKeepsItsPlace(t *testing.T) {
	r := open(t, uring.Config{Buffers: 1})
	w := newCrowd(t, r, 4)
	settle(t, r)
	for i := range 3 {
		send(t, w.peers[i], []byte("x"))
		drive(t, r, "one has the buffer, the others wait", func() bool {
			return len(w.order) == 1 && r.Starved() == i
		})
	}
	w.clients[0].release()
	r.Publish()                      // as if another thread received at this moment
	send(t, w.peers[3], []byte("x")) // is armed, and so is faster than 1, which must be begun again
	await(t, r.FD(), sys.PollIn)
	drive(t, r, "the fast one is told", func() bool { return len(w.order) == 2 })
	settle(t, r)
	for i := 1; i < 4; i++ {
		w.clients[w.order[i]].release()
		drive(t, r, "the next is told", func() bool { return len(w.order) == min(i+2, 4) })
	}
	if w.order[1] != 3 || w.order[2] != 1 || w.order[3] != 2 {
		t.Errorf("they had their turns in the order %v, want 0, 3, 1, 2", w.order)
	}
}

// TestClientThatHoardsDoesNotStopOthers, as there are two kinds of buffers, and who has none is
// only late.
func TestClientThatHoardsDoesNotStopOthers(t *testing.T) {
	r := open(t, uring.Config{Buffers: 8})
	a, b := connection(t)
	hoarder := &client{hoard: true}
	q := r.Receive(a, hoarder)
	hoarder.then = func(uring.Completion) {
		if len(hoarder.held) == 6 {
			r.Cancel(q)
		}
	}
	settle(t, r)
	chunk := bytes.Repeat([]byte("h"), 4096)
	for range 6 {
		send(t, b, chunk)
		settle(t, r)
	}
	drive(t, r, "the hoarder is stopped", func() bool { return hoarder.ended == 1 })
	w := newCrowd(t, r, 30)
	for _, c := range w.clients {
		c.hoard = false
	}
	for _, peer := range w.peers {
		send(t, peer, []byte("x"))
	}
	drive(t, r, "all others are served", func() bool { return len(w.order) == 30 })
	hoarder.release()
}

// TestStarvedReceiveCanBeCancelled, which is not known to the kernel.
func TestStarvedReceiveCanBeCancelled(t *testing.T) {
	r := open(t, uring.Config{Buffers: 1})
	first, peer := connection(t)
	hoarder := &client{hoard: true}
	r.Receive(first, hoarder)
	send(t, peer, []byte("x"))
	drive(t, r, "the buffer is taken", func() bool { return len(hoarder.held) == 1 })
	var clients []*client
	var requests []uring.Request
	var fds []int
	for i := range 4 {
		a, b := connection(t)
		c := &client{}
		clients, fds = append(clients, c), append(fds, a)
		requests = append(requests, r.Receive(a, c))
		send(t, b, []byte("y"))
		drive(t, r, "it is starved", func() bool { return r.Starved() == i+1 })
	}
	r.Cancel(requests[1])
	r.Cancel(requests[1])
	r.CancelFD(fds[3])
	drive(t, r, "they are told", func() bool { return clients[1].ended+clients[3].ended == 2 })
	want(t, clients[1], uring.OpReceive, syscall.ECANCELED, 0, false)
	want(t, clients[3], uring.OpReceive, syscall.ECANCELED, 0, false)
	hoarder.release()
	drive(t, r, "the others have their turns", func() bool {
		return len(clients[0].bytes)+len(clients[2].bytes) == 2
	})
	if len(clients[1].all) != 1 || len(clients[3].all) != 1 {
		t.Error("those that were cancelled were told of more")
	}
}

// TestUnixSocketsAreReceivedFromOnceAtATime, as not every kernel tells their end otherwise; and
// where nothing has come, no buffer is needed.
func TestUnixSocketsAreReceivedFromOnceAtATime(t *testing.T) {
	h := &uring.Hooks{}
	multishot := map[int32]bool{}
	h.Submit = func(op uint8, fd int32, prio uint16) {
		if op == uring.KernelRecv {
			multishot[fd] = prio&uring.RecvMultishot != 0
		}
	}
	r := hooked(t, uring.Config{Buffers: 1}, h)
	over, peer := connection(t)
	hoarder := &client{hoard: true}
	r.Receive(over, hoarder)
	send(t, peer, []byte("x"))
	drive(t, r, "the buffer is taken", func() bool { return len(hoarder.held) == 1 })
	unix, other := pair(t)
	c := &client{}
	r.Receive(unix, c)
	settle(t, r)
	if !multishot[int32(over)] || multishot[int32(unix)] || r.Starved() != 0 {
		t.Errorf("multishot over TCP: %v, over a unix socket: %v; %d are starved",
			multishot[int32(over)], multishot[int32(unix)], r.Starved())
	}
	hoarder.release()
	for i := range 3 {
		send(t, other, []byte("y"))
		drive(t, r, "a byte comes", func() bool { return len(c.bytes) == i+1 })
		want(t, c, uring.OpReceive, nil, 1, true)
	}
}

func TestChunkIsReleasedOnce(t *testing.T) {
	r := open(t, uring.Config{Buffers: 2})
	a, b := connection(t)
	c := &client{hoard: true}
	r.Receive(a, c)
	send(t, b, []byte("x"))
	drive(t, r, "a byte comes", func() bool { return len(c.held) == 1 })
	chunk := c.held[0]
	if cap(chunk.Bytes) != 1 {
		t.Errorf("who appends to the chunk writes over %d bytes more", cap(chunk.Bytes)-1)
	}
	chunk.Release()
	if twice := panics(chunk.Release); twice == nil {
		t.Error("a chunk was released twice, and nobody has noticed")
	}
	// The same buffer has other bytes by now.
	c.held = nil
	for range 3 {
		send(t, b, []byte("y"))
		n := len(c.all)
		drive(t, r, "a byte comes", func() bool { return len(c.all) > n })
		if twice := panics(chunk.Release); twice == nil {
			t.Error("a chunk of others was released, and nobody has noticed")
		}
		c.release()
	}
	new(uring.Chunk).Release()
}

func panics(call func()) (what any) {
	defer func() { what = recover() }()
	call()
	return nil
}

// TestCompletionForNobody: its buffer goes back, whoever it was meant for.
func TestCompletionForNobody(t *testing.T) {
	r := open(t, uring.Config{Buffers: 2})
	a, _ := connection(t)
	c := &client{}
	q := r.Receive(a, c)
	for _, other := range []uring.Request{0, 1, q + 1, q + 1<<32, 1<<63 + 7, q &^ (1<<32 - 1)} {
		if other == q {
			continue
		}
		for buffer := range 2 {
			r.Pretend(other, 10, 0, buffer)
		}
		r.Pretend(other, 0, syscall.ECANCELED, -1)
	}
	if len(c.all) != 0 || r.Available() != 2 || r.Live() != 1 {
		t.Errorf("the client was told %d times, %d buffers are there, %d requests", len(c.all),
			r.Available(), r.Live())
	}
	if err := errors.Join(r.Enter(), r.Close()); err != nil {
		t.Error(err)
	}
}
