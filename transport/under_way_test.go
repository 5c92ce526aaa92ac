package transport_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/transport"
)

// What is under way between the connections and the kernel: on a ring, requests.

// stuffed returns a connection that has more to send, in small pieces, than its peer takes, and
// what that is.
func (w *world) stuffed(p transport.Protocol) (t *transport.Transport, peer int, sent []byte) {
	w.Helper()
	t, peer = w.raw(p)
	sent = tagged(1, 16<<20)
	n := 0
	for ; t.Pending() < 10_000; n += 4000 {
		w.must(t.Write(sent[n : n+4000]))
		w.turns(1)
	}
	w.turns(5)
	return t, peer, sent[:n]
}

// TestCloseWhileTheKernelSends: nothing of it is lost.
func TestCloseWhileTheKernelSends(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		ta, peer, sent := w.stuffed(a)
		ta.Close()
		var got []byte
		buf := make([]byte, 1<<20)
		over := false
		w.until("the end", func() bool {
			n, err := sys.TryRecv(peer, buf)
			if err != nil && !sys.WouldBlock(err) {
				w.Fatal(err)
			}
			got = append(got, buf[:n]...)
			over = over || n == 0 && err == nil
			return over && a.lost()
		})
		if !bytes.Equal(got, sent) || a.err != nil {
			w.Errorf("%d bytes have arrived, want %d; %v", len(got), len(sent), a.err)
		}
	})
}

// TestCloseWriteWhileTheKernelSends: the peer gets the end of the stream behind the last byte.
func TestCloseWriteWhileTheKernelSends(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		ta, peer := w.raw(a)
		n := 0
		for ; ta.Pending() == 0 && !ta.Sending(); n += 4000 {
			w.must(ta.Write(make([]byte, 4000)))
			w.turns(2)
		}
		w.must(ta.CloseWrite())
		w.turns(3)
		buf := make([]byte, 1<<20)
		w.until("the end", func() bool {
			got, err := sys.TryRecv(peer, buf)
			n -= got
			return got == 0 && err == nil
		})
		if n != 0 {
			w.Errorf("%d bytes are missing", n)
		}
		w.sends(peer, []byte("it can still receive"))
		w.until("it does", a.has(20))
	})
}

// TestAbortWhileTheKernelSends: the peer gets what had left, and a reset; the descriptor is free at
// once, and what the kernel had comes back.
func TestAbortWhileTheKernelSends(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		pair := w.sockets()
		w.closeAtEnd(pair[1])
		ta := w.adopt(pair[0], a)
		for ta.Pending() < 10_000 {
			w.must(ta.Write(make([]byte, 4000)))
			w.turns(1)
		}
		ta.Abort()
		if sys.CheckOpen(pair[0]) == nil {
			w.Error("the descriptor is open")
		}
		w.until("it is lost, and nothing is kept", func() bool {
			return a.lost() && transport.Parting(w.Loop) == 0
		})
		buf := make([]byte, 1<<20)
		over := false
		w.until("the peer knows", func() bool {
			if over {
				return true
			}
			n, err := sys.TryRecv(pair[1], buf)
			over = n == 0 && !sys.WouldBlock(err)
			if over && w.link == "tcp" && err != syscall.ECONNRESET {
				w.Errorf("the peer has got %v", err)
			}
			return over
		})
	})
}

// TestNumberIsReusedInTheSameTurn: what has come for a connection that is closed does not reach the
// one that has its descriptor's number, and the other way round.
func TestNumberIsReusedInTheSameTurn(t *testing.T) {
	onSockets(t, func(w *world) {
		for round := range 100 {
			before, after := w.recorder(), w.recorder()
			pair := w.sockets()
			tb := w.adopt(pair[0], before)
			w.turns(round % 3) // requested, and told of, or not
			w.sends(pair[1], []byte("before"))
			next := w.sockets()
			w.Soon(func() {
				w.sends(pair[1], []byte("before"))
				tb.Abort()
				w.adopt(w.renumber(next[0], pair[0]), after)
				w.sends(next[1], []byte("after"))
			})
			w.until("it has everything", after.has(5))
			if string(after.got) != "after" || len(before.got)%6 != 0 || after.is("eof") {
				w.Fatalf("they have got %q and %q", before.got, after.got)
			}
			w.must(after.t.Write([]byte("x")))
			w.turns(1)
			after.t.Close()
			_ = sys.Close(pair[1])
			_ = sys.Close(next[1])
			w.until("it is lost", after.lost)
		}
	})
}

// renumber gives a descriptor another number, which is free.
func (w *world) renumber(fd, number int) int {
	w.Helper()
	for {
		lowest, err := sys.Duplicate(fd)
		w.must(err)
		if lowest == number {
			w.must(sys.Close(fd))
			return lowest
		}
		if lowest > number {
			w.Fatalf("descriptor %d is not free", number)
		}
		w.closeAtEnd(lowest)
	}
}

// TestThreadEnds that has run the loop: the requests of a ring are those of the thread that has
// made them, and end with it. Nobody notices.
func TestThreadEnds(t *testing.T) {
	onSockets(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		silent := w.recorder()
		_, peer := w.raw(silent)
		full, reader, sent := w.stuffed(w.recorder())
		s := w.listen(w.address(t), transport.ListenConfig{})
		for round := 1; round <= 5; round++ {
			var wg sync.WaitGroup
			wg.Go(func() {
				runtime.LockOSThread() // and never unlocked: it ends with the goroutine
				w.must(ta.Write([]byte("ping")))
				w.until("it arrives", b.has(4*round))
				w.must(tb.Write(make([]byte, 300_000))) // is polled from here on
				w.until("it arrives", a.has(300_000*round))
			})
			wg.Wait()
		}
		c := w.dial(s.Addr())
		w.until("it stands", func() bool { return c.is("made") && len(s.accepted) == 1 })
		w.sends(peer, []byte("at last"))
		w.until("it arrives", silent.has(7))
		full.Close()
		var got []byte
		buf := make([]byte, 1<<20)
		w.until("all was sent", func() bool {
			n, err := sys.TryRecv(reader, buf)
			got = append(got, buf[:n]...)
			return n == 0 && err == nil
		})
		if !bytes.Equal(got, sent) {
			w.Errorf("%d bytes have arrived, want %d", len(got), len(sent))
		}
	})
}

