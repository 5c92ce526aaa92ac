package transport_test

import (
	"net"
	"testing"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/transport"
)

// limited is a loop with a listener below a limit.
type limited struct {
	*loop.Loop
	ln       *transport.Listener
	accepted []*transport.Transport
}

// made keeps the connections that were accepted.
type made struct {
	transport.Base
	on *limited
}

func (m made) Made(t *transport.Transport) { m.on.accepted = append(m.on.accepted, t) }

func newLimited(t *testing.T, limit *transport.Limit) *limited {
	t.Helper()
	l, err := loop.New(loop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
	ln, err := transport.Listen(l, addr, transport.ListenConfig{Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	on := &limited{Loop: l, ln: ln}
	if err := ln.Serve(func() transport.Protocol { return made{on: on} }); err != nil {
		t.Fatal(err)
	}
	return on
}

// client connects to the listener, and has the loop run a few turns.
func (l *limited) client(t *testing.T) {
	t.Helper()
	c, err := net.Dial("tcp", l.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	l.turns(t)
}

// turns runs a few turns of the loop.
func (l *limited) turns(t *testing.T) {
	t.Helper()
	left := 5
	var next func()
	next = func() {
		if left--; left == 0 {
			l.Stop()
			return
		}
		l.Soon(next)
	}
	l.Soon(next)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
}

// TestPlaceOfALoopThatCloses: a loop that was told of a place, and is closed before it can take it,
// does not take it along. Nor does one that is closed while it waits.
func TestPlaceOfALoopThatCloses(t *testing.T) {
	for _, told := range []bool{false, true} {
		limit := transport.NewLimit(1)
		holder, first, second := newLimited(t, limit), newLimited(t, limit), newLimited(t, limit)
		for _, l := range []*limited{holder, first, second} {
			l.client(t)
		}
		if len(holder.accepted) != 1 || len(first.accepted)+len(second.accepted) > 0 {
			t.Fatalf("%d, %d and %d accepted", len(holder.accepted), len(first.accepted),
				len(second.accepted))
		}
		if told {
			holder.accepted[0].Abort()
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if !told {
			holder.accepted[0].Abort()
		}
		second.turns(t)
		if len(second.accepted) != 1 || limit.Open() != 1 {
			t.Errorf("told %v: the other loop has accepted %d, and %d places are taken", told,
				len(second.accepted), limit.Open())
		}
	}
}

// TestPausedListenerLeavesThePlace to the others, and asks again when it is resumed.
func TestPausedListenerLeavesThePlace(t *testing.T) {
	limit := transport.NewLimit(1)
	holder, first, second := newLimited(t, limit), newLimited(t, limit), newLimited(t, limit)
	for _, l := range []*limited{holder, first, second} {
		l.client(t)
	}
	first.ln.Pause()
	holder.accepted[0].Abort()
	second.turns(t)
	first.ln.Resume()
	first.turns(t)
	if len(first.accepted) != 0 || len(second.accepted) != 1 {
		t.Fatalf("%d and %d accepted", len(first.accepted), len(second.accepted))
	}
	second.accepted[0].Abort()
	first.turns(t)
	if len(first.accepted) != 1 || limit.Open() != 1 {
		t.Errorf("%d accepted, and %d places are taken", len(first.accepted), limit.Open())
	}
}
