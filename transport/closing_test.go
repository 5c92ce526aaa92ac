package transport_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/transport"
)

// T1: with nothing pending Lost comes later, and not in the midst of Close; with something pending,
// only after that was sent.
func TestCloseSendsWhatIsPendingFirst(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, _ := w.pair(a, b)
		ta.Close()
		a.expect("made")
		if !ta.Closing() {
			w.Error("it says that it is not closing")
		}
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
		a.expect("made", "lost")
		b.expect("made", "eof", "lost")
		if a.err != nil || b.err != nil || ta.Err() != nil {
			w.Errorf("the errors are %v, %v, %v", a.err, b.err, ta.Err())
		}

		a, b = w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		tb.PauseReading()
		want := tagged(1, 8<<20)
		w.must(ta.Write(want))
		ta.Close()
		ta.Close() // to close again is no error
		w.turns(20)
		if a.lost() {
			w.Error("it is lost before what was pending is sent")
		}
		tb.ResumeReading()
		w.until("the reader is lost", b.lost)
		if !bytes.Equal(b.got, want) {
			w.Errorf("%d bytes arrived, want %d", len(b.got), len(want))
		}
		w.until("the writer is lost", a.lost)
	})
}

// T2: what a protocol has waited to write since before the Close is still sent.
func TestWhatResumeWritingWritesWhileClosingIsSent(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		tb.PauseReading()
		parts := [][]byte{tagged(1, 6<<20), tagged(2, 6<<20), tagged(3, 100)}
		a.on["resume"] = func() {
			for a.count("resume") == 1 && len(parts) > 1 {
				if err := ta.Write(parts[1]); err != nil {
					w.Errorf("write while closing: %v", err)
				}
				parts = append(parts[:1:1], parts[2:]...)
			}
		}
		want := bytes.Join(parts, nil)
		w.must(ta.Write(parts[0]))
		ta.Close()
		if err := ta.Write([]byte("late")); !errors.Is(err, net.ErrClosed) {
			w.Errorf("a write that has not waited: %v", err)
		}
		tb.ResumeReading()
		w.until("the reader is lost", b.lost)
		if !bytes.Equal(b.got, want) {
			w.Errorf("%d bytes arrived, want %d", len(b.got), len(want))
		}
		w.until("the writer is lost", a.lost)
	})
}

// T5: after Close and after Lost nothing is kept.
func TestWriteAfterCloseIsRefused(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, _ := w.pair(a, b)
		refused := func(when string) {
			w.Helper()
			_, some := ta.WriteSome([]byte("x"))
			for _, err := range []error{ta.Write([]byte("x")), some,
				ta.Writev([][]byte{{1}, {2}}), ta.CloseWrite()} {
				if !errors.Is(err, net.ErrClosed) {
					w.Errorf("%s: %v", when, err)
				}
			}
			if ta.Pending() != 0 {
				w.Errorf("%s: %d bytes are pending", when, ta.Pending())
			}
		}
		ta.Close()
		refused("after Close")
		w.until("it is lost", a.lost)
		refused("after Lost")
	})
}

// T7: the end of the sending side comes after what is pending, and at once if nothing is. N4: the
// other direction goes on, and an answer that comes late arrives.
func TestHalfCloseAndALateAnswer(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		b.keep = true
		ta, tb := w.pair(a, b)
		want := tagged(1, 4<<20)
		tb.PauseReading()
		w.must(ta.Write(want))
		w.must(ta.CloseWrite())
		w.must(ta.CloseWrite())
		if err := ta.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			w.Errorf("a write after CloseWrite: %v", err)
		}
		tb.ResumeReading()
		w.until("the end arrives", func() bool { return b.is("eof") })
		if !bytes.Equal(b.got, want) {
			w.Errorf("%d bytes arrived, want %d", len(b.got), len(want))
		}
		w.turns(20)
		if a.is("lost") || !tb.Ended() || tb.Closing() {
			w.Errorf("a half-close has closed more: %q, %q", a.log, b.log)
		}
		late := tagged(2, 1<<20)
		w.must(tb.Write(late))
		tb.Close()
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
		if !bytes.Equal(a.got, late) {
			w.Errorf("%d bytes of the answer arrived, want %d", len(a.got), len(late))
		}
		if a.err != nil || b.err != nil {
			w.Errorf("the errors are %v, %v", a.err, b.err)
		}
		if err := ta.CloseWrite(); !errors.Is(err, net.ErrClosed) {
			w.Errorf("CloseWrite after Close: %v", err)
		}
	})
}

// N5: 10 MB, then Close, to a peer that takes little at a time: every byte, and then the end.
func TestCloseAfterTenMegabytesToASlowPeer(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		ta, peer := w.raw(a)
		want := tagged(7, 10<<20)
		w.must(ta.Write(want))
		ta.Close()
		var got []byte
		buf := make([]byte, 100_000)
		w.until("the end arrives", func() bool {
			n, err := sys.TryRecv(peer, buf)
			got = append(got, buf[:n]...)
			if err != nil && !sys.WouldBlock(err) {
				w.Fatalf("after %d bytes: %v", len(got), err)
			}
			return n == 0 && err == nil
		})
		if !bytes.Equal(got, want) {
			w.Errorf("%d bytes arrived, want %d", len(got), len(want))
		}
		w.until("it is lost", a.lost)
	})
}