// TestLoopsThatCloseLeaveNoMemory that the kernel was given, whatever was under way: N15.
func TestLoopsThatCloseLeaveNoMemory(t *testing.T) {
	testenv.Need(t, testenv.Rings, testenv.Proc)
	round := func() {
		s, err := selectors.Open("io_uring")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, "tcp", func(c *loop.Config) { c.Selector = s })
		a, idle := w.recorder(), w.recorder()
		ta, _, _ := w.stuffed(a)
		w.raw(idle)
		w.turns(1)
		ta.Abort()
		w.stuffed(w.recorder())
		w.must(w.Close())
	}
	round()
	before := mapped(t)
	const rounds = 30
	for range rounds {
		round()
	}
	// A ring has 3 MiB to receive into, and maps what is sent 256 KiB at a time.
	if grown := mapped(t) - before; grown > rounds*(256<<10)/2 {
		t.Errorf("%d loops that were closed have left %d KiB mapped", rounds, grown>>10)
	}
}

// mapped returns how much memory is mapped, but for what Go's heap lies in.
func mapped(t *testing.T) int {
	text, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		from, to, _ := strings.Cut(fields[0], "-")
		start, err := strconv.ParseUint(from, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		end, err := strconv.ParseUint(to, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		if start >= 0x7000_0000_0000 && strings.HasPrefix(fields[1], "rw") {
			total += int(end - start)
		}
	}
	return total
}

// TestRecheckOverlooksNothing: what had arrived when Recheck was called is received before it is
// said that there is nothing.
func TestRecheckOverlooksNothing(t *testing.T) {
	onSockets(t, func(w *world) {
		for round := range 50 {
			p := &asking{w: w}
			te, peer := w.raw(p)
			w.turns(round % 4)
			size := 1 + round*round*20
			n := w.sends(peer, tagged(round, size))
			w.turns(round % 2)
			p.asks = true
			te.Recheck()
			p.Readable(te)
			w.until("it knows", func() bool { return p.knows })
			if want := tagged(round, size)[:n]; !bytes.Equal(p.got, want) {
				w.Fatalf("round %d: %d bytes were there, and it has got %d", round, n, len(p.got))
			}
			te.Abort()
		}
	})
}

// asking is a Puller that wants to know when it has everything.
type asking struct {
	transport.Base
	w           *world
	got         []byte
	asks, knows bool
}

// Readable receives.
func (a *asking) Readable(t *transport.Transport) {
	for a.asks && !a.knows {
		t.Recheck()
		p, err := t.Receive(0)
		a.got = append(a.got, p...)
		switch {
		case err == transport.ErrWouldBlock:
			a.knows = !t.Underway()
			return
		case err != nil && err != io.EOF:
			a.w.Fatal(err)
		}
	}
}

// TestAdoptWhileTheLoopCloses, as a protocol may try to when it is told of that.
func TestAdoptWhileTheLoopCloses(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		w.raw(a)
		pair := w.sockets()
		w.closeAtEnd(pair[1])
		a.on["lost"] = func() {
			r := w.recorder()
			if _, err := transport.Adopt(w.Loop, pair[0], r); !errors.Is(err, loop.ErrClosed) {
				w.Errorf("the error is %v", err)
			}
			r.expect()
		}
		w.must(w.Close())
		if !a.lost() || sys.CheckOpen(pair[0]) == nil {
			w.Errorf("it was told %q; the other one is open", a.log)
		}
	})
}

// TestNoWakeUpIsLost: reading is paused and resumed at each moment, while what was requested before
// is still being given up.
func TestNoWakeUpIsLost(t *testing.T) {
	onSockets(t, func(w *world) {
		for round := range 120 {
			r := w.recorder()
			te, peer := w.raw(r)
			w.turns(round % 2)
			w.sends(peer, tagged(round, 1+round%3*5000))
			te.PauseReading()
			w.turns(round % 5)
			te.ResumeReading()
			w.turns(round / 5 % 3)
			te.PauseReading()
			w.turns(round / 15 % 3)
			te.ResumeReading()
			w.hears("it has what was sent", r.has(1+round%3*5000))
			w.After(0, func() { w.sends(peer, []byte("more")) })
			w.hears("it has more", r.has(1+round%3*5000+4))
			te.Abort()
		}
	})
}

// TestPausedConnectionDoesNotKeepTheLoopBusy, nor has it the loop believe that something may
// happen: it is watched for nothing.
func TestPausedConnectionDoesNotKeepTheLoopBusy(t *testing.T) {
	onSockets(t, func(w *world) {
		te, peer := w.raw(w.recorder())
		if w.Idle() {
			w.Error("it could read, and the loop is idle")
		}
		te.PauseReading()
		w.sends(peer, []byte("unwanted"))
		w.until("nothing can happen", w.Idle)
		te.ResumeReading()
		if w.Idle() {
			w.Error("it can read, and the loop is idle")
		}
		te.Abort()
		w.until("nothing can happen", w.Idle)
	})
}
