package transport_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/transport"
)

// T3: a write is sent at once; of what there is no room for the rest is kept, and the caller's
// bytes are neither kept nor changed; to write nothing does nothing.
func TestWriteSendsAtOnceAndKeepsTheRest(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		tb.PauseReading()
		w.turns(1)
		w.must(ta.Write(nil))
		w.must(ta.Writev([][]byte{nil, {}}))
		if ta.Pending() != 0 {
			w.Errorf("of nothing %d bytes are pending", ta.Pending())
		}
		p := tagged(1, 8<<20)
		want := bytes.Clone(p)
		w.must(ta.Write(p))
		if n := ta.Pending(); n == 0 || n == len(p) {
			w.Errorf("%d of %d bytes are pending", n, len(p))
		}
		if !bytes.Equal(p, want) {
			w.Error("the caller's bytes were changed")
		}
		clear(p)
		kept := ta.Pending()
		w.must(ta.Write([]byte("end"))) // nothing of it can be sent
		if ta.Pending() != kept+3 {
			w.Errorf("%d bytes are pending after 3 more, %d before", ta.Pending(), kept)
		}
		tb.ResumeReading()
		want = append(want, "end"...)
		w.until("everything arrives", b.has(len(want)))
		if !bytes.Equal(b.got, want) || ta.Pending() != 0 {
			w.Errorf("%d bytes arrived, want %d, and %d are pending", len(b.got), len(want),
				ta.Pending())
		}
		a.expect("made", "pause", "resume")
	})
}

// T4: a write that fails is the end of its connection, told once.
func TestFailedWriteEndsTheConnection(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		ta, peer := w.raw(a)
		ta.PauseReading()
		w.must(sys.Reset(peer))
		var err error
		w.until("a write fails", func() bool {
			if err == nil {
				err = ta.Write([]byte("x"))
			}
			return err != nil
		})
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			w.Errorf("the error is %v", err)
		}
		w.until("it is lost", a.lost)
		a.expect("made", "lost")
		if a.err != err || ta.Err() != err {
			w.Errorf("the write said %v, Lost %v, Err %v", err, a.err, ta.Err())
		}
		if again := ta.Write([]byte("x")); again != err {
			w.Errorf("the next write: %v", again)
		}
	})
}

// T6: Writev sends at once, keeps the rest, pauses above the high-water mark, and changes neither
// the pieces nor the list of them, of which there may be more than a system call takes.
func TestWritevKeepsTheOrderOfManyPieces(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		tb.PauseReading()
		want := tagged(1, 6<<20)
		var pieces [][]byte
		for rest := range slices.Chunk(want, 2000) {
			pieces = append(pieces, rest, nil)
		}
		same := slices.Clone(pieces)
		w.must(ta.Writev(pieces))
		a.expect("made", "pause")
		for i := range pieces {
			if !bytes.Equal(pieces[i], same[i]) {
				w.Fatalf("piece %d was changed", i)
			}
		}
		w.must(ta.Writev([][]byte{[]byte("the "), []byte("end")}))
		tb.ResumeReading()
		want = append(want, "the end"...)
		w.until("everything arrives", b.has(len(want)))
		if !bytes.Equal(b.got, want) {
			w.Error("the bytes have arrived in another order")
		}
	})
}

// TestWritesOfATurnAreGathered: the first is sent at once, the others together at its end; on a
// ring all of them are. A large one does not wait, and their order is kept.
func TestWritesOfATurnAreGathered(t *testing.T) {
	onSockets(t, func(w *world) {
		a := w.recorder()
		ta, peer := w.raw(a)
		buf := make([]byte, 1<<20)
		arrived := func() string {
			n, err := sys.TryRecv(peer, buf)
			if err != nil && !sys.WouldBlock(err) {
				w.Fatal(err)
			}
			return string(buf[:n])
		}
		var steps []string
		w.Soon(func() {
			for _, p := range []string{"one", "two", "three"} {
				w.must(ta.Write([]byte(p)))
				steps = append(steps, arrived())
			}
			w.must(ta.Writev([][]byte{[]byte("four"), []byte("five")}))
			w.Last(loop.Func(func() { steps = append(steps, arrived()) }))
		})
		w.turns(1)
		want := []string{"one", "", "", "twothreefourfive"}
		if transport.Gathers(w.Loop) {
			want = []string{"", "", "", "onetwothreefourfive"}
		}
		if !slices.Equal(steps, want) {
			w.Errorf("the peer has got %q, want %q", steps, want)
		}
		large := string(tagged(1, 20_000))
		w.Soon(func() {
			w.must(ta.Write([]byte("one")))
			w.must(ta.Write([]byte("two")))
			w.must(ta.Write([]byte(large)))
			if got := arrived(); got != "onetwo"+large {
				w.Errorf("the peer has got %d bytes: a large write has waited", len(got))
			}
		})
		w.turns(1)
	})
}

