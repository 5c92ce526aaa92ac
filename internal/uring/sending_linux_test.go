package uring_test

import (
	"bytes"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

// pattern returns n bytes that are not what they were n bytes ago.
func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * i >> 3)
	}
	return p
}

func TestSendIsWhole(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	for _, n := range []int{1, 256, 257, 4096, 65536} {
		text := pattern(n)
		m := memory(r, text)
		if !bytes.Equal(m.Bytes(), text) || m.Len() != n {
			t.Fatalf("the memory has %d bytes, or others, of %d", m.Len(), n)
		}
		c := &client{}
		r.Send(a, m, c)
		if len(c.all) > 0 || r.Prepared() != 1 {
			t.Fatalf("it was told %d times before it was submitted", len(c.all))
		}
		drive(t, r, "all is sent", func() bool { return c.ended == 1 })
		want(t, c, uring.OpSend, nil, n, false)
		if got := tryReceive(t, b); !bytes.Equal(got, text) {
			t.Errorf("of %d bytes %d have come, or others", n, len(got))
		}
		m.Free()
	}
}

// TestSendDoesNotWait: it tells what it has sent, which may be nothing, and that there is no room.
func TestSendDoesNotWait(t *testing.T) {
	for name, connect := range map[string]func(testing.TB) (int, int){
		"unix": pair, "TCP": connection,
	} {
		r := open(t, uring.Config{})
		a, b := connect(t)
		if err := sys.SetSendBuffer(a, 4096); err != nil {
			t.Fatal(err)
		}
		text := pattern(64 << 10)
		m := memory(r, text)
		var sent, got []byte
		full, parts := 0, 0
		for round := 0; full < 3; round++ {
			left := m
			left.Drop(round * 500 % m.Len())
			c := &client{}
			r.Send(a, left, c)
			drive(t, r, "it is told over "+name, func() bool { return c.ended == 1 })
			done := c.last()
			sent = append(sent, left.Bytes()[:done.N]...)
			switch {
			case done.Errno == 0 && done.N == left.Len():
				continue
			case done.Errno != syscall.EAGAIN || done.N >= left.Len():
				t.Fatalf("over %s of %d bytes: %s", name, left.Len(), tell(done))
			case done.N == 0:
				full++
			default:
				parts++
			}
		}
		if parts == 0 {
			t.Errorf("over %s no send was cut", name)
		}
		drive(t, r, "what was sent comes", func() bool {
			got = append(got, tryReceive(t, b)...)
			return len(got) >= len(sent)
		})
		if !bytes.Equal(got, sent) {
			t.Errorf("over %s other bytes have come than were told to be sent", name)
		}
		m.Free()
	}
}

// TestSendIsNotToldBeforeItIsSubmitted: also that which found the queue full, so that those before
// it had to be submitted. Who is told may use the memory for something else.
func TestSendIsNotToldBeforeItIsSubmitted(t *testing.T) {
	const entries, sends = 8, 50
	r := open(t, uring.Config{Entries: entries})
	a, b := pair(t)
	text := pattern(sends)
	ended := 0
	for i := range sends {
		m := memory(r, text[i:i+1])
		r.Send(a, m, &client{then: func(done uring.Completion) {
			if ended++; done.Errno != 0 || done.N != 1 {
				t.Errorf("send %d was told %s", i, tell(done))
			}
			m.Bytes()[0] = '!'
			m.Free()
		}})
		if i%entries == 1 {
			r.Reap(sends)
		}
	}
	drive(t, r, "all are sent", func() bool { return ended == sends })
	if got := tryReceive(t, b); !bytes.Equal(got, text) {
		t.Errorf("%q was to be sent, %q has come", text, got)
	}
}

// TestCancelThatComesTooLateIsNoFailureOfASend: nobody asks what becomes of it, as of most sends.
func TestCancelThatComesTooLateIsNoFailureOfASend(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	over, c := &client{}, &client{}
	q := r.Timeout(0, over)
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	await(t, r.FD(), sys.PollIn) // it is over, and the ring has not been told
	m := memory(r, []byte("x"))
	defer m.Free()
	r.Cancel(q)
	r.Send(a, m, c)
	drive(t, r, "it is sent", func() bool { return c.ended == 1 })
	want(t, c, uring.OpSend, nil, 1, false)
	if got := tryReceive(t, b); string(got) != "x" {
		t.Errorf("%q has come", got)
	}
}

