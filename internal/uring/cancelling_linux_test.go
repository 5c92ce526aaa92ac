package uring_test

import (
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

func TestPollTellsWhatIsReady(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	reads, writes, both := &client{}, &client{}, &client{}
	r.Poll(a, true, false, reads)
	r.Poll(a, false, true, writes)
	r.Poll(a, true, true, both)
	drive(t, r, "it is writable", func() bool { return writes.ended+both.ended == 2 })
	settle(t, r)
	want(t, writes, uring.OpPoll, nil, unix.POLLOUT, false)
	want(t, both, uring.OpPoll, nil, unix.POLLOUT, false)
	if len(reads.all) != 0 {
		t.Errorf("it was told that it is readable: %s", tell(reads.last()))
	}
	send(t, b, []byte("x"))
	drive(t, r, "it is readable", func() bool { return reads.ended == 1 })
	want(t, reads, uring.OpPoll, nil, unix.POLLIN, false)
	if err := sys.Close(b); err != nil {
		t.Fatal(err)
	}
	r.Poll(a, true, false, reads)
	drive(t, r, "the end is told", func() bool { return reads.ended == 2 })
	if reads.last().N&unix.POLLHUP == 0 {
		t.Errorf("of a connection that has ended the client was told %s", tell(reads.last()))
	}
}

func TestTimeoutsComeInTheOrderOfTheirTimes(t *testing.T) {
	r := open(t, uring.Config{Entries: 2})
	var order []int
	start := time.Now()
	for i, ms := range []int{30, 10, 0, 20, -5} {
		c := &client{then: func(done uring.Completion) {
			order = append(order, ms)
			if took := time.Since(start); took < time.Duration(ms)*time.Millisecond {
				t.Errorf("%d: %d ms have passed after %v", i, ms, took)
			}
			if done.Errno != 0 || done.More {
				t.Errorf("%d: the client was told %s", i, tell(done))
			}
		}}
		r.Timeout(time.Duration(ms)*time.Millisecond, c)
	}
	drive(t, r, "all have passed", func() bool { return len(order) == 5 })
	if order[2] != 10 || order[3] != 20 || order[4] != 30 {
		t.Errorf("they came in the order %v", order)
	}
}

// TestEveryRequestCanBeCancelled, also before it was submitted, and twice.
func TestEveryRequestCanBeCancelled(t *testing.T) {
	for _, submitted := range []bool{true, false} {
		r := open(t, uring.Config{})
		a, _ := pair(t)
		listener, _ := listen(t)
		clients := map[string]*client{}
		requests := map[string]uring.Request{}
		add := func(name string, request func(c uring.Client) uring.Request) {
			clients[name] = &client{}
			requests[name] = request(clients[name])
		}
		add("receive", func(c uring.Client) uring.Request { return r.Receive(a, c) })
		add("accept", func(c uring.Client) uring.Request { return r.Accept(listener, c) })
		add("poll", func(c uring.Client) uring.Request { return r.Poll(a, true, false, c) })
		add("timeout", func(c uring.Client) uring.Request { return r.Timeout(time.Hour, c) })
		if submitted {
			settle(t, r)
		}
		for _, q := range requests {
			r.Cancel(q)
			r.Cancel(q)
		}
		for name, c := range clients {
			drive(t, r, name+" is told", func() bool { return c.ended == 1 })
			if c.last().Errno != syscall.ECANCELED || len(c.all) != 1 {
				t.Errorf("%s: the client was told %d times, last %s", name, len(c.all),
					tell(c.last()))
			}
		}
		if r.Live() != 0 {
			t.Errorf("%d requests are under way", r.Live())
		}
	}
}

// fillUp sends until there is no room.
func fillUp(t *testing.T, fd int) {
	t.Helper()
	for {
		if _, err := sys.TrySend(fd, pattern(1000)); sys.WouldBlock(err) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCancelThatComesTooLate concerns nobody, neither who has the slot by then nor who is told.
func TestCancelThatComesTooLate(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	c := &client{}
	late := r.Poll(a, false, true, c)
	drive(t, r, "it is done", func() bool { return c.ended == 1 })
	receives := &client{}
	q := r.Receive(a, receives)
	if uint32(q) != uint32(late) {
		t.Fatal("the slot is not used again, so nothing is tested")
	}
	r.Cancel(late)
	r.Cancel(0)
	r.Cancel(1<<64 - 1)
	settle(t, r)
	send(t, b, []byte("y"))
	drive(t, r, "a byte comes", func() bool { return len(receives.bytes) == 1 })
	if receives.ended != 0 || len(c.all) != 1 {
		t.Error("a cancel that came too late has cancelled another request")
	}
	// Made in the same submission, but done before the cancel is read.
	both := &client{}
	r.Cancel(r.Poll(a, false, true, both))
	drive(t, r, "the poll is told", func() bool { return both.ended == 1 })
	want(t, both, uring.OpPoll, nil, unix.POLLOUT, false)
}

func TestCancelFDCancelsAllOfOneDescriptor(t *testing.T) {
	r := open(t, uring.Config{})
	a, _ := pair(t)
	other, _ := pair(t)
	mine, others := &client{}, &client{}
	for range 3 {
		r.Poll(a, true, false, mine)
		r.Poll(other, true, false, others)
	}
	r.Receive(a, mine)
	settle(t, r)
	r.CancelFD(a)
	r.CancelFD(a)
	r.CancelFD(-1)
	r.CancelFD(1 << 30)
	drive(t, r, "all are told", func() bool { return mine.ended == 4 })
	settle(t, r)
	for _, done := range mine.all {
		if done.Errno != syscall.ECANCELED {
			t.Errorf("the client was told %s", tell(done))
		}
	}
	if len(others.all) != 0 {
		t.Errorf("another descriptor's client was told %s", tell(others.last()))
	}
}

// TestNothingOfAClosedDescriptorReachesTheNext that has its number.
func TestNothingOfAClosedDescriptorReachesTheNext(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	before := &client{}
	r.Receive(a, before)
	settle(t, r)
	r.CloseFD(a)
	drive(t, r, "the receive ends", func() bool { return before.ended == 1 })
	want(t, before, uring.OpReceive, syscall.ECANCELED, 0, false)
	drive(t, r, "the peer receives the end", func() bool { return tryReceive(t, b) == nil })
	c, d := pair(t)
	if c != a && d != a {
		t.Fatalf("descriptors %d and %d are open, none of them has the number %d", c, d, a)
	}
	if d == a {
		c, d = d, c
	}
	after := &client{}
	r.Receive(c, after)
	send(t, d, []byte("for the next"))
	drive(t, r, "bytes come", func() bool { return len(after.bytes) > 0 })
	if string(after.bytes) != "for the next" || len(before.bytes) != 0 || len(before.all) != 1 {
		t.Errorf("the next has received %q, the one before %q", after.bytes, before.bytes)
	}
	r.CloseFD(-1)
	settle(t, r)
}

// TestRingIsReadableWhenThereIsSomethingToReap, and not before.
func TestRingIsReadableWhenThereIsSomethingToReap(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	c := &client{}
	r.Receive(a, c)
	fds := []sys.PollFD{{Fd: int32(r.FD()), Events: sys.PollIn}}
	for range 3 {
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
		if n, err := sys.Poll(fds, 0); n != 0 || err != nil || r.Ready() {
			t.Fatalf("it is readable, %d, ready, %v, and nothing has come: %v", n, r.Ready(), err)
		}
		send(t, b, []byte("x"))
		await(t, r.FD(), sys.PollIn)
		if !r.Ready() || r.Reap(10) != 1 {
			t.Error("it is readable, and there is nothing to reap")
		}
	}
}

// TestRequestsOutliveTheThreadThatMadeThem: a goroutine that is locked to its thread takes it
// along.
func TestRequestsOutliveTheThreadThatMadeThem(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	polled, other := pair(t)
	listener, addr := listen(t)
	receives, accepts, polls, timers := &client{}, &client{}, &client{}, &client{}
	endOfThread(t, func() error {
		r.Receive(a, receives)
		r.Accept(listener, accepts)
		r.Poll(polled, true, false, polls)
		r.Timeout(50*time.Millisecond, timers)
		return r.Enter()
	})
	settle(t, r)
	send(t, b, []byte("x"))
	send(t, other, []byte("x"))
	peer, err := sys.Connect(addr)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, peer)
	drive(t, r, "all are done", func() bool {
		return len(receives.bytes)*len(accepts.all)*len(polls.all)*len(timers.all) > 0
	})
	want(t, receives, uring.OpReceive, nil, 1, true)
	want(t, polls, uring.OpPoll, nil, unix.POLLIN, false)
	want(t, timers, uring.OpTimeout, nil, 0, false)
	closeAtEnd(t, accepts.last().N)
	if accepts.last().Errno != 0 {
		t.Errorf("the accept was told %s", tell(accepts.last()))
	}
}
