package uring_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

// TestBuffersAreAsManyAsAreNeeded: twice as many when a receive found none, up to the most; and
// fewer again when few were needed for a while, in which something is received or nothing is.
// Nothing is lost meanwhile.
func TestBuffersAreAsManyAsAreNeeded(t *testing.T) {
	const most = 4 * uring.FewBuffers
	r := open(t, uring.Config{Buffers: most})
	r.LookAfter(time.Millisecond)
	w := newCrowd(t, r, 100)
	for round := range 4 {
		for _, c := range w.clients {
			c.hoard = true
		}
		for _, peer := range w.peers {
			send(t, peer, []byte{'0' + byte(round)})
		}
		drive(t, r, "all have a buffer", func() bool { return len(w.order) == 100*(round+1) })
		if r.Buffers() != most || r.Starved() != 0 {
			t.Errorf("for 100 there are %d buffers, %d are starved", r.Buffers(), r.Starved())
		}
		for i := range w.clients {
			w.clients[i].hoard = false
			if i%2 == round%2 {
				w.clients[i].release()
			}
		}
		r.Look()
		r.Look()
		settle(t, r)
		if r.Buffers() < 100 {
			t.Errorf("of the buffers %d are left, while clients have half", r.Buffers())
		}
		for _, other := range w.clients {
			other.release()
		}
		for i := range round * 1000 {
			c, peer, n := w.clients[0], w.peers[0], len(w.clients[0].bytes)
			send(t, peer, []byte{byte(i)})
			drive(t, r, "a byte comes", func() bool { return len(c.bytes) > n })
			w.order = w.order[:100*(round+1)]
		}
		drive(t, r, "the ring rests", func() bool { return !r.Watches() })
		if r.Buffers() != uring.FewBuffers || r.Available() != uring.FewBuffers {
			t.Errorf("%d buffers are left, %d of them with the kernel", r.Buffers(),
				r.Available())
		}
	}
	for i, c := range w.clients[1:] {
		if string(c.bytes) != "0123" || c.ended > 0 {
			t.Errorf("client %d has received %q", i+1, c.bytes)
		}
	}
}

// TestLookWhileReceivesWait: it takes place behind the completions of those that found no buffer,
// so that all buffers that were added for them would not be needed, but for those who wait.
func TestLookWhileReceivesWait(t *testing.T) {
	const most = 4 * uring.FewBuffers
	r := open(t, uring.Config{Buffers: most})
	r.LookAfter(time.Hour)
	w := newCrowd(t, r, most)
	settle(t, r)
	r.Look()
	r.Look() // it has seen that none is needed
	for _, peer := range w.peers {
		send(t, peer, []byte("x"))
	}
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	looks := &client{then: func(uring.Completion) { r.Look() }}
	r.Poll(w.fds[0], false, true, looks)
	drive(t, r, "all have a buffer", func() bool { return len(w.order) == most })
	if len(looks.all) != 1 {
		t.Error("it did not look around")
	}
	for _, c := range w.clients {
		c.release()
	}
}

// TestNothingIsLostWhileBuffersAreTakenBack, whatever arrives at that moment.
func TestNothingIsLostWhileBuffersAreTakenBack(t *testing.T) {
	for _, completions := range []int{8, 4096} {
		r := open(t, uring.Config{Entries: 8, Completions: completions,
			Buffers: 4 * uring.FewBuffers})
		var clients []*client
		var peers []int
		for range 60 {
			a, b := connection(t)
			c := &client{}
			r.Receive(a, c)
			clients, peers = append(clients, c), append(peers, b)
		}
		text := pattern(500)
		done := make(chan error, 1)
		go func() {
			for from := 0; from < len(text); from += 5 {
				for _, peer := range peers {
					if _, err := sys.TrySend(peer, text[from:from+5]); err != nil {
						done <- err
						return
					}
				}
			}
			done <- nil
		}()
		times := 0
		drive(t, r, "all has come", func() bool {
			r.Withdraw()
			times++
			for _, c := range clients {
				if len(c.bytes) < len(text) {
					return false
				}
			}
			return true
		})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		for i, c := range clients {
			if !bytes.Equal(c.bytes, text) || c.ended > 0 {
				t.Errorf("with %d completions client %d has received %d bytes, or others",
					completions, i, len(c.bytes))
			}
		}
		settle(t, r)
		if r.Available() != r.Buffers() || r.Starved() != 0 {
			t.Errorf("the kernel has %d of %d buffers, %d are starved after %d times",
				r.Available(), r.Buffers(), r.Starved(), times)
		}
	}
}