// TestSendsAreToldWhateverElseHasCome, and in the order in which they were made: also those that
// fail, and where completions find no place.
func TestSendsAreToldWhateverElseHasCome(t *testing.T) {
	r := open(t, uring.Config{Entries: 8, Completions: 8})
	a, b := pair(t)
	gone, peer := pair(t)
	if err := sys.Close(peer); err != nil {
		t.Fatal(err)
	}
	m := memory(r, []byte("x"))
	defer m.Free()
	noise := &client{}
	var told []int
	for i := range 60 {
		fd, errno := a, syscall.Errno(0)
		if i%3 == 1 {
			fd, errno = gone, syscall.EPIPE
		}
		c := &client{}
		c.then = func(done uring.Completion) {
			if told = append(told, i); done.Errno != errno {
				t.Errorf("send %d was told %s", i, tell(done))
			}
		}
		for range i % 5 {
			r.Timeout(0, noise)
		}
		r.Send(fd, m, c)
		if i%7 == 0 {
			if err := r.Enter(); err != nil {
				t.Fatal(err)
			}
		}
	}
	drive(t, r, "all are told", func() bool { return len(told) == 60 && noise.ended == 120 })
	for i, n := range told {
		if n != i {
			t.Fatalf("they were told in the order %v", told)
		}
	}
	if got := tryReceive(t, b); len(got) != 40 {
		t.Errorf("%d bytes have come, want 40", len(got))
	}
}

// TestPanicOfOneThatHasSent does not keep the others from being told.
func TestPanicOfOneThatHasSent(t *testing.T) {
	r := open(t, uring.Config{})
	a, _ := pair(t)
	m := memory(r, []byte("x"))
	defer m.Free()
	c := &client{}
	c.then = func(uring.Completion) {
		if len(c.all) == 2 {
			panic("of the client")
		}
	}
	for range 5 {
		r.Send(a, m, c)
	}
	if err := r.Enter(); err != nil {
		t.Fatal(err)
	}
	if panics(func() { r.Reap(10) }) == nil || !r.Ready() || r.Reap(10) != 0 || len(c.all) != 5 {
		t.Errorf("%d of 5 were told", len(c.all))
	}
}

// TestWithoutSendsThatTell: whoever would use them is told to call the system.
func TestWithoutSendsThatTell(t *testing.T) {
	h := &uring.Hooks{Probe: func(op int) bool { return op != uring.KernelSendMsg }}
	r := hooked(t, uring.Config{}, h)
	if r.Sends() || len(r.Lacks()) != 1 || r.Lacks()[0] != "sends that do not wait (Linux 6.1)" {
		t.Errorf("it sends: %v; it lacks %q", r.Sends(), r.Lacks())
	}
	if r = open(t, uring.Config{}); !r.Sends() {
		t.Error("this kernel cannot send, which is what is tested here")
	}
}

// TestSendToOneWhoIsGone is an error, and no signal.
func TestSendToOneWhoIsGone(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	if err := sys.Close(b); err != nil {
		t.Fatal(err)
	}
	m := memory(r, []byte("x"))
	defer m.Free()
	c := &client{}
	r.Send(a, m, c)
	drive(t, r, "the error comes", func() bool { return c.ended == 1 })
	want(t, c, uring.OpSend, syscall.EPIPE, 0, false)
}

func TestSendsOfOneTurnAreInOrder(t *testing.T) {
	h := &uring.Hooks{}
	r := hooked(t, uring.Config{}, h)
	r.LookAway()
	a, b := pair(t)
	c := &client{}
	var all []uring.Memory
	for i := range 100 {
		m := memory(r, []byte{byte(i)})
		all = append(all, m)
		r.Send(a, m, c)
	}
	if r.Prepared() != 100 || h.Enters != 0 {
		t.Errorf("%d requests are prepared, and the kernel was entered %d times", r.Prepared(),
			h.Enters)
	}
	drive(t, r, "all are sent", func() bool { return c.ended == 100 })
	if h.Enters != 1 {
		t.Errorf("the kernel was entered %d times for the requests of one turn", h.Enters)
	}
	for i, got := range tryReceive(t, b) {
		if got != byte(i) {
			t.Fatalf("byte %d is %d", i, got)
		}
	}
	for _, m := range all {
		m.Free()
	}
}

