package transport_test

import (
	"bytes"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/transport"
)

// TestPipeIsBounded: 64 KiB are under way, the rest is pending; a sender that waits is woken for
// half of that, not for each byte.
func TestPipeIsBounded(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	a, b := &reluctant{}, &reluctant{}
	ta, tb := w.pair(a, b)
	w.must(ta.Write(tagged(1, 200_000)))
	expect := func(pending int) {
		w.Helper()
		w.turns(3)
		if ta.Pending() != pending {
			w.Errorf("%d bytes are pending, want %d", ta.Pending(), pending)
		}
	}
	buf := make([]byte, 32<<10)
	receive := func(n int) {
		w.Helper()
		if got, err := tb.ReceiveInto(buf[:n]); err != nil || got != n {
			w.Fatalf("got %d, %v, want %d", got, err, n)
		}
	}
	expect(200_000 - 64<<10)
	receive(32<<10 - 1)
	expect(200_000 - 64<<10)
	receive(1)
	expect(200_000 - 96<<10)
	receive(32 << 10)
	expect(200_000 - 128<<10)
}

// TestPipeEventsAreNeverInTheMidstOfACall: what one side does the other one hears of in a turn of
// the loop, even if it is told that it may.
func TestPipeEventsAreNeverInTheMidstOfACall(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	a, b := w.recorder(), w.recorder()
	ta, tb := w.pair(a, b)
	within := false
	quietly := func(f func() error) {
		within = true
		w.must(f())
		within = false
		w.turns(2)
	}
	for _, r := range []*recorder{a, b} {
		for _, callback := range []string{"data", "eof", "lost", "pause", "resume"} {
			r.on[callback] = func() {
				if within {
					w.Errorf("%s in the midst of a call", callback)
				}
			}
		}
	}
	quietly(func() error { return ta.Write([]byte("x")) })
	quietly(func() error { return tb.Writev([][]byte{{1}, {2}}) })
	quietly(func() error { ta.PauseReading(); return nil })
	quietly(func() error { return tb.Write([]byte("y")) })
	quietly(func() error { ta.ResumeReading(); return nil })
	quietly(ta.CloseWrite)
	quietly(func() error { tb.Close(); return nil })
	quietly(func() error { ta.Abort(); return nil })
	if !a.lost() || !b.lost() {
		w.Errorf("not both are lost: %q, %q", a.log, b.log)
	}
}

// TestPipeLetsTheClockJump: sides that wait for each other keep neither the clock from going ahead
// nor the loop from being idle, be they paused, full, or at the end of the stream.
func TestPipeLetsTheClockJump(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	a, b := w.recorder(), w.recorder()
	a.keep, b.keep = true, true
	ta, tb := w.pair(a, b)
	quiet := func(when string) {
		w.Helper()
		before := w.Now()
		w.After(time.Hour, w.Stop)
		w.must(w.Run())
		if w.Now() != before+time.Hour {
			w.Errorf("%s: %v have passed", when, w.Now()-before)
		}
		if !w.Idle() {
			w.Errorf("%s: the loop is not idle", when)
		}
	}
	quiet("both wait")
	tb.PauseReading()
	w.must(ta.Write(tagged(1, 1<<20)))
	if w.Idle() {
		w.Error("the loop is idle, and has an event to deliver")
	}
	quiet("one does not read, and the other one is full")
	tb.ResumeReading()
	quiet("everything has arrived")
	w.must(ta.CloseWrite())
	w.must(tb.CloseWrite())
	quiet("both have ended")
	ta.Close()
	tb.Close()
	quiet("both are lost")
	if !bytes.Equal(b.got, tagged(1, 1<<20)) {
		w.Errorf("%d bytes arrived", len(b.got))
	}
}

// TestPipeToASideThatHasClosed: what it has sent still arrives; to send to it is an error.
func TestPipeToASideThatHasClosed(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	a, b := w.recorder(), w.recorder()
	b.keep = true
	ta, tb := w.pair(a, b)
	w.must(ta.Write([]byte("bye")))
	ta.Close()
	w.until("the end", func() bool { return b.is("eof") })
	if string(b.got) != "bye" {
		w.Errorf("got %q", b.got)
	}
	if err := tb.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		w.Errorf("the write: %v", err)
	}
	w.until("it is lost", b.lost)
}

// TestPipeAddresses: they are no addresses of a network.
func TestPipeAddresses(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	ta, _ := w.pair(transport.Base{}, transport.Base{})
	if ta.Network() != "pipe" || ta.LocalAddr().String() != "pipe" ||
		ta.RemoteAddr().Network() != "pipe" || ta.Peer().IsValid() {
		w.Errorf("%s, %v, %v, %v", ta.Network(), ta.LocalAddr(), ta.RemoteAddr(), ta.Peer())
	}
}
