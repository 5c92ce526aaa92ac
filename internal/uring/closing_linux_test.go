package uring_test

import (
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/uring"
)

// TestCloseWithRequestsUnderWay of every kind: they are over when it returns, and nobody is told.
func TestCloseWithRequestsUnderWay(t *testing.T) {
	for _, submitted := range []bool{true, false} {
		r := open(t, uring.Config{Buffers: 1})
		hoarder := &client{hoard: true}
		first, peer := pair(t)
		r.Receive(first, hoarder)
		send(t, peer, []byte("x"))
		drive(t, r, "the buffer is taken", func() bool { return len(hoarder.held) == 1 })
		full, drain := pair(t)
		fillUp(t, full)
		listener, addr := listen(t)
		m := memory(r, pattern(60_000))
		c := &client{}
		r.Send(full, m, c)
		r.Accept(listener, c)
		r.Poll(first, true, false, c)
		r.Timeout(time.Hour, c)
		for range 3 {
			a, b := pair(t)
			r.Receive(a, c)
			r.Receive(a, c)
			send(t, b, []byte("y"))
		}
		if submitted {
			drive(t, r, "some are starved", func() bool { return r.Starved() > 0 })
		}
		connectSome(t, addr)
		before := len(c.all)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if len(c.all) != before || r.Live() != 0 {
			t.Errorf("the client was told %d times, %d requests are under way",
				len(c.all)-before, r.Live())
		}
		// What was freed can be used by others, while the connections go on.
		copy(m.Bytes(), pattern(10))
		m.Free()
		hoarder.release()
		_ = tryReceive(t, drain)
		send(t, peer, []byte("z"))
		if got := tryReceive(t, first); string(got) != "z" {
			t.Errorf("after the ring was closed somebody has received: %q is left", got)
		}
	}
}

// connectSome returns clients of a listener.
func connectSome(t *testing.T, addr netip.AddrPort) []int {
	t.Helper()
	var fds []int
	for range 3 {
		fd, err := sys.Connect(addr)
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, fd)
		fds = append(fds, fd)
	}
	return fds
}

// TestConnectionsThatNobodyWasToldOfAreClosedWithTheRing.
func TestConnectionsThatNobodyWasToldOfAreClosedWithTheRing(t *testing.T) {
	r := open(t, uring.Config{})
	listener, addr := listen(t)
	c := &client{}
	r.Accept(listener, c)
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	before := descriptors(t)
	peers := connectSome(t, addr)
	await(t, r.FD(), sys.PollIn)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if after := descriptors(t); after != before+len(peers)-1 {
		t.Errorf("%d descriptors were open, and %d are, with %d more of the test and less the ring",
			before, after, len(peers))
	}
	if len(c.all) != 0 {
		t.Error("the client was told of a connection of a closed ring")
	}
}

func TestCloseInTheMidstOfReap(t *testing.T) {
	r := open(t, uring.Config{})
	c := &client{}
	var closed error
	c.then = func(uring.Completion) { closed = r.Close() }
	for range 5 {
		r.Timeout(0, c)
	}
	drive(t, r, "the first has passed", func() bool { return len(c.all) > 0 })
	if len(c.all) != 1 || closed != nil {
		t.Errorf("the client of a closed ring was told %d times: %v", len(c.all), closed)
	}
}

// TestClosedRingDoesNothing, whatever it is asked.
func TestClosedRingDoesNothing(t *testing.T) {
	r := open(t, uring.Config{})
	a, _ := pair(t)
	gone, other := pair(t)
	c := &client{}
	q := r.Receive(a, c)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	m := r.Memory(10)
	requests := []uring.Request{
		r.Receive(a, c), r.Accept(a, c),
		r.Connect(a, netip.MustParseAddrPort("127.0.0.1:1"), c), r.ConnectUnix(a, "@x", c),
		r.Shutdown(a, c), r.Poll(a, true, true, c), r.Timeout(0, c),
	}
	for i, request := range requests {
		if request != 0 {
			t.Errorf("request %d of a closed ring is %#x", i, request)
		}
	}
	r.Send(a, m, c)
	r.Cancel(q)
	r.CancelFD(a)
	r.CloseFD(gone)
	if got := tryReceive(t, other); got != nil {
		t.Error("the descriptor is not closed")
	}
	m.Free()
	err := errors.Join(r.Enter(), r.Close())
	if err != nil || r.FD() != -1 || r.Ready() || r.Prepared() != 0 || r.Reap(10) != 0 {
		t.Errorf("a closed ring: %v, descriptor %d, ready %v, %d prepared", err, r.FD(), r.Ready(),
			r.Prepared())
	}
	if len(c.all) != 0 {
		t.Errorf("the client was told %s", tell(c.last()))
	}
}

// TestCloseThatCannotWait says so, and leaves what the kernel may still write to.
func TestCloseThatCannotWait(t *testing.T) {
	testenv.Need(t, testenv.Rings)
	h := &uring.Hooks{}
	r, err := uring.OpenOn(uring.Config{}, h)
	if err != nil {
		t.Fatal(err)
	}
	a, b := pair(t)
	c := &client{hoard: true}
	r.Receive(a, c)
	send(t, b, []byte("x"))
	drive(t, r, "a byte comes", func() bool { return len(c.held) == 1 })
	h.Enter = func(uint32, uint32) syscall.Errno { return syscall.EEXIST }
	err = r.Close()
	const want = "close the ring: wait for completions: io_uring_enter: file exists\n" +
		"requests that did not end keep their memory: 1"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
	if string(c.held[0].Bytes) != "x" {
		t.Error("the memory is gone")
	}
}
