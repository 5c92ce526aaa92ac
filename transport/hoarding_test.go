package transport_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/transport"
)

// hoarder is a Puller that is told, and takes nothing.
type hoarder struct{ transport.Base }

// Readable takes nothing.
func (hoarder) Readable(*transport.Transport) {}

// sends sends as much as there is room for, up to n bytes, and returns how much that was.
func (w *world) sends(fd int, p []byte) int {
	w.Helper()
	total := 0
	for total < len(p) {
		n, err := sys.TrySend(fd, p[total:])
		if err != nil && !sys.WouldBlock(err) {
			w.Fatal(err)
		}
		if n == 0 {
			break
		}
		total += n
	}
	return total
}

// rests fails if the loop does not come to rest within a while: nobody wants anything.
func (w *world) rests() {
	w.Helper()
	const enough = 50 * time.Millisecond
	before := w.Turn()
	w.After(enough, w.Stop)
	w.must(w.Run())
	if turns := w.Turn() - before; turns > 1000 {
		w.Errorf("there were %d turns in %v, in which nobody wanted anything", turns, enough)
	}
}

// TestHoarderIsBounded: what a client sends that nobody reads stays in the kernel, but for a
// bounded part, whatever the sizes of its pieces; the loop comes to rest; and nothing is lost.
func TestHoarderIsBounded(t *testing.T) {
	for _, piece := range []int{64, 4000, 1 << 20} {
		onSockets(t, func(w *world) {
			const size = 24 << 20
			te, peer := w.raw(&hoarder{})
			want := tagged(1, size)
			sent, idle := 0, 0
			w.until("the client cannot send any more", func() bool {
				idle++
				for sent < size {
					n := w.sends(peer, want[sent:min(sent+piece, size)])
					if n == 0 {
						break
					}
					sent += n
					idle = 0
				}
				if n := te.Held(); n > transport.MostHeld {
					w.Fatalf("%d bytes are held", n)
				}
				return idle > 20
			})
			w.rests()
			if sent == size {
				w.Fatal("all of it was taken")
			}
			got := w.recorder()
			got.log, got.got = append(got.log, "made"), make([]byte, 0, size)
			te.SetProtocol(got)
			w.until("what was sent is there", func() bool {
				sent += w.sends(peer, want[sent:])
				return sent == size && len(got.got) == size
			})
			if !bytes.Equal(got.got, want) {
				w.Error("the bytes have arrived in another order")
			}
		})
	}
}

// TestFastSenderIsBounded: what comes faster than it is delivered waits in the kernel.
func TestFastSenderIsBounded(t *testing.T) {
	onSockets(t, func(w *world) {
		r := w.recorder()
		te, peer := w.raw(r)
		piece := make([]byte, 4000)
		for range 50 {
			for i := 0; i < 1000 && w.sends(peer, piece) > 0; i++ {
			}
			w.turns(1)
			if n := te.Held(); n > transport.MostHeld {
				w.Fatalf("%d bytes are held", n)
			}
		}
	})
}

// TestPausedConnectionHoldsLittle of what comes slowly.
func TestPausedConnectionHoldsLittle(t *testing.T) {
	onSockets(t, func(w *world) {
		r := w.recorder()
		te, peer := w.raw(r)
		te.PauseReading()
		all, size := tagged(1, 100_000), 0
		for size < len(all) {
			n := w.sends(peer, all[size:size+100])
			if size += n; n < 100 {
				break // the kernel holds no more: of a unix socket it counts more than the bytes
			}
			w.turns(1)
		}
		if size < 20_000 {
			w.Fatalf("only %d bytes could be sent", size)
		}
		if n := te.Held(); n > 20_000 {
			w.Errorf("%d bytes are held", n)
		}
		te.ResumeReading()
		w.hears("it has everything", r.has(size))
		if !bytes.Equal(r.got, all[:size]) {
			w.Error("the bytes have arrived in another order")
		}
	})
}

// TestPeerThatDoesNotReadLetsTheLoopRest, however the pieces that wait for it were written.
func TestPeerThatDoesNotReadLetsTheLoopRest(t *testing.T) {
	for _, piece := range []int{100, 5000, 20_000, 300_000} {
		onSockets(t, func(w *world) {
			a := w.recorder()
			ta, peer := w.raw(a)
			want := tagged(1, 12<<20)
			sent := 0
			for ta.Pending() < 200_000 && sent < len(want) {
				p := want[sent:min(sent+piece, len(want))]
				w.must(ta.Write(p))
				if sent += len(p); sent%(10*piece) == 0 {
					w.turns(1)
				}
			}
			w.turns(20)
			w.rests()
			ta.Close()
			w.rests()
			var got []byte
			buf := make([]byte, 1<<20)
			w.until("it is lost", func() bool {
				n, err := sys.TryRecv(peer, buf)
				if err != nil && !sys.WouldBlock(err) {
					w.Fatal(err)
				}
				got = append(got, buf[:n]...)
				return len(got) >= sent && a.lost()
			})
			if !bytes.Equal(got, want[:sent]) {
				w.Errorf("%d bytes have arrived, want %d", len(got), sent)
			}
		})
	}
}

// TestHoardersBesideOthers: clients whose bytes nobody takes hold none of what the others are
// received into.
func TestHoardersBesideOthers(t *testing.T) {
	onSockets(t, func(w *world) {
		var hoarders []int
		for range 300 {
			_, peer := w.raw(&hoarder{})
			hoarders = append(hoarders, peer)
		}
		junk := make([]byte, 8000)
		var others []*recorder
		for i := range 100 {
			r := w.recorder()
			t, _ := w.pair(r, &echo{})
			w.must(t.Write(tagged(i, 100)))
			others = append(others, r)
		}
		for round := range 20 {
			for _, fd := range hoarders {
				w.sends(fd, junk)
			}
			for i, r := range others {
				w.until("it is answered", r.has(100*(round+1)))
				w.must(r.t.Write(tagged(i, 100)))
			}
		}
		w.rests()
	})
}

// TestAllSendInOneTurn: more of them than a ring has buffers to receive into. All are served, and
// each one's bytes are in order.
func TestAllSendInOneTurn(t *testing.T) {
	onSockets(t, func(w *world) {
		const clients = 400
		recorders, peers := make([]*recorder, clients), make([]int, clients)
		for i := range clients {
			recorders[i] = w.recorder()
			_, peers[i] = w.raw(recorders[i])
		}
		w.turns(2)
		const size = 10_000
		for from := 0; from < size; from += 2500 {
			for i, fd := range peers {
				if w.sends(fd, tagged(i, size)[from:from+2500]) != 2500 {
					w.Fatal("there is no room")
				}
			}
			w.turns(1)
		}
		for i, r := range recorders {
			w.until("it has everything", r.has(size))
			if !bytes.Equal(r.got, tagged(i, size)) {
				w.Errorf("the bytes of client %d have arrived in another order", i)
			}
		}
	})
}
