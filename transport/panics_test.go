package transport_test

import (
	"errors"
	"io"
	"testing"

	"github.com/kettle-go/kettle/transport"
)

// flushing is a recorder that is told when nothing is pending any more.
type flushing struct{ *recorder }

// Flushed writes it down.
func (f flushing) Flushed(t *transport.Transport) { f.note(t, "flushed") }

// T10: a panic in any callback ends its connection, with a reset, and is an incident; the peer, the
// other connections and the loop go on.
func TestPanicInEveryCallback(t *testing.T) {
	callbacks := []string{"data", "eof", "pause", "resume", "flushed", "lost"}
	for _, callback := range callbacks {
		everywhere(t, func(w *world) {
			a, b, other := w.recorder(), w.recorder(), w.recorder()
			echo := w.recorder()
			_, tOther := w.pair(other, echo)
			a.on[callback] = func() {
				a.on[callback] = nil
				panic(callback)
			}
			a.keep, b.keep = callback == "flushed", true
			ta, tb := w.pair(flushing{a}, b)
			tb.PauseReading()
			if callback == "pause" || callback == "resume" || callback == "flushed" {
				w.Soon(func() { _ = ta.Write(tagged(1, 8<<20)) })
			}
			_ = tb.Write([]byte("x"))
			_ = tb.CloseWrite()
			if callback == "lost" {
				a.on["data"] = ta.Abort
			}
			w.turns(3)
			tb.ResumeReading()
			w.until("both are lost", func() bool {
				if a.lost() {
					tb.Close()
				}
				return a.lost() && b.lost()
			})
			w.panicked(callback)
			if callback != "lost" && a.err == nil {
				w.Error("the reason is not told")
			}
			w.must(tOther.Write([]byte("still there")))
			w.until("the others go on", other.has(11))
		})
	}
}

// TestPanicInACallbackOfACall: where the protocol is called in the midst of something that others
// do, they get the panic, and the connection ends all the same.
func TestPanicInACallbackOfACall(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	catch := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	a, b := w.recorder(), w.recorder()
	a.on["pause"] = func() { panic("pause") }
	ta, tb := w.pair(a, b)
	tb.PauseReading()
	if v := catch(func() { _ = ta.Write(tagged(1, 1<<20)) }); v != "pause" {
		w.Errorf("Write panicked with %v", v)
	}
	w.until("it is lost", a.lost)
	a.expect("made", "pause", "lost")

	a, b = w.recorder(), w.recorder()
	a.on["made"] = func() { panic("made") }
	if v := catch(func() { w.pair(a, b) }); v != "made" {
		w.Errorf("Pipe panicked with %v", v)
	}
	w.until("it is lost", a.lost)
	a.expect("made", "lost")
	if len(b.log) != 0 {
		w.Errorf("the other side, that was never made, was told %q", b.log)
	}
}

// TestPanicOfAPuller: its callback is Readable.
func TestPanicOfAPuller(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		a.on["data"] = func() { panic("readable") }
		_, tb := w.pair(puller{a}, b)
		w.must(tb.Write([]byte("x")))
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
		w.panicked("readable")
	})
}

// T12: a connection can be given another protocol at any time, push or pull, also one that does not
// want to read at present, and one that has what is there already pulled.
func TestProtocolsChangeAtRunTime(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		send := func(s string) {
			w.Helper()
			w.must(tb.Write([]byte(s)))
			n := len(a.got) + len(s)
			w.until(s+" arrives", a.has(n))
		}
		send("push ")
		ta.SetProtocol(puller{a})
		send("pull ")
		ta.SetProtocol(a)
		send("push ")

		ta.SetProtocol(idle{a}) // is told once, and receives nothing
		w.must(tb.Write([]byte("first ")))
		w.turns(20)
		ta.SetProtocol(a)
		w.until("what nobody wanted arrives", a.has(len("push pull push first ")))

		ta.SetProtocol(idle{a})
		w.must(tb.Write([]byte("second ")))
		w.turns(20)
		ta.SetProtocol(puller{a})
		w.until("what nobody wanted is told of", a.has(len("push pull push first second ")))

		ta.SetProtocol(a)
		ta.PauseReading()
		w.must(tb.Write([]byte("third")))
		w.turns(20)
		ta.SetProtocol(puller{a}) // the pause is for who is pushed to
		w.until("it is told of", a.has(len("push pull push first second third")))
		if got := string(a.got); got != "push pull push first second third" {
			w.Errorf("it has got %q", got)
		}
		w.must(tb.CloseWrite())
		w.until("the end", func() bool { return a.is("eof") })
	})
}

// TestProtocolChangesWithinItsCallback: the rest of what has arrived is the next one's.
func TestProtocolChangesWithinItsCallback(t *testing.T) {
	everywhere(t, func(w *world) {
		first, second, b := w.recorder(), w.recorder(), w.recorder()
		second.log = []string{"made"}
		ta, tb := w.pair(first, b)
		first.on["data"] = func() { ta.SetProtocol(puller{second}) }
		second.on["data"] = func() { second.on["data"] = nil; ta.SetProtocol(second) }
		w.must(tb.Write(tagged(1, 1<<20)))
		w.until("everything arrives", func() bool {
			return len(first.got)+len(second.got) == 1<<20
		})
		if string(first.got)+string(second.got) != string(tagged(1, 1<<20)) {
			w.Error("it has arrived in another order")
		}
		first.expect("made", "data")
	})
}

// idle is a Puller that never receives.
type idle struct{ *recorder }

// Readable does nothing.
func (idle) Readable(*transport.Transport) {}

// TestPullerThatDoesNotReceiveIsNotToldAgain: and the loop does not spin meanwhile. What it does
// receive begins with what it keeps.
func TestPullerThatDoesNotReceiveIsNotToldAgain(t *testing.T) {
	everywhere(t, func(w *world) {
		p := &reluctant{}
		ta, tb := w.pair(p, w.recorder())
		if _, err := ta.Receive(0); !errors.Is(err, transport.ErrWouldBlock) {
			w.Errorf("with nothing there: %v", err)
		}
		w.must(tb.Write([]byte("one")))
		w.until("it is told", func() bool { return p.told == 1 })
		w.turns(20)
		if p.told != 1 {
			w.Errorf("it was told %d times", p.told)
		}
		if w.link == "pipe" && !w.Idle() {
			w.Error("the loop has something to do")
		}
		receive := func(keep int, want string) {
			w.Helper()
			got, err := ta.Receive(keep)
			if err != nil || string(got) != want {
				w.Errorf("got %q, %v, want %q", got, err, want)
			}
		}
		receive(0, "one")
		if got, err := ta.Receive(2); !errors.Is(err, transport.ErrWouldBlock) ||
			string(got) != "ne" {
			w.Errorf("got %q, %v", got, err)
		}
		w.must(tb.Write([]byte("two")))
		w.until("it is told again", func() bool { return p.told == 2 })
		receive(1, "etwo")
		w.must(tb.CloseWrite())
		got, err := ta.Receive(4)
		for errors.Is(err, transport.ErrWouldBlock) {
			w.turns(1)
			got, err = ta.Receive(4)
		}
		if string(got) != "etwo" || !errors.Is(err, io.EOF) {
			w.Errorf("got %q, %v", got, err)
		}
	})
}

// reluctant is a Puller that counts.
type reluctant struct {
	transport.Base
	told int
}

// Readable counts.
func (r *reluctant) Readable(*transport.Transport) { r.told++ }
