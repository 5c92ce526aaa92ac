package transport_test

import (
	"errors"
	"net"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/transport"
)

// TestConnectRefused: the error says what was refused, and comes once.
func TestConnectRefused(t *testing.T) {
	onSockets(t, func(w *world) {
		ln, err := transport.Listen(w.Loop, w.address(t), transport.ListenConfig{})
		w.must(err)
		addr := ln.Addr()
		ln.Close()
		want := syscall.ECONNREFUSED
		if w.link == "unix" {
			want = syscall.ENOENT // its file has gone with it
		}
		var failures []error
		r := w.recorder()
		failed := func(err error) { failures = append(failures, err) }
		c := transport.Connect(w.Loop, addr, r, failed)
		if len(failures) > 0 {
			w.Error("it has failed within the call")
		}
		w.until("it fails", func() bool { return len(failures) > 0 })
		c.Cancel() // it is over
		w.turns(5)
		var op *net.OpError
		if len(failures) != 1 || !errors.Is(failures[0], want) || !errors.As(failures[0], &op) ||
			op.Addr.String() != addr.String() {
			w.Errorf("the errors are %v", failures)
		}
		r.expect()
	})
}

// TestConnectForWhoDoesNotWantToKnow why it has failed: that makes no other difference.
func TestConnectForWhoDoesNotWantToKnow(t *testing.T) {
	onSockets(t, func(w *world) {
		s := w.listen(w.address(t), transport.ListenConfig{})
		r, refused := w.recorder(), w.recorder()
		transport.Connect(w.Loop, s.Addr(), r, nil)
		w.until("it stands", func() bool { return r.is("made") })
		s.Close()
		transport.Connect(w.Loop, s.Addr(), refused, nil)
		r.t.Close()
		w.until("nothing is left", w.Idle)
		refused.expect()
	})
}

// N11: to cancel, before it has begun, while it connects, or when it stands: nobody hears of it
// after that, and no descriptor is left.
func TestCancelConnecting(t *testing.T) {
	onSockets(t, func(w *world) {
		s := w.listen(w.address(t), transport.ListenConfig{})
		probe := w.sockets()
		for range 3 {
			for turns := range 3 {
				r := w.recorder()
				c := transport.Connect(w.Loop, s.Addr(), r, func(err error) { w.Error(err) })
				w.turns(turns)
				c.Cancel()
				c.Cancel()
				made := len(r.log)
				w.turns(5)
				if len(r.log) != made {
					w.Errorf("after %d turns and Cancel it was told %q", turns, r.log)
				}
				if r.t != nil {
					r.t.Abort()
				}
			}
		}
		s.Pause()
		w.turns(5)
		for _, a := range s.accepted {
			a.t.Abort()
		}
		w.turns(2)
		again := w.sockets() // the same numbers are free, but for those that probe holds
		for i, fd := range again {
			if fd > probe[1]+8 {
				w.Errorf("descriptor %d is %d: some are left", i, fd)
			}
			w.must(sys.Close(fd))
			w.must(sys.Close(probe[i]))
		}
	})
}

// TestConnectWaitsForRoomInTheBacklog: of a unix socket no event tells when there is.
func TestConnectWaitsForRoomInTheBacklog(t *testing.T) {
	testenv.Need(t, testenv.Linux) // elsewhere a full backlog refuses
	onSelectors(t, "unix", func(w *world) {
		addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
		s := w.listen(addr, transport.ListenConfig{Backlog: 1})
		s.Pause()
		clients := make([]*recorder, 8)
		for i := range clients {
			clients[i] = w.dial(addr)
		}
		given := transport.Connect(w.Loop, addr, w.recorder(), func(err error) { w.Error(err) })
		w.until("some stand", func() bool { return clients[1].is("made") })
		w.turns(10)
		if clients[7].is("made") {
			w.Error("the backlog has room for all")
		}
		given.Cancel()
		s.Resume()
		w.until("all are served", s.has(len(clients)))
		for _, c := range clients {
			w.until("it stands", func() bool { return c.is("made") })
		}
	})
}
