package transport_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/transport"
)

// TestRandomScripts: whatever two sides of connections do, in whatever order what is due at once
// runs, the callbacks come in the order that is promised (the recorders see to that), every byte
// that was taken before a close arrives, in order, and nothing is left in the end. N17.
func TestRandomScripts(t *testing.T) {
	t.Run("pipe", func(t *testing.T) { randomScripts(t, "pipe", "") })
	for _, name := range selectors.Candidates() {
		s, err := selectors.Open(name)
		if err != nil {
			continue
		}
		_ = s.Close()
		for _, link := range []string{"unix", "tcp"} {
			t.Run(link+"/"+name, func(t *testing.T) {
				testenv.Need(t, testenv.Unix)
				randomScripts(t, link, name)
			})
		}
	}
}

func randomScripts(t *testing.T, link, selector string) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(r, link, func(c *loop.Config) {
			c.Order = looptest.Order(rapid.Uint64().Draw(r, "order"))
			if selector == "" {
				return
			}
			s, err := selectors.Open(selector)
			if err != nil {
				r.Fatal(err)
			}
			c.Selector = s
		})
		var all []*scripted
		for i := range rapid.IntRange(1, 2).Draw(r, "connections") {
			a, b := newScripted(w, 2*i), newScripted(w, 2*i+1)
			a.peer, b.peer = b, a
			w.pair(a.protocol(), b.protocol())
			all = append(all, a, b)
			a.react(r)
			b.react(r)
		}
		draw := func() *scripted { return rapid.SampledFrom(all).Draw(r, "side") }
		r.Repeat(map[string]func(*rapid.T){
			"write":      func(r *rapid.T) { draw().write(r) },
			"writev":     func(r *rapid.T) { draw().writev(r) },
			"write some": func(r *rapid.T) { draw().writeSome(r) },
			"marks":      func(r *rapid.T) { draw().marks(r) },
			"pause":      func(*rapid.T) { draw().t.PauseReading() },
			"resume":     func(*rapid.T) { draw().t.ResumeReading() },
			"protocol":   func(*rapid.T) { draw().change() },
			"turn":       func(*rapid.T) { w.turns(1) },
			"close write": func(*rapid.T) {
				s := draw()
				_ = s.t.CloseWrite() // refused if it is closed
			},
			"close": func(*rapid.T) {
				if s := draw(); rapid.IntRange(0, 3).Draw(r, "really") == 0 {
					s.close()
				}
			},
			"abort": func(*rapid.T) {
				if s := draw(); rapid.IntRange(0, 9).Draw(r, "really") == 0 {
					s.closed, s.aborted, s.peer.aborted = true, true, true
					s.t.Abort()
				}
			},
			"": func(*rapid.T) {
				for _, s := range all {
					s.check()
				}
			},
		})
		for _, s := range all {
			s.finish()
		}
		for _, s := range all {
			w.until("it is lost", s.lost)
			s.compare()
		}
		w.turns(2)
		if w.link == "pipe" && !w.Idle() {
			r.Error("something is left to do")
		}
	})
}

// scripted is a side of a connection, and the reference of what it should see.
type scripted struct {
	*recorder
	peer    *scripted
	tag     int
	sent    []byte // what was taken before a close
	pulls   bool
	writing int  // calls under way
	closed  bool // this side has closed it: it need not get anything any more
	aborted bool // either side
}

func newScripted(w *world, tag int) *scripted {
	s := &scripted{recorder: w.recorder(), tag: tag}
	s.keep = true
	return s
}

// react has some of the callbacks do something themselves, once each time that they are called.
func (s *scripted) react(r *rapid.T) {
	for _, callback := range []string{"data", "eof", "pause", "resume"} {
		reactions := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 4).Draw(r, callback)
		size := size(r)
		s.on[callback] = func() {
			if len(reactions) == 0 {
				return
			}
			next := reactions[0]
			reactions = reactions[1:]
			s.reaction(next, size)
		}
	}
}

func (s *scripted) reaction(which, size int) {
	switch which {
	case 0, 1:
		s.writeWith(s.t.Write, size)
	case 2:
		s.writeWith(s.t.Write, size)
		s.close()
	case 3:
		_ = s.t.CloseWrite() // refused if it is closed
	case 4:
		s.close()
		s.writeWith(s.t.Write, size)
	case 5:
		s.t.PauseReading()
	case 6:
		s.t.ResumeReading()
	case 7:
		s.w.must(s.t.SetWriteMarks(size, size/2))
	case 8:
		s.change()
	}
}