// N6: of more than 1 MB and the end in one burst every byte is delivered before EOF.
func TestEveryByteBeforeTheEnd(t *testing.T) {
	for _, pull := range []bool{false, true} {
		everywhere(t, func(w *world) {
			a, b := w.recorder(), w.recorder()
			var pb transport.Protocol = b
			if pull {
				pb = puller{b}
			}
			ta, _ := w.pair(a, pb)
			want := tagged(1, 3<<20)
			w.must(ta.Write(want))
			w.must(ta.CloseWrite())
			w.until("both are lost", func() bool { return a.lost() && b.lost() })
			b.expect("made", "data", "eof", "lost")
			if !bytes.Equal(b.got, want) {
				w.Errorf("%d bytes arrived, want %d", len(b.got), len(want))
			}
		})
	}
}

// TestCloseLosesNothing: neither what the peer sends after our Close nor what we have not read when
// we close destroys what is on its way, though the kernel answers such with a reset.
func TestCloseLosesNothing(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		ta.PauseReading()
		tb.PauseReading()
		w.must(tb.Write(tagged(2, 50_000))) // will be there, unread
		w.turns(3)
		want := tagged(1, 2<<20)
		w.must(ta.Write(want))
		ta.Close()
		w.turns(3)
		w.must(tb.Write(tagged(3, 1000))) // comes after the Close
		w.turns(3)
		tb.ResumeReading()
		w.until("the end arrives", b.lost)
		if !bytes.Equal(b.got, want) || b.err != nil {
			w.Errorf("%d bytes arrived, want %d, and %v", len(b.got), len(want), b.err)
		}
		w.until("it is lost", a.lost)
		if a.err != nil {
			w.Errorf("the side that closed: %v", a.err)
		}
	})
}

// TestAbortResetsThePeer: what was sent may still arrive, and then a reset.
func TestAbortResetsThePeer(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		tb.PauseReading()
		w.must(ta.Write(tagged(1, 8<<20)))
		ta.Abort()
		ta.Abort()
		ta.Close()
		tb.ResumeReading()
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
		if a.err != nil {
			w.Errorf("the side that aborted: %v", a.err)
		}
		if w.link != "unix" && !errors.Is(b.err, syscall.ECONNRESET) {
			w.Errorf("the peer: %v", b.err)
		}
		if len(b.got) == 8<<20 {
			w.Error("what was pending was sent")
		}
	})
}

// N11: to close, in any way, in the midst of any callback, and more than once.
func TestCloseInEveryCallback(t *testing.T) {
	for _, callback := range []string{"made", "data", "eof", "pause", "resume", "lost"} {
		for _, way := range []string{"Close", "Abort", "CloseWrite", "both"} {
			everywhere(t, func(w *world) {
				a, b := w.recorder(), w.recorder()
				b.keep = true
				a.on[callback] = func() {
					switch way {
					case "Close":
						a.t.Close()
						a.t.Close()
					case "Abort":
						a.t.Abort()
						a.t.Abort()
					case "CloseWrite":
						_ = a.t.CloseWrite()
						_ = a.t.CloseWrite()
					default:
						a.t.Close()
						a.t.Abort()
					}
				}
				ta, tb := w.pair(a, b)
				tb.PauseReading()
				size := 1000
				if callback == "pause" || callback == "resume" {
					size = 5 << 20 // more than the kernel takes
				}
				_ = ta.Write(tagged(1, size)) // may be closed already
				_ = tb.Write([]byte("x"))
				_ = tb.CloseWrite()
				tb.ResumeReading()
				w.until("its end", func() bool { return a.lost() })
				tb.Close()
				w.until("the peer's end", func() bool { return b.lost() })
			})
		}
	}
}

// TestLingeringEnds: a peer that reads nothing keeps a transport that closes, and a loop that ends,
// for half a minute and not longer; the rest is lost then, and the peer is told so by a reset.
func TestLingeringEnds(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	a, b := w.recorder(), w.recorder()
	ta, tb := w.pair(a, b)
	tb.PauseReading()
	w.must(ta.Write(tagged(1, 1<<20)))
	ta.Close()
	w.End() // it waits for that
	w.must(w.Run())
	if w.Now() != 30_000_000_000 {
		w.Errorf("it took %v, want 30 s", w.Now())
	}
	w.turns(1)
	a.expect("made", "pause", "lost")
	if a.err == nil || !errors.Is(ta.Err(), a.err) {
		w.Errorf("the errors are %v and %v", a.err, ta.Err())
	}
	tb.ResumeReading()
	w.until("the peer is lost", b.lost)
	if !errors.Is(b.err, syscall.ECONNRESET) {
		w.Errorf("the peer: %v", b.err)
	}
}

// TestErrorsAreThoseOfNet: with the operation, the addresses, and the errno of the call.
func TestErrorsAreThoseOfNet(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		ta, peer := w.raw(a)
		w.must(sys.Reset(peer))
		w.until("it is lost", func() bool {
			_ = ta.Write([]byte("x"))
			return a.lost()
		})
		var op *net.OpError
		var call *os.SyscallError
		if a.is("eof") { // of a unix socket that is all
			return
		}
		if !errors.As(a.err, &op) || op.Net != ta.Network() || !errors.As(a.err, &call) {
			w.Errorf("the error is %#v", a.err)
		}
	})
}
