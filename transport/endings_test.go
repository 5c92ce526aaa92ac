package transport_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/transport"
)

// N15: to close the loop frees every descriptor, in whatever state it is, and tells every protocol,
// one that panics notwithstanding, and those that were about to be told.
func TestLoopCloseFreesEverything(t *testing.T) {
	onSockets(t, func(w *world) {
		var all []*recorder
		var fds []int
		connect := func() *recorder {
			pair := w.sockets()
			w.closeAtEnd(pair[1])
			fds = append(fds, pair[0])
			all = append(all, w.recorder())
			w.adopt(pair[0], all[len(all)-1])
			return all[len(all)-1]
		}
		connect() // is idle
		full := connect()
		w.must(full.t.Write(tagged(1, 8<<20)))
		lingering := connect()
		w.must(lingering.t.Write(tagged(1, 8<<20)))
		lingering.t.Close()
		w.turns(3)
		ln := w.listen(w.address(t), transport.ListenConfig{})
		transport.Connect(w.Loop, ln.Addr(), w.recorder(), func(err error) { w.Error(err) })
		aborted := connect()
		aborted.t.Abort()
		connect().on["lost"] = func() { panic("lost") }
		connect()
		w.must(w.Close())
		w.panicked("lost")
		for i, r := range all {
			if !r.lost() {
				w.Errorf("connection %d was told %q", i, r.log)
			}
			if sys.CheckOpen(fds[i]) == nil {
				w.Errorf("the descriptor of connection %d is open", i)
			}
			if r != aborted && !errors.Is(r.err, loop.ErrClosed) {
				w.Errorf("connection %d: %v", i, r.err)
			}
		}
		if err := full.t.Write([]byte("x")); !errors.Is(err, loop.ErrClosed) {
			w.Errorf("a write after that: %v", err)
		}
		if err := ln.Serve(nil); err == nil {
			w.Error("the listener is open")
		}
		pair := w.sockets()
		w.closeAtEnd(pair[1])
		_, err := transport.Adopt(w.Loop, pair[0], w.recorder())
		if !errors.Is(err, loop.ErrClosed) {
			w.Errorf("Adopt after that: %v", err)
		}
		if sys.CheckOpen(pair[0]) == nil {
			w.Error("what could not be adopted is open")
		}
	})
}

// TestLoopCloseInMemory: there is nothing to free, but the protocols are told.
func TestLoopCloseInMemory(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	a, b := w.recorder(), w.recorder()
	ta, _ := w.pair(a, b)
	w.must(ta.Write(tagged(1, 1<<20)))
	w.must(w.Close())
	a.expect("made", "pause", "lost")
	b.expect("made", "lost")
	if !errors.Is(a.err, loop.ErrClosed) || !errors.Is(b.err, loop.ErrClosed) {
		w.Errorf("the errors are %v, %v", a.err, b.err)
	}
}

// TestEndWaitsForWhatIsStillToBeSent: a loop that ends lets a transport that closes send what it
// has, and ends then, at once.
func TestEndWaitsForWhatIsStillToBeSent(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		tb.PauseReading()
		w.must(ta.Write(tagged(1, 8<<20)))
		ta.Close()
		w.End()
		w.Soon(func() { w.Soon(tb.ResumeReading) })
		before := w.Now()
		w.must(w.Run())
		if d := w.Now() - before; d > 25*time.Second {
			w.Errorf("it took %v", d)
		}
		w.until("everything has arrived", b.has(8<<20))
	})
}

// TestBothCloseWithMuchPending: neither has to wait for the other one to read. What is left of one
// when the other has gone breaks.
func TestBothCloseWithMuchPending(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		ta.PauseReading()
		tb.PauseReading()
		w.must(ta.Write(tagged(1, 8<<20)))
		w.must(tb.Write(tagged(2, 8<<20)))
		w.turns(5)
		if ta.Pending() == 0 || tb.Pending() == 0 {
			w.Fatal("nothing is pending")
		}
		ta.Close()
		tb.Close()
		w.hears("both are lost", func() bool { return a.lost() && b.lost() })
		for _, err := range []error{a.err, b.err} {
			if err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
				w.Errorf("the error is %v", err)
			}
		}
	})
}

// TestLingeringForThePeersSystem: when everything is sent, and the peer's system does not take it,
// a transport waits for five seconds at most, looks rarely, and ends without an error.
func TestLingeringForThePeersSystem(t *testing.T) {
	testenv.Need(t, testenv.Linux) // elsewhere nobody knows what was acknowledged
	clock := looptest.NewClock()
	w := newWorld(t, "tcp", func(c *loop.Config) { c.Clock = clock })
	a := w.recorder()
	pair := w.sockets()
	w.closeAtEnd(pair[1])
	w.must(sys.SetRecvBuffer(pair[1], 4096))
	w.must(sys.SetSendBuffer(pair[0], 1<<20))
	ta := w.adopt(pair[0], a)
	for ta.Pending() == 0 { // what the kernel takes, and the peer does not
		w.must(ta.Write(tagged(1, 32<<10)))
		if n, err := sys.Unsent(pair[0]); err == nil && n > 200<<10 {
			break
		}
	}
	if ta.Pending() > 0 {
		w.Fatal("there is no room between the two")
	}
	before, turns := w.Now(), w.Turn()
	ta.Close()
	w.End()
	w.must(w.Run())
	w.turns(1)
	if d := w.Now() - before; d != 5*time.Second {
		w.Errorf("it took %v, want 5 s", d)
	}
	if n := w.Turn() - turns; n > 100 {
		w.Errorf("it took %d turns", n)
	}
	a.expect("made", "lost")
	if a.err != nil {
		w.Errorf("the error is %v", a.err)
	}
}

// TestLingeringIsCutShort: by Abort, by the peer's end, and by its reset.
func TestLingeringIsCutShort(t *testing.T) {
	onSelectors(t, "tcp", func(w *world) {
		for _, how := range []string{"abort", "end", "reset"} {
			a := w.recorder()
			ta, peer := w.raw(a)
			w.must(ta.Write(tagged(1, 16<<20)))
			ta.Close()
			w.turns(3)
			begin := w.Now()
			switch how {
			case "abort":
				ta.Abort()
			case "reset":
				w.must(sys.Reset(peer))
			case "end":
				buf := make([]byte, 1<<20)
				w.until("everything is sent", func() bool {
					n, err := sys.TryRecv(peer, buf)
					return n == 0 && err == nil || errors.Is(err, syscall.ECONNRESET)
				})
				w.must(sys.Shutdown(peer, sys.ShutdownWrite))
			}
			w.until(how, a.lost)
			if d := w.Now() - begin; d > 25*time.Second {
				w.Errorf("%s: it took %v", how, d)
			}
			if (a.err == nil) != (how != "reset") {
				w.Errorf("%s: %v", how, a.err)
			}
			if w.Idle() != (how != "") {
				w.Errorf("%s: something is left", how)
			}
		}
	})
}