// TestOneThatTakesManyGetsNoMoreBuffers: they are as many as requests are under way could use, if
// that is more than a few.
func TestOneThatTakesManyGetsNoMoreBuffers(t *testing.T) {
	r := open(t, uring.Config{Buffers: 8 * uring.FewBuffers})
	a, b := connection(t)
	c := &client{hoard: true}
	q := r.Receive(a, c)
	text := pattern(2 * uring.FewBuffers * 4096)
	sent := 0
	drive(t, r, "it is starved", func() bool {
		n, err := sys.TrySend(b, text[sent:])
		if err != nil && !sys.WouldBlock(err) {
			t.Fatal(err)
		}
		sent += max(n, 0)
		return r.Starved() == 1
	})
	settle(t, r)
	if r.Buffers() != uring.FewBuffers || len(c.held) != uring.FewBuffers {
		t.Errorf("it has %d of %d buffers", len(c.held), r.Buffers())
	}
	c.hoard = false
	c.release()
	drive(t, r, "all has come", func() bool {
		n, _ := sys.TrySend(b, text[sent:])
		sent += max(n, 0)
		return len(c.bytes) == len(text)
	})
	if !bytes.Equal(c.bytes, text) {
		t.Error("other bytes have come than were sent")
	}
	r.Cancel(q)
}

// TestOldRingIsAsGoodAsNew: what counts without end begins again at 0 one day.
func TestOldRingIsAsGoodAsNew(t *testing.T) {
	for _, age := range []uint32{1<<28 - 1, 1 << 28, 1<<29 - 2, 1<<29 - 1} {
		r := open(t, uring.Config{})
		a, b := connection(t)
		c := &client{}
		r.Receive(a, c)
		turn(t, r, 0)
		r.Age(age)
		for i := range 3 {
			r.Withdraw()
			send(t, b, []byte("x"))
			drive(t, r, "a byte comes", func() bool { return len(c.bytes) == i+1 })
			if r.Available() != uring.FewBuffers {
				t.Errorf("the kernel has %d buffers", r.Available())
			}
		}
	}
}

// TestKernelThatDoesNotForget: what it refuses is tried again, and while it takes no buffers who
// receives has to wait, and nothing is lost.
func TestKernelThatDoesNotForget(t *testing.T) {
	for _, op := range []uint32{uring.ForgetBuffers, uring.RegisterBuffers} {
		h := &uring.Hooks{}
		r := hooked(t, uring.Config{Buffers: 4 * uring.FewBuffers}, h)
		r.LookAfter(time.Millisecond)
		refusals := 0
		h.Register = func(asked uint32) syscall.Errno {
			if asked == op && refusals < 5 {
				refusals++
				return syscall.ENOMEM
			}
			return 0
		}
		w := newCrowd(t, r, 100)
		for _, peer := range w.peers {
			send(t, peer, []byte("x"))
		}
		drive(t, r, "all have a buffer", func() bool { return len(w.order) == 100 })
		for _, c := range w.clients {
			c.hoard = false
			c.release()
		}
		drive(t, r, "it was refused", func() bool { return refusals > 0 })
		send(t, w.peers[0], []byte("y"))
		drive(t, r, "the ring rests", func() bool { return !r.Watches() })
		if refusals != 5 {
			t.Errorf("operation %d was refused %d times", op, refusals)
		}
		drive(t, r, "a byte comes", func() bool { return string(w.clients[0].bytes) == "xy" })
		if r.Buffers() != uring.FewBuffers || r.Available() != uring.FewBuffers {
			t.Errorf("%d buffers are left, %d of them with the kernel", r.Buffers(),
				r.Available())
		}
		send(t, w.peers[1], []byte("z"))
		drive(t, r, "a byte comes", func() bool { return string(w.clients[1].bytes) == "xz" })
	}
}

// TestLostCompletionIsNotForgotten: the kernel says so once, and maybe to who does not listen.
func TestLostCompletionIsNotForgotten(t *testing.T) {
	h := &uring.Hooks{}
	r := hooked(t, uring.Config{}, h)
	h.Enter = func(uint32, uint32) syscall.Errno { return syscall.EBADR }
	r.Timeout(0, &client{})
	_ = r.Enter()
	h.Enter = nil
	if err := r.Enter(); !errors.Is(err, syscall.EBADR) {
		t.Errorf("Enter returns %v", err)
	}
}
