package transport_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/transport"
)

// N9: a reset in the middle of a write fails this connection and nothing else.
func TestResetInTheMiddleOfAWrite(t *testing.T) {
	onSockets(t, func(w *world) {
		a, other, echoed := w.recorder(), w.recorder(), &echo{}
		ta, peer := w.raw(a)
		tOther, _ := w.pair(other, echoed)
		w.must(ta.Write(tagged(1, 16<<20)))
		if ta.Pending() == 0 {
			w.Fatal("nothing is pending")
		}
		w.must(tOther.Write([]byte("before ")))
		w.turns(2)
		w.must(sys.Reset(peer))
		w.until("it is lost", a.lost)
		if a.err == nil || ta.Err() == nil {
			w.Errorf("it was told %q, %v", a.log, a.err)
		}
		w.must(tOther.Write([]byte("after")))
		w.until("the other one goes on", other.has(12))
	})
}

// N10: in a storm of connections that begin and end in every way at any time, so that the numbers
// of descriptors are reused within a turn, no byte reaches another one, and nothing is left.
func TestStormOfDescriptors(t *testing.T) {
	seed := looptest.Seed(t)
	onSockets(t, func(w *world) {
		w.storm(seed, func(a, b transport.Protocol) { w.pair(a, b) })
	})
}

// TestStormOnAListener: as above, by way of the backlog, and with what is due in any order.
func TestStormOnAListener(t *testing.T) {
	seed := looptest.Seed(t)
	for _, link := range []string{"unix", "tcp"} {
		t.Run(link, func(t *testing.T) {
			w := newWorld(t, link, func(c *loop.Config) { c.Order = looptest.Order(seed) })
			var waiting []transport.Protocol
			ln, err := transport.Listen(w.Loop, w.address(t), transport.ListenConfig{})
			w.must(err)
			w.must(ln.Serve(func() transport.Protocol {
				p := waiting[0]
				waiting = waiting[1:]
				return p
			}))
			w.storm(seed, func(a, b transport.Protocol) {
				// One at a time: nothing else says which client it is that was accepted.
				if len(waiting) == 0 {
					waiting = append(waiting, b)
					// The other side may have ended it before this one stands.
					transport.Connect(w.Loop, ln.Addr(), a, func(error) {})
				}
			})
		})
	}
}

// storm makes connections of gusts, a few in each turn, until enough of their sides have ended.
func (w *world) storm(seed uint64, connect func(a, b transport.Protocol)) {
	random := rand.New(rand.NewPCG(seed, 1))
	tag, live, ended := 0, 0, 0
	gustOf := func() *gust {
		tag++
		return &gust{w: w, tag: tag, random: random, begun: func() { live++ },
			over: func() { live--; ended++ }}
	}
	var again func()
	again = func() {
		for range min(3, 40-live) {
			a, b := gustOf(), gustOf()
			a.peer, b.peer = b, a
			connect(a, b)
		}
		if ended < 600 {
			w.Soon(again)
		}
	}
	w.Soon(again)
	w.until("the storm is over", func() bool { return ended >= 600 })
	w.until("the last ones are over", func() bool {
		transport.Each(w.Loop, (*transport.Transport).Abort)
		return live == 0
	})
}

// gust is one side of a connection in a storm: it sends bytes that say whose they are, checks what
// it gets, and ends somehow.
type gust struct {
	w           *world
	peer        *gust
	tag         int
	sent, got   int
	random      *rand.Rand
	begun, over func()
}

func (g *gust) Made(t *transport.Transport) {
	g.begun()
	t.Loop().Soon(func() { g.act(t) })
}

func (g *gust) Data(t *transport.Transport, p []byte) {
	if want := tagged(g.peer.tag, g.got+len(p))[g.got:]; !bytes.Equal(p, want) {
		g.w.Fatal(fmt.Sprintf("%d has got bytes of another one: %x", g.tag, p))
	}
	g.got += len(p)
	g.act(t)
}

func (g *gust) EOF(t *transport.Transport)           { g.act(t); t.Close() }
func (g *gust) PauseWriting(*transport.Transport)    {}
func (g *gust) ResumeWriting(t *transport.Transport) { g.act(t) }
func (g *gust) Lost(*transport.Transport, error)     { g.over() }

// act does something.
func (g *gust) act(t *transport.Transport) {
	switch g.random.IntN(12) {
	case 0:
		t.Close()
	case 1:
		t.Abort()
	case 2:
		_ = t.CloseWrite() // refused if it is closed
	case 3:
		t.PauseReading()
		t.Loop().Soon(func() { t.ResumeReading(); g.act(t) })
	default:
		n := 1 + g.random.IntN(3000)
		if t.Write(tagged(g.tag, g.sent+n)[g.sent:]) == nil {
			g.sent += n
		}
	}
	if g.sent > 20_000 {
		t.Close()
	}
}
