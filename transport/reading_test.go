package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/transport"
)

// T8: at the peer's end of stream Base closes, and a protocol that has not done with it stays open.
func TestEndOfStreamClosesUnlessTheProtocolSaysOtherwise(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		_, tb := w.pair(a, b)
		w.must(tb.CloseWrite())
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
		a.expect("made", "eof", "lost")

		a, b = w.recorder(), w.recorder()
		a.keep = true
		ta, tb := w.pair(a, b)
		w.must(tb.CloseWrite())
		w.until("the end", func() bool { return a.is("eof") })
		w.turns(20)
		a.expect("made", "eof")
		if ta.Reading() || !ta.Ended() {
			w.Errorf("reading: %v, ended: %v", ta.Reading(), ta.Ended())
		}
		ta.PauseReading() // neither of them brings the end back
		ta.ResumeReading()
		w.turns(20)
		a.expect("made", "eof")
		ta.Close()
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
	})
}

// T9: an event without anything to read is nothing; a reset is the end, with the reason; and what
// had arrived before it may still be delivered.
func TestResetWhileReading(t *testing.T) {
	for _, pull := range []bool{false, true} {
		onSelectors(t, "tcp", func(w *world) {
			a := w.recorder()
			var p transport.Protocol = a
			if pull {
				p = failing{a}
			}
			_, peer := w.raw(p)
			w.turns(5)
			w.must(sys.Reset(peer))
			w.until("it is lost", a.lost)
			a.expect("made", "lost")
			if !errors.Is(a.err, syscall.ECONNRESET) {
				w.Errorf("the error is %v", a.err)
			}
		})
	}
}

// failing is a Puller whose receive is expected to fail.
type failing struct{ *recorder }

// Readable receives.
func (f failing) Readable(t *transport.Transport) {
	if _, err := t.Receive(0); !errors.Is(err, syscall.ECONNRESET) {
		f.w.Errorf("Receive: %v", err)
	}
}

// T11: to pause and to resume twice, in Made, and when it is closed, is no error. N3: both
// directions stop and go on, also from within callbacks.
func TestPauseAndResumeReading(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		a.on["made"] = func() { a.t.PauseReading(); a.t.PauseReading() }
		ta, tb := w.pair(a, b)
		w.must(tb.Write([]byte("one")))
		w.turns(20)
		a.expect("made")
		if ta.Reading() {
			w.Error("it says that it reads")
		}
		ta.ResumeReading()
		ta.ResumeReading()
		w.until("it arrives", a.has(3))
		ta.PauseReading()
		ta.ResumeReading()
		w.must(tb.Write([]byte("two")))
		w.until("it arrives", a.has(6))
		ta.Close()
		ta.PauseReading()
		ta.ResumeReading()
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
		ta.PauseReading()
		ta.ResumeReading()
		if ta.Reading() {
			w.Error("it says that it reads when it is closed")
		}
	})
}

// TestPauseWithinData: what was read on stays with the kernel, and comes with the resume, in
// order. Each side pauses itself in each callback, and resumes when the other one has something.
func TestPauseWithinData(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		for _, r := range []*recorder{a, b} {
			r.on["data"] = func() {
				r.t.PauseReading()
				r.w.Soon(r.t.ResumeReading)
			}
		}
		wantA, wantB := tagged(1, 2<<20), tagged(2, 3<<20)
		w.must(ta.Write(wantB))
		w.must(tb.Write(wantA))
		w.until("everything arrives", func() bool {
			return len(a.got) == len(wantA) && len(b.got) == len(wantB)
		})
		if !bytes.Equal(a.got, wantA) || !bytes.Equal(b.got, wantB) {
			w.Error("the bytes have arrived in another order")
		}
	})
}