// TestShutdownComesBehindWhatWasPrepared to be sent.
func TestShutdownComesBehindWhatWasPrepared(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	m := memory(r, []byte("the last words"))
	defer m.Free()
	sends, ends := &client{}, &client{}
	r.Send(a, m, sends)
	r.Shutdown(a, ends)
	if len(ends.all) != 0 {
		t.Error("the client was told before Reap")
	}
	drive(t, r, "both are done", func() bool { return sends.ended+ends.ended == 2 })
	want(t, ends, uring.OpShutdown, nil, 0, false)
	if got := tryReceive(t, b); string(got) != "the last words" {
		t.Errorf("received %q", got)
	}
	if got := tryReceive(t, b); got != nil {
		t.Errorf("received %q instead of the end", got)
	}
	r.Shutdown(-1, ends)
	drive(t, r, "the error comes", func() bool { return ends.ended == 2 })
	want(t, ends, uring.OpShutdown, syscall.EBADF, 0, false)
}

func TestMemoryIsWhatWasAppended(t *testing.T) {
	r := open(t, uring.Config{})
	for n, room := range map[int]int{-1: 256, 0: 256, 1: 256, 256: 256, 257: 4096, 4096: 4096,
		4097: 65536, 65536: 65536, 1 << 30: 65536} {
		m := r.Memory(n)
		if m.Room() != room || m.Len() != 0 {
			t.Errorf("memory for %d bytes has room for %d", n, m.Room())
		}
		text := pattern(room + 10)
		if got := m.Append(text[:10]) + m.Append(text[10:]); got != room {
			t.Errorf("%d bytes went into the room for %d", got, room)
		}
		m.Drop(10)
		if !bytes.Equal(m.Bytes(), text[10:room]) || m.Room() != 0 {
			t.Error("other bytes are in the memory than were appended")
		}
		other := m
		m.Free()
		if !m.None() || m.Bytes() != nil || m.Room() != 0 {
			t.Error("what was freed is still there")
		}
		m.Free()
		if twice := panics(other.Free); twice == nil {
			t.Error("memory was freed twice, and nobody has noticed")
		}
	}
	var zero uring.Memory
	if zero.Append([]byte("x")) != 0 || zero.Room() != 0 {
		t.Error("there is room in no memory")
	}
	zero.Free()
}

// TestMemoryGoesBackAfterABurst, and no block is given to two.
func TestMemoryGoesBackAfterABurst(t *testing.T) {
	r := open(t, uring.Config{})
	r.LookAfter(5 * time.Millisecond)
	var all []uring.Memory
	for i := range 2000 {
		m := r.Memory(1000 + i%2*5000)
		m.Append([]byte{byte(i), byte(i >> 8)})
		all = append(all, m)
	}
	if r.Slabs() < 200 {
		t.Errorf("there are %d mappings", r.Slabs())
	}
	r.Look() // while all is in use
	for i, m := range all {
		if got := m.Bytes(); got[0] != byte(i) || got[1] != byte(i>>8) {
			t.Fatalf("block %d has the bytes of another one", i)
		}
	}
	for i := range all {
		all[(i*7)%len(all)].Free() // 7 and 2000 have no common factor
	}
	drive(t, r, "one mapping of each size is left", func() bool { return r.Slabs() == 2 })
	drive(t, r, "the ring rests", func() bool { return !r.Watches() })
	m := r.Memory(1)
	if n := testing.AllocsPerRun(1000, func() { m.Free(); m = r.Memory(1) }); n != 0 {
		t.Errorf("%v allocations for each block", n)
	}
	m.Free()
}

// TestMemoryOutlivesTheRing until it is freed: who still has some may look at it.
func TestMemoryOutlivesTheRing(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	c := &client{hoard: true}
	r.Receive(a, c)
	send(t, b, []byte("received"))
	drive(t, r, "bytes come", func() bool { return len(c.held) == 1 })
	m := memory(r, []byte("to be sent"))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := string(m.Bytes()) + string(c.held[0].Bytes); got != "to be sentreceived" {
		t.Errorf("there is %q", got)
	}
	m.Free()
	c.release()
	if r.Slabs() != 0 {
		t.Errorf("%d mappings are left", r.Slabs())
	}
}
