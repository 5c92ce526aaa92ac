package uring_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/uring"
)

// limit is how long a test waits for what must come.
const limit = 20 * time.Second

// client notes what it is told. Chunks are copied and released, unless it hoards them.
type client struct {
	all   []uring.Completion
	bytes []byte
	ended int // completions without More
	hoard bool
	held  []uring.Chunk
	then  func(uring.Completion)
}

func (c *client) Completed(done uring.Completion) {
	c.bytes = append(c.bytes, done.Chunk.Bytes...)
	if c.hoard && done.Chunk.Bytes != nil {
		c.held = append(c.held, done.Chunk)
	} else {
		done.Chunk.Release()
	}
	done.Chunk = uring.Chunk{}
	c.all = append(c.all, done)
	if !done.More {
		c.ended++
	}
	if c.then != nil {
		c.then(done)
	}
}

// last returns what it was told last.
func (c *client) last() uring.Completion {
	if len(c.all) == 0 {
		return uring.Completion{}
	}
	return c.all[len(c.all)-1]
}

func (c *client) release() {
	for _, chunk := range c.held {
		chunk.Release()
	}
	c.held = nil
}

// open returns a ring, which is closed at the end.
func open(t testing.TB, c uring.Config) *uring.Ring {
	t.Helper()
	testenv.Need(t, testenv.Rings)
	r, err := uring.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// drive enters and reaps until the condition holds.
func drive(t testing.TB, r *uring.Ring, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for !holds() {
		turn(t, r, 10*time.Millisecond)
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// turn is one turn of a loop: what a loop on a ring has to do, in this order.
func turn(t testing.TB, r *uring.Ring, wait time.Duration) {
	t.Helper()
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	if !r.Ready() && r.Prepared() == 0 {
		fds := []sys.PollFD{{Fd: int32(r.FD()), Events: sys.PollIn}}
		if _, err := sys.Poll(fds, wait); err != nil {
			t.Fatal(err)
		}
	}
	r.Reap(1000)
}

// settle goes through some turns in which nothing need happen.
func settle(t testing.TB, r *uring.Ring) {
	t.Helper()
	for range 5 {
		turn(t, r, time.Millisecond)
	}
}

// pair returns two connected sockets, which are closed at the end if nobody else has done so.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	a, b, err := sys.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, a)
	closeAtEnd(t, b)
	return a, b
}

// connection returns both ends of a connection over TCP.
func connection(t testing.TB) (client, server int) {
	t.Helper()
	listener, addr := listen(t)
	client, err := sys.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, client)
	await(t, listener, sys.PollIn)
	server, _, err = sys.Accept(listener, true)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, server)
	return client, server
}

func closeAtEnd(t testing.TB, fd int) {
	t.Cleanup(func() {
		if err := sys.Close(fd); err != nil && !sys.BadDescriptor(err) {
			t.Error(err)
		}
	})
}

// await waits until a descriptor is ready. A poll that is interrupted finds nothing.
func await(t testing.TB, fd int, events int16) {
	t.Helper()
	for deadline := time.Now().Add(limit); ; {
		n, err := sys.Poll([]sys.PollFD{{Fd: int32(fd), Events: events}}, time.Second)
		if n > 0 {
			return
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("descriptor %d is not ready for %#x: %v", fd, events, err)
		}
	}
}

// send sends all of p from a socket that is no business of the ring.
func send(t testing.TB, fd int, p []byte) {
	t.Helper()
	for len(p) > 0 {
		n, err := sys.TrySend(fd, p)
		if sys.WouldBlock(err) {
			await(t, fd, sys.PollOut)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		p = p[n:]
	}
}

// tryReceive returns what is there to be received at once; nil at the end of the stream.
func tryReceive(t testing.TB, fd int) []byte {
	t.Helper()
	b := make([]byte, 64<<10)
	n, err := sys.TryRecv(fd, b)
	if sys.WouldBlock(err) {
		return []byte{}
	}
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		return nil
	}
	return b[:n]
}

// listen returns a listening socket of TCP and its address.
func listen(t testing.TB) (int, netip.AddrPort) {
	t.Helper()
	fd, err := sys.Listen(netip.MustParseAddrPort("127.0.0.1:0"),
		sys.ListenOptions{Backlog: 128, Nonblock: true})
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, fd)
	addr, err := sys.LocalAddr(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, addr
}

// memory returns a block with these bytes in it.
func memory(r *uring.Ring, p []byte) uring.Memory {
	m := r.Memory(len(p))
	m.Append(p)
	return m
}

// want fails unless the last thing that the client was told is this.
func want(t testing.TB, c *client, op uring.Op, errno error, n int, more bool) {
	t.Helper()
	got := c.last()
	var err error
	if got.Errno != 0 {
		err = got.Errno
	}
	if got.Op != op || !errors.Is(err, errno) || got.N != n || got.More != more {
		t.Errorf("the client was told %s, want op %d: %v, N %d, More %v", tell(got), op, errno, n,
			more)
	}
}

func tell(c uring.Completion) string {
	return fmt.Sprintf("op %d: %v (%d), N %d, More %v", c.Op, c.Errno, int(c.Errno), c.N, c.More)
}