// TestWhoSendsAloneNeedsNoRing: at the end of the turn everything has been sent, and of several who
// send, or of one while something else is requested, the ring has yet to tell.
func TestWhoSendsAloneNeedsNoRing(t *testing.T) {
	onSelectors(t, "tcp", func(w *world) {
		if !transport.Gathers(w.Loop) {
			return
		}
		lone := !transport.SendsByRing(w.Loop)
		ta, _ := w.raw(w.recorder())
		tb, _ := w.raw(w.recorder())
		w.turns(3) // until both receive
		for _, turn := range []struct {
			writers []*transport.Transport
			asks    *transport.Transport
		}{{writers: []*transport.Transport{ta}},
			{writers: []*transport.Transport{ta, tb}},
			{writers: []*transport.Transport{tb}},
			{writers: []*transport.Transport{ta}, asks: tb}} {
			var sending int
			w.Soon(func() {
				for _, x := range turn.writers {
					w.must(x.Write([]byte("hello")))
				}
				if turn.asks != nil {
					turn.asks.Ask()
				}
				w.Last(loop.Func(func() {
					for _, x := range turn.writers {
						if x.Sending() {
							sending++
						}
					}
				}))
			})
			w.turns(3)
			alone := lone && len(turn.writers) == 1 && turn.asks == nil
			if (sending == 0) != alone {
				w.Errorf("of %d who send (another asks: %v) the ring has yet to tell of %d",
					len(turn.writers), turn.asks != nil, sending)
			}
		}
	})
}

// TestWriteBeforeTheLoopRuns: what is gathered then goes out in the first turn, and nothing else
// has to happen for it.
func TestWriteBeforeTheLoopRuns(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, _ := w.pair(a, b)
		for range 2 { // between two runs it is the same
			b.got = nil
			w.must(ta.Write([]byte("one")))
			w.must(ta.Write([]byte("two")))
			w.awaited = b.has(6)
			w.must(w.Run())
			if string(b.got) != "onetwo" {
				w.Errorf("the peer has got %q", b.got)
			}
		}
	})
}

// TestCloseWriteSendsWhatIsGathered: at once, with no turn in between.
func TestCloseWriteSendsWhatIsGathered(t *testing.T) {
	onSockets(t, func(w *world) {
		ta, peer := w.raw(w.recorder())
		w.Soon(func() {
			for _, p := range []string{"one", "two", "three"} {
				w.must(ta.Write([]byte(p)))
			}
			w.must(ta.CloseWrite())
			buf := make([]byte, 100)
			got := ""
			for {
				n, err := sys.TryRecv(peer, buf)
				if w.must(err); n == 0 {
					break
				}
				got += string(buf[:n])
			}
			if got != "onetwothree" {
				w.Errorf("the peer has got %q", got)
			}
		})
		w.turns(1)
	})
}

// TestWriteSomeHeedsTheMark: it keeps no more than the mark allows, whatever was gathered before,
// and whoever waits then is told when to go on. N7: nothing of it is lost.
func TestWriteSomeHeedsTheMark(t *testing.T) {
	for _, high := range []int{0, 1, 5000, transport.HighWater} {
		everywhere(t, func(w *world) {
			a, b := w.recorder(), w.recorder()
			ta, _ := w.pair(a, b)
			w.must(ta.SetWriteMarks(high, high/2))
			want := tagged(high, 3<<20)
			sent, size := 0, 1
			send := func() {
				for sent < len(want) {
					size = min(size*3%70_001+1, len(want)-sent)
					n, err := ta.WriteSome(want[sent : sent+size])
					w.must(err)
					if sent += n; ta.Pending() > high {
						w.Fatalf("%d bytes are pending, above %d", ta.Pending(), high)
					}
					if n < size {
						if !ta.Full() {
							w.Fatal("it took less than all, and will not resume")
						}
						return
					}
				}
			}
			a.on["resume"] = func() { send() }
			w.Soon(send)
			w.until("everything arrives", b.has(len(want)))
			if !bytes.Equal(b.got, want) {
				w.Error("the bytes have arrived in another order")
			}
		})
	}
}

