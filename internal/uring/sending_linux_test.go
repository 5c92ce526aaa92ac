package uring_test

import (
	"bytes"
	"syscall"
	"testing"

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
	if err := sys.SetSendBuffer(a, 4096); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 4096, 65536} {
		text := pattern(n)
		m := memory(r, text)
		if !bytes.Equal(m.Bytes(), text) || m.Len() != n {
			t.Fatalf("the memory has %d bytes, or others, of %d", m.Len(), n)
		}
		c := &client{}
		r.Send(a, m, c)
		var got []byte
		drive(t, r, "all is sent", func() bool {
			got = append(got, tryReceive(t, b)...)
			return c.ended == 1 && len(got) == n
		})
		want(t, c, uring.OpSend, nil, n, false)
		if !bytes.Equal(got, text) {
			t.Errorf("of %d bytes others have come", n)
		}
		m.Free()
	}
}

// TestSendThatIsCancelledTellsWhatItHasSent, which is not all.
func TestSendThatIsCancelledTellsWhatItHasSent(t *testing.T) {
	r := open(t, uring.Config{})
	a, b := pair(t)
	if err := sys.SetSendBuffer(a, 4096); err != nil {
		t.Fatal(err)
	}
	text := pattern(64 << 10)
	m := memory(r, text)
	defer m.Free()
	c := &client{}
	q := r.Send(a, m, c)
	settle(t, r)
	if len(c.all) != 0 {
		t.Fatalf("64 KiB were sent, and nobody has received: %s", tell(c.last()))
	}
	r.Cancel(q)
	drive(t, r, "the send ends", func() bool { return c.ended == 1 })
	sent := c.last().N
	if sent <= 0 || sent >= len(text) {
		t.Fatalf("the client was told %s", tell(c.last()))
	}
	m.Drop(sent)
	rest := &client{}
	r.Send(a, m, rest)
	var got []byte
	drive(t, r, "the rest is sent", func() bool {
		got = append(got, tryReceive(t, b)...)
		return rest.ended == 1 && len(got) == len(text)
	})
	if !bytes.Equal(got, text) {
		t.Error("with a send that was cut, and the rest after it, other bytes have come")
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
	for n, room := range map[int]int{-1: 4096, 0: 4096, 1: 4096, 4096: 4096, 4097: 65536,
		65536: 65536, 1 << 30: 65536} {
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
		m.Reset()
		if m.Room() != room {
			t.Errorf("after Reset there is room for %d, want %d", m.Room(), room)
		}
		m.Free()
		if twice := panics(m.Free); twice == nil {
			t.Error("memory was freed twice, and nobody has noticed")
		}
	}
	var zero uring.Memory
	if zero.Append([]byte("x")) != 0 || zero.Room() != 0 {
		t.Error("there is room in no memory")
	}
	zero.Reset()
	zero.Free()
}

// TestMemoryGoesBackAfterABurst, and no block is given to two.
func TestMemoryGoesBackAfterABurst(t *testing.T) {
	r := open(t, uring.Config{})
	var all []uring.Memory
	for i := range 2000 {
		m := r.Memory(1 + i%2*5000)
		m.Append([]byte{byte(i), byte(i >> 8)})
		all = append(all, m)
	}
	if r.Slabs() < 200 {
		t.Errorf("there are %d mappings", r.Slabs())
	}
	for i, m := range all {
		if got := m.Bytes(); got[0] != byte(i) || got[1] != byte(i>>8) {
			t.Fatalf("block %d has the bytes of another one", i)
		}
	}
	for i := range all {
		all[(i*7)%len(all)].Free() // 7 and 2000 have no common factor
	}
	if r.Slabs() > 2*16 { // 4 MiB of each size
		t.Errorf("%d mappings are left", r.Slabs())
	}
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
	r.Receive(a, true, c)
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