func (s *scripted) close() {
	s.closed = true
	s.t.Close()
}

func (s *scripted) protocol() transport.Protocol {
	if s.pulls {
		return puller{s.recorder}
	}
	return s.recorder
}

func (s *scripted) change() {
	s.pulls = !s.pulls
	s.t.SetProtocol(s.protocol())
}

// more returns the next bytes of this side: what it sends is tagged from its beginning to its end.
func (s *scripted) more(n int) []byte {
	return taggedFrom(s.tag, len(s.sent), n)
}

// took notes what a write has taken.
func (s *scripted) took(p []byte, n int, err error) {
	if s.sent = append(s.sent, p[:n]...); err != nil && s.t.Err() != nil {
		s.aborted = true // the peer is gone: what it has sent need not have arrived
	}
}

func size(r *rapid.T) int {
	return rapid.SampledFrom([]int{0, 1, 100, 3000, 4095, 4096, 4097,
		16<<10 - 1, 16 << 10, 70_000, 300_000}).Draw(r, "size")
}

func (s *scripted) write(r *rapid.T) { s.writeWith(s.t.Write, size(r)) }

func (s *scripted) writeWith(write func(p []byte) error, size int) {
	s.writing++ // what a callback writes meanwhile would come before or after it, who knows
	defer func() { s.writing-- }()
	if s.writing > 1 {
		return
	}
	p := s.more(size)
	n := len(p)
	open := !s.t.Closing()
	err := write(p)
	if err != nil {
		n = 0
		s.aborted = s.aborted || open // a callback has closed it meanwhile: it may have left
	}
	s.took(p, n, err)
}

func (s *scripted) writev(r *rapid.T) {
	p := s.more(size(r))
	cut := rapid.IntRange(0, len(p)).Draw(r, "cut")
	s.writeWith(func(p []byte) error { return s.t.Writev([][]byte{p[:cut], p[cut:]}) }, len(p))
}

func (s *scripted) writeSome(r *rapid.T) {
	p := s.more(size(r))
	pauses := s.count("pause")
	s.writing++
	n, err := s.t.WriteSome(p)
	s.writing--
	if n < len(p) && err == nil && !s.t.Full() && s.count("pause") == pauses {
		s.w.Errorf("it took %d of %d bytes, and will not resume", n, len(p))
	}
	s.took(p, n, err)
}

func (s *scripted) marks(r *rapid.T) {
	high := size(r)
	s.w.must(s.t.SetWriteMarks(high, rapid.IntRange(0, high).Draw(r, "low")))
}

// check compares what can be told from outside with what it was told.
func (s *scripted) check() {
	high, _ := s.t.WriteMarks()
	switch full, pending := s.t.Full(), s.t.Pending(); {
	case s.lost(), s.t.Closing():
		if s.lost() && pending > 0 {
			s.w.Errorf("%d bytes are pending after Lost", pending)
		}
	case full != s.paused():
		s.w.Errorf("full: %v, but it was told %q", full, s.log)
	case pending > high && !full:
		s.w.Errorf("%d bytes are pending, above the mark of %d, and it was not told", pending, high)
	}
	if !bytes.HasPrefix(s.peer.sent, s.got) && !s.peer.aborted {
		s.w.Errorf("it has got %d bytes that nobody has sent", len(s.got))
	}
}

// finish lets everything arrive: this side reads on to the end, and closes when it has sent.
func (s *scripted) finish() {
	s.on = map[string]func(){"eof": s.t.Close}
	s.t.ResumeReading()
	_ = s.t.CloseWrite() // refused if it is closed
	if s.is("eof") {
		s.t.Close()
	}
}

// compare compares what has arrived with what the peer has sent. Who sends to a peer that has
// closed breaks the connection, and what that peer has sent goes with it.
func (s *scripted) compare() {
	if s.closed || s.aborted || s.peer.aborted || s.peer.closed && s.err != nil && len(s.sent) > 0 {
		return
	}
	if !bytes.Equal(s.got, s.peer.sent) {
		s.w.Errorf("%d bytes have arrived, want %d; %v", len(s.got), len(s.peer.sent), s.err)
	}
	if s.err != nil {
		s.w.Errorf("it broke: %v", s.err)
	}
}
