package uring_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/uring"
)

// TestMoreRequestsThanPlacesAreSubmittedOnTheWay, in order.
func TestMoreRequestsThanPlacesAreSubmittedOnTheWay(t *testing.T) {
	h := &uring.Hooks{}
	r := hooked(t, uring.Config{Entries: 4}, h)
	r.LookAway()
	a, b := pair(t)
	c := &client{}
	var all []uring.Memory
	for i := range 100 {
		m := memory(r, []byte{byte(i)})
		all = append(all, m)
		r.Send(a, m, c)
	}
	if r.Prepared() != 4 || h.Enters != 24 {
		t.Errorf("%d are prepared after %d submissions, want 4, 24", r.Prepared(), h.Enters)
	}
	drive(t, r, "all are sent", func() bool { return c.ended == 100 })
	inOrder(t, tryReceive(t, b), 100)
	for _, m := range all {
		m.Free()
	}
}

func inOrder(t *testing.T, got []byte, n int) {
	t.Helper()
	var expected []byte
	for i := range n {
		expected = append(expected, byte(i))
	}
	if !slices.Equal(got, expected) {
		t.Errorf("received %d, want %d in order", got, n)
	}
}

// TestKernelThatTakesNothingMore keeps what was prepared, in order, and without an error.
func TestKernelThatTakesNothingMore(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EBUSY, syscall.EAGAIN} {
		h := &uring.Hooks{}
		r := hooked(t, uring.Config{Entries: 4}, h)
		a, b := pair(t)
		c := &client{}
		h.Enter = func(uint32, uint32) syscall.Errno { return errno }
		var all []uring.Memory
		for i := range 20 {
			m := memory(r, []byte{byte(i)})
			all = append(all, m)
			r.Send(a, m, c)
		}
		r.Timeout(time.Millisecond, c) // which has an argument
		if err := r.Enter(); err != nil || r.Prepared() != 21 || r.Spilled() != 17 {
			t.Errorf("%v: %v, %d are prepared, %d have no place", errno, err, r.Prepared(),
				r.Spilled())
		}
		h.Enter = nil
		drive(t, r, "all are done", func() bool { return c.ended == 21 })
		inOrder(t, tryReceive(t, b), 20)
		if r.Spilled() != 0 || r.Prepared() != 0 {
			t.Errorf("%d are prepared, %d have no place", r.Prepared(), r.Spilled())
		}
		for _, m := range all {
			m.Free()
		}
	}
}

func TestInterruptedEnterIsRepeated(t *testing.T) {
	h := &uring.Hooks{}
	r := hooked(t, uring.Config{}, h)
	a, _ := pair(t)
	c := &client{}
	m := memory(r, []byte("x"))
	defer m.Free()
	interruptions := 3
	h.Enter = func(uint32, uint32) syscall.Errno {
		if interruptions--; interruptions >= 0 {
			return syscall.EINTR
		}
		return 0
	}
	r.Send(a, m, c)
	if err := r.Enter(); err != nil || h.Enters != 4 {
		t.Errorf("entered %d times: %v", h.Enters, err)
	}
	drive(t, r, "it is sent", func() bool { return c.ended == 1 })
}

// TestErrorOfEnterIsReturned, also one that a request has met that found no place.
func TestErrorOfEnterIsReturned(t *testing.T) {
	h := &uring.Hooks{}
	r := hooked(t, uring.Config{Entries: 2}, h)
	c := &client{}
	h.Enter = func(uint32, uint32) syscall.Errno { return syscall.EBADFD }
	for range 3 {
		r.Timeout(0, c)
	}
	h.Enter = nil
	if err := r.Enter(); !errors.Is(err, syscall.EBADFD) {
		t.Errorf("the error is %v, want EBADFD", err)
	}
	if err := r.Enter(); err != nil {
		t.Errorf("the error is told twice: %v", err)
	}
	drive(t, r, "all are done", func() bool { return c.ended == 3 })
	h.Enter = func(uint32, uint32) syscall.Errno { return syscall.EEXIST }
	r.Timeout(0, c)
	const want = "submit requests: io_uring_enter: file exists"
	if err := r.Enter(); err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
	h.Enter = nil
}