// T25: the marks are 16 and 64 KiB; 0 is a mark; wrong ones are refused.
func TestWriteMarks(t *testing.T) {
	w := newWorld(t, "pipe", nil)
	a, b := w.recorder(), w.recorder()
	ta, tb := w.pair(a, b)
	tb.PauseReading()
	expect := func(high, low int) {
		w.Helper()
		if h, l := ta.WriteMarks(); h != high || l != low {
			w.Errorf("the marks are %d and %d, want %d and %d", h, l, high, low)
		}
	}
	expect(64<<10, 16<<10)
	wrongs := [][2]int{{-1, 0}, {0, 1}, {10, 11}, {10, -1}}
	if math.MaxInt > math.MaxInt32 {
		wrongs = append(wrongs, [2]int{math.MaxInt, 0})
	}
	for _, wrong := range wrongs {
		if err := ta.SetWriteMarks(wrong[0], wrong[1]); !errors.Is(err, os.ErrInvalid) {
			w.Errorf("marks %v: %v", wrong, err)
		}
	}
	expect(64<<10, 16<<10)
	w.must(ta.Write(tagged(1, 64<<10))) // fills what is under way
	w.must(ta.Write(tagged(1, 1000)))
	a.expect("made")
	w.must(ta.SetWriteMarks(1000, 0))
	a.expect("made")
	w.must(ta.SetWriteMarks(999, 10)) // at once
	a.expect("made", "pause")
	w.must(ta.SetWriteMarks(2000, 999))
	a.expect("made", "pause")
	w.must(ta.SetWriteMarks(2000, 1000))
	a.expect("made", "pause", "resume")
	w.must(ta.SetWriteMarks(0, 0))
	a.expect("made", "pause", "resume", "pause")
	expect(0, 0)
	tb.ResumeReading()
	w.until("it resumes", func() bool { return a.count("resume") == 2 })
	if ta.Pending() != 0 {
		w.Errorf("it has resumed with %d bytes pending", ta.Pending())
	}
}

// FuzzWriteMarks: whatever the marks are and are changed to, and whatever is written, PauseWriting
// and ResumeWriting alternate, come when they should, and everything arrives.
func FuzzWriteMarks(f *testing.F) {
	f.Add(uint32(65536), uint32(16384), uint32(0), uint32(0), []byte{200, 10, 255, 3})
	f.Add(uint32(0), uint32(0), uint32(1), uint32(1), []byte{1, 1, 255, 255, 255})
	f.Fuzz(func(t *testing.T, high, low, high2, low2 uint32, sizes []byte) {
		w := newWorld(t, "pipe", nil)
		a, b := w.recorder(), w.recorder()
		ta, tb := w.pair(a, b)
		tb.PauseReading()
		change := func(high, low uint32) {
			err := ta.SetWriteMarks(int(high), int(low))
			if (err == nil) != (low <= high && high <= 1<<31-1) {
				w.Errorf("marks %d and %d: %v", high, low, err)
			}
		}
		change(high, low)
		total := 0
		for i, size := range sizes[:min(len(sizes), 100)] {
			if i == len(sizes)/2 {
				change(high2, low2)
			}
			n := int(size) * int(size)
			w.must(ta.Write(tagged(0, n)))
			total += n
			if h, l := ta.WriteMarks(); ta.Full() != a.paused() ||
				ta.Pending() > h && !ta.Full() || ta.Pending() <= l && ta.Full() {
				w.Fatalf("full: %v, paused: %v, with %d bytes pending, and marks %d and %d",
					ta.Full(), a.paused(), ta.Pending(), h, l)
			}
			w.turns(int(size) % 3)
		}
		tb.ResumeReading()
		w.until("everything arrives", b.has(total))
		if ta.Full() || ta.Pending() > 0 {
			w.Errorf("in the end %d bytes are pending, full: %v", ta.Pending(), ta.Full())
		}
	})
}

// TestCloseInTheMidstOfWritev: where the protocol closes when it is told that too much is pending,
// all pieces are sent, also those that were not when it was told.
func TestCloseInTheMidstOfWritev(t *testing.T) {
	everywhere(t, func(w *world) {
		a, b := w.recorder(), w.recorder()
		ta, _ := w.pair(a, b)
		w.must(ta.SetWriteMarks(0, 0))
		a.on["pause"] = ta.Close
		var pieces [][]byte
		for range 3000 { // more than a system call takes
			pieces = append(pieces, []byte("piece "))
		}
		w.must(ta.Writev(pieces))
		ta.Close() // if that has not been
		w.until("both are lost", func() bool { return a.lost() && b.lost() })
		if len(b.got) != 3000*6 || a.err != nil || b.err != nil {
			w.Errorf("%d bytes have arrived; %v, %v", len(b.got), a.err, b.err)
		}
	})
}
