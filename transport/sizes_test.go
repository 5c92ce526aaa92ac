package transport_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/transport"
)

// boundaries are sizes about those at which bytes begin to take another way.
var boundaries = []int{1, 64, 4095, 4096, 4097, 8192, 16383, 16384, 16385, 65535, 65536, 65537,
	131_072, 300_000}

// TestSizesBackAndForth: messages of all sizes, both ways at once, as small ones follow on large
// ones and the other way round: every byte arrives, in order.
func TestSizesBackAndForth(t *testing.T) {
	seed := looptest.Seed(t)
	everywhere(t, func(w *world) {
		random := rand.New(rand.NewPCG(seed, 2))
		var all []*talker
		for i := range 4 {
			a, b := &talker{w: w, tag: 2 * i}, &talker{w: w, tag: 2*i + 1}
			a.peer, b.peer = b, a
			for range 60 {
				a.sizes = append(a.sizes, sizeAbout(random))
				b.sizes = append(b.sizes, sizeAbout(random))
			}
			var pa, pb transport.Protocol = a, b
			if i%2 == 1 {
				pa, pb = pullingTalker{a}, pullingTalker{b}
			}
			a.t, b.t = w.pair(pa, pb)
			all = append(all, a, b)
		}
		for _, a := range all {
			a.next()
		}
		w.hears("all is said", func() bool {
			for _, a := range all {
				if len(a.peer.sizes) > 0 || a.got < a.peer.sent {
					return false
				}
			}
			return true
		})
		w.rests()
	})
}

func sizeAbout(random *rand.Rand) int {
	if random.IntN(4) == 0 {
		return 1 + random.IntN(300_000)
	}
	return boundaries[random.IntN(len(boundaries))]
}

// talker sends its messages, the next one whenever it has got one, and checks what it gets.
type talker struct {
	transport.Base
	w         *world
	t         *transport.Transport
	peer      *talker
	tag       int
	sizes     []int // still to be sent
	sent, got int
	ends      []int // of the peer's messages
}

func (a *talker) next() {
	if len(a.sizes) == 0 {
		return
	}
	n := a.sizes[0]
	a.sizes = a.sizes[1:]
	from := a.sent
	a.sent += n
	a.peer.ends = append(a.peer.ends, a.sent)
	a.w.must(a.t.Write(taggedFrom(a.tag, from, n)))
}

// PauseWriting lets it go on to read: both wait for each other's messages.
func (a *talker) PauseWriting(*transport.Transport) {}

// Data checks it.
func (a *talker) Data(_ *transport.Transport, p []byte) {
	if !bytes.Equal(p, taggedFrom(a.peer.tag, a.got, len(p))) {
		a.w.Fatalf("%d bytes behind %d are not those that were sent", len(p), a.got)
	}
	a.got += len(p)
	for len(a.ends) > 0 && a.got >= a.ends[0] {
		a.ends = a.ends[1:]
		a.next()
		a.w.check()
	}
}

// pullingTalker is a talker that receives by itself.
type pullingTalker struct{ *talker }

// Readable receives.
func (a pullingTalker) Readable(t *transport.Transport) {
	for {
		p, err := t.Receive(0)
		if err != nil {
			return
		}
		a.Data(t, p)
	}
}

// TestEndRightBehindTheData: the end of the stream is not lost if it comes together with the last
// bytes, whatever was requested at that moment, as some kernels do of unix sockets.
func TestEndRightBehindTheData(t *testing.T) {
	onSockets(t, func(w *world) {
		for _, size := range []int{0, 1, 4095, 4096, 4097, 16384, 65536, 100_000} {
			for turns := range 3 {
				for _, pull := range []bool{false, true} {
					w.endBehind(size, turns, pull)
				}
			}
		}
	})
}

func (w *world) endBehind(size, turns int, pull bool) {
	w.Helper()
	r := w.recorder()
	var p transport.Protocol = r
	if pull {
		p = puller{r}
	}
	te, peer := w.raw(p)
	w.turns(turns)
	want := tagged(1, size)
	sent := w.sends(peer, want)
	if sent < size {
		w.until("there is room", func() bool {
			sent += w.sends(peer, want[sent:])
			return sent == size
		})
	}
	w.must(sys.Shutdown(peer, sys.ShutdownWrite))
	w.until(fmt.Sprintf("the end after %d bytes", size), func() bool { return r.is("eof") })
	if !bytes.Equal(r.got, want) {
		w.Errorf("%d bytes have arrived, want %d", len(r.got), size)
	}
	te.Abort()
	_ = sys.Close(peer)
}