// N1: who echoes to a client that never reads stops to read itself, so that little is pending,
// however much the client sends; others are served meanwhile.
func TestEchoToAClientThatNeverReads(t *testing.T) {
	onSockets(t, func(w *world) {
		e := &echo{}
		te, peer := w.raw(e)
		other := w.recorder()
		_, tOther := w.pair(&echo{}, other)
		junk := make([]byte, 1<<16)
		idle := 0
		w.until("the client cannot send any more", func() bool {
			n, err := sys.TrySend(peer, junk)
			if n > 0 {
				idle = 0
			} else if sys.WouldBlock(err) {
				idle++
			} else {
				w.Fatal(err)
			}
			return idle > 20
		})
		if n := te.Pending(); n > transport.HighWater+4*(64<<10) || te.Reading() {
			w.Errorf("%d bytes are pending, reading: %v", n, te.Reading())
		}
		w.must(tOther.Write([]byte("hello")))
		w.until("the other one is served", other.has(5))
	})
}

// echo is a Protocol that sends back what it gets; Base does the rest.
type echo struct{ transport.Base }

// Data sends it back.
func (*echo) Data(t *transport.Transport, p []byte) { _ = t.Write(p) }

// N12: a client that sends without pause does not keep others waiting: in each turn everybody has
// their turn, and the one that has most no more than 256 KiB of it.
func TestFirehoseLeavesTurnsToOthers(t *testing.T) {
	onSockets(t, func(w *world) {
		defer w.atOnce()()
		hose, calm := w.recorder(), w.recorder()
		_, from := w.raw(hose)
		_, calmly := w.raw(calm)
		junk := make([]byte, 1<<20)
		for i := range 50 {
			for n, err := 1, error(nil); n > 0; n, err = sys.TrySend(from, junk) {
				if err != nil && !sys.WouldBlock(err) {
					w.Fatal(err)
				}
			}
			if _, err := sys.TrySend(calmly, []byte("x")); err != nil {
				w.Fatal(err)
			}
			before := len(hose.got)
			w.turns(1)
			if n := len(hose.got) - before; n > 4*(64<<10) {
				w.Fatalf("it has got %d bytes in one turn", n)
			}
			if w.link == "unix" && len(calm.got) != i+1 { // of TCP it can be under way still
				w.Fatalf("after turn %d the other one has got %d bytes", i+1, len(calm.got))
			}
			hose.got = nil
		}
		w.until("the other one has everything", calm.has(50))
	})
}

// TestReceiveInto: it fills the caller's buffer, and Restore puts back what it has filled.
func TestReceiveInto(t *testing.T) {
	everywhere(t, func(w *world) {
		p := &reluctant{}
		ta, tb := w.pair(p, w.recorder())
		want := tagged(1, 300_000)
		w.must(tb.Write(want))
		var got []byte
		buf := make([]byte, 7777)
		restored := false
		w.must(tb.CloseWrite())
		w.until("the end", func() bool {
			n, err := ta.ReceiveInto(buf)
			if err != nil {
				return errors.Is(err, io.EOF)
			}
			if restored = !restored; restored {
				if rest := ta.Restore(buf[:n]); !bytes.Equal(rest, buf[:n]) {
					w.Fatalf("%d bytes were restored, want %d", len(rest), n)
				}
				more, err := ta.Receive(n)
				if err != nil && !errors.Is(err, io.EOF) && err != transport.ErrWouldBlock {
					w.Fatal(err)
				}
				got = append(got, more...)
				return errors.Is(err, io.EOF)
			}
			got = append(got, buf[:n]...)
			return false
		})
		if !bytes.Equal(got, want) {
			w.Errorf("%d bytes arrived, want %d", len(got), len(want))
		}
		ta.Close()
		if _, err := ta.ReceiveInto(buf); !errors.Is(err, net.ErrClosed) {
			w.Errorf("after Close: %v", err)
		}
		if _, err := ta.Receive(0); !errors.Is(err, net.ErrClosed) {
			w.Errorf("after Close: %v", err)
		}
	})
}