// TestSubmissionsAreShort, as a stop of the world has to wait for each.
func TestSubmissionsAreShort(t *testing.T) {
	for _, size := range []int{1, 30_000} {
		h := &uring.Hooks{}
		r := hooked(t, uring.Config{}, h)
		r.LookAway()
		fds, want := [2]int{}, 200
		fds[0], fds[1] = pair(t)
		c := &client{}
		var all []uring.Memory
		for range want {
			m := memory(r, pattern(size))
			all = append(all, m)
			r.Send(fds[0], m, c)
		}
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for i, n := range h.Sizes {
			sum += n
			if n > uring.BriefRequests || h.Bytes[i] >= uring.BriefBytes+size {
				t.Errorf("%d sends of %d bytes are one submission", n, size)
			}
		}
		least := max(want/uring.BriefRequests, want*size/(uring.BriefBytes+size))
		if sum != want || len(h.Sizes) > 2*least+2 {
			t.Errorf("%d of %d sends are %d submissions", sum, want, len(h.Sizes))
		}
		drive(t, r, "all are told", func() bool { return c.ended == want })
		for _, m := range all {
			m.Free()
		}
	}
}

// TestNoCompletionIsLost when there are more than the kernel has room for.
func TestNoCompletionIsLost(t *testing.T) {
	r := open(t, uring.Config{Entries: 8, Completions: 8})
	a, b := pair(t)
	c := &client{}
	text := pattern(3000)
	receives := &client{}
	r.Receive(a, receives)
	for range 500 {
		r.Timeout(0, c)
	}
	for i := range 100 {
		send(t, b, text[i*30:(i+1)*30])
		if err := r.Enter(); err != nil { // and nobody reaps
			t.Fatal(err)
		}
	}
	if !r.Ready() {
		t.Error("there is nothing to reap")
	}
	for r.Ready() { // without Enter
		r.Reap(7)
	}
	drive(t, r, "all have come", func() bool {
		return c.ended == 500 && len(receives.bytes) == len(text)
	})
	if !slices.Equal(receives.bytes, text) {
		t.Error("other bytes have come than were sent")
	}
	if receives.ended != 0 {
		t.Errorf("the receive has ended: %s", tell(receives.last()))
	}
}

// TestReapTakesNoMoreThanItShould, and what a client requests does not make it go on for ever.
func TestReapTakesNoMoreThanItShould(t *testing.T) {
	r := open(t, uring.Config{})
	c := &client{}
	c.then = func(uring.Completion) {
		if len(c.all) < 30 {
			r.Timeout(0, c)
		}
	}
	for range 10 {
		r.Timeout(0, c)
	}
	drive(t, r, "some have passed", func() bool { return len(c.all) >= 10 })
	if n := r.Reap(0); n != 0 {
		t.Errorf("%d were reaped, want 0", n)
	}
	drive(t, r, "all have passed", func() bool { return r.Live() == 0 })
	for range 10 {
		r.Poll(r.FD(), false, true, c) // is at once an error or not: a completion in any case
		r.Timeout(0, c)
	}
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{1, 3} {
		if n := r.Reap(most); n > most {
			t.Errorf("%d were reaped, want at most %d", n, most)
		}
	}
}

func TestPanicOfAClientLosesNothing(t *testing.T) {
	r := open(t, uring.Config{})
	c := &client{}
	c.then = func(uring.Completion) {
		if len(c.all) == 2 {
			panic("of the client")
		}
	}
	for range 5 {
		r.Timeout(0, c)
	}
	deadline := time.Now().Add(limit)
	for len(c.all) < 5 && time.Now().Before(deadline) {
		_ = panics(func() { turn(t, r, time.Millisecond) })
	}
	if len(c.all) != 5 || r.Live() != 0 {
		t.Errorf("the client was told %d times, %d requests are under way", len(c.all), r.Live())
	}
}
