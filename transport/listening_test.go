package transport_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/transport"
)

// address returns where a world of this link can listen.
func (w *world) address(t *testing.T) net.Addr {
	if w.link == "tcp" {
		return net.TCPAddrFromAddrPort(loopback())
	}
	return &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
}

// server is a listener, and the recorders of what it has accepted.
type server struct {
	*transport.Listener
	accepted []*recorder
}

func (w *world) listen(addr net.Addr, config transport.ListenConfig) *server {
	w.Helper()
	ln, err := transport.Listen(w.Loop, addr, config)
	w.must(err)
	s := &server{Listener: ln}
	w.must(ln.Serve(func() transport.Protocol {
		r := w.recorder()
		s.accepted = append(s.accepted, r)
		return r
	}))
	return s
}

// has returns the condition that it has accepted n.
func (s *server) has(n int) func() bool { return func() bool { return len(s.accepted) >= n } }

// dial connects a recorder, and fails the test if that fails.
func (w *world) dial(addr net.Addr) *recorder {
	r := w.recorder()
	transport.Connect(w.Loop, addr, r, func(err error) { w.Errorf("connect: %v", err) })
	return r
}

// TestListenAndConnect: both sides of both families have their addresses, also after the end, and
// the file of a unix socket goes with the listener.
func TestListenAndConnect(t *testing.T) {
	onSockets(t, func(w *world) {
		addr := w.address(t)
		s := w.listen(addr, transport.ListenConfig{})
		addr = s.Addr()
		c := w.dial(addr)
		w.until("it is accepted", func() bool { return s.has(1)() && c.is("made") })
		peer := s.accepted[0]
		if got := c.t.RemoteAddr().String(); got != addr.String() {
			w.Errorf("the client's peer is %s, want %s", got, addr)
		}
		if got := peer.t.LocalAddr().String(); got != addr.String() {
			w.Errorf("the server is at %s, want %s", got, addr)
		}
		if w.link == "tcp" && peer.t.RemoteAddr().String() != c.t.LocalAddr().String() {
			w.Errorf("the server's peer is %v, want %v", peer.t.RemoteAddr(), c.t.LocalAddr())
		}
		w.must(c.t.Write([]byte("hello")))
		w.until("it arrives", peer.has(5))
		s.Close()
		s.Close()
		w.must(c.t.Write([]byte(" again"))) // what was accepted goes on
		w.until("it arrives", peer.has(11))
		if _, err := os.Stat(addr.String()); w.link == "unix" && !errors.Is(err, os.ErrNotExist) {
			w.Errorf("the file is still there: %v", err)
		}
		if err := s.Serve(nil); !errors.Is(err, net.ErrClosed) {
			w.Errorf("Serve after Close: %v", err)
		}
		c.t.Close()
		w.until("both are lost", func() bool { return c.lost() && peer.lost() })
		if c.t.Network() != w.link || peer.t.LocalAddr().String() != addr.String() {
			w.Errorf("after the end: %s, %v", c.t.Network(), peer.t.LocalAddr())
		}
	})
}

// TestPauseListening: clients wait in the backlog meanwhile.
func TestPauseListening(t *testing.T) {
	onSockets(t, func(w *world) {
		s := w.listen(w.address(t), transport.ListenConfig{})
		s.Pause()
		c := w.dial(s.Addr())
		w.until("it is connected", func() bool { return c.is("made") })
		w.turns(20)
		if len(s.accepted) > 0 {
			w.Error("it was accepted all the same")
		}
		s.Resume()
		s.Resume()
		w.until("it is accepted", s.has(1))
	})
}

// TestLimitIsSharedByListeners: above it clients wait, whatever listener has come first, and are
// served as others leave; or they are refused, if that is wanted.
func TestLimitIsSharedByListeners(t *testing.T) {
	onSockets(t, func(w *world) {
		limit := transport.NewLimit(2)
		config := transport.ListenConfig{Limit: limit}
		first, second := w.listen(w.address(t), config), w.listen(w.address(t), config)
		one, two := w.dial(first.Addr()), w.dial(second.Addr())
		w.until("two are accepted", func() bool { return first.has(1)() && second.has(1)() })
		three, four := w.dial(first.Addr()), w.dial(second.Addr())
		w.until("they are connected", func() bool { return three.is("made") && four.is("made") })
		w.turns(20)
		if n := len(first.accepted) + len(second.accepted); n != 2 || limit.Open() != 2 {
			w.Errorf("%d were accepted, %d are open", n, limit.Open())
		}
		first.Close() // it waits for a place, and must not keep it from the other one
		one.t.Close()
		w.until("the other listener's client is served", second.has(2))
		two.t.Close()
		four.t.Abort()
		w.until("the places are free", func() bool { return limit.Open() == 0 })

		var refused []net.Addr
		config.Refused = func(peer net.Addr) { refused = append(refused, peer) }
		third := w.listen(w.address(t), config)
		var clients []*recorder
		for range 4 {
			c := w.dial(third.Addr())
			clients = append(clients, c)
			w.until("it has its answer", func() bool {
				return c.is("made") && len(third.accepted)+len(refused) == len(clients)
			})
		}
		if len(refused) != 2 || refused[0].Network() != w.link {
			w.Errorf("refused: %v", refused)
		}
		w.until("those are closed", func() bool { return clients[2].lost() && clients[3].lost() })
	})
}

// TestClientsThatAreGoneBeforeTheyAreAccepted: they are skipped, or lost at once; those behind them
// are served, and accepting has not failed.
func TestClientsThatAreGoneBeforeTheyAreAccepted(t *testing.T) {
	onSelectors(t, "tcp", func(w *world) {
		s := w.listen(w.address(t), transport.ListenConfig{
			Failed: func(err error, _ time.Duration) { w.Errorf("accepting has failed: %v", err) }})
		s.Pause()
		for range 3 {
			fd, err := sys.Connect(s.Addr().(*net.TCPAddr).AddrPort())
			w.must(err)
			w.must(sys.Reset(fd))
		}
		c := w.dial(s.Addr())
		s.Resume()
		w.until("it is served", func() bool {
			return c.is("made") && len(s.accepted) > 0 && !s.accepted[len(s.accepted)-1].lost()
		})
		w.must(c.t.Write([]byte("x")))
		w.until("it arrives", s.accepted[len(s.accepted)-1].has(1))
	})
}

// N8: when descriptors run out accepting backs off, without spinning and with one word about it,
// and goes on by itself; no client is lost.
func TestAcceptWithoutDescriptors(t *testing.T) {
	testenv.Need(t, testenv.Unix, testenv.Limited)
	const variable = "KETTLE_TRANSPORT_TEST_CHILD"
	if os.Getenv(variable) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		child := exec.Command("sh", "-c", `ulimit -n 80 && exec "$0" "$1"`, self,
			"-test.run=^"+t.Name()+"$")
		child.Env = append(os.Environ(), variable+"=1")
		if output, err := child.CombinedOutput(); err != nil ||
			!strings.Contains(string(output), "PASS") {
			t.Errorf("in a process of its own: %v\n%s", err, output)
		}
		return
	}
	clock := looptest.NewClock()
	w := newWorld(t, "tcp", func(c *loop.Config) { c.Clock = clock })
	var failures []error
	s := w.listen(w.address(t), transport.ListenConfig{
		Failed: func(err error, pause time.Duration) {
			if failures = append(failures, err); pause != 5*time.Millisecond {
				w.Errorf("it pauses %v", pause)
			}
		}})
	clients := make([]*recorder, 5)
	for i := range clients {
		clients[i] = w.dial(s.Addr())
	}
	s.Pause()
	w.until("they are connected", func() bool {
		return clients[0].is("made") && clients[4].is("made")
	})
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	s.Resume()
	before := w.Turn()
	w.After(20*time.Second, w.Stop)
	w.must(w.Run())
	if n := w.Turn() - before; n > 100 {
		w.Errorf("there were %d turns in 20 s", n)
	}
	if len(failures) != 1 || !errors.Is(failures[0], syscall.EMFILE) {
		w.Errorf("it has told %v", failures)
	}
	for _, f := range taken {
		w.must(f.Close())
	}
	w.until("all of them are served", s.has(5))
}

// TestWrongAddresses: they are errors of package net.
func TestWrongAddresses(t *testing.T) {
	w := newWorld(t, "tcp", nil)
	for _, addr := range []net.Addr{&net.UDPAddr{}, &net.UnixAddr{Net: "unix"},
		&net.UnixAddr{Name: strings.Repeat("x", 300), Net: "unix"},
		&net.UnixAddr{Name: "/no/such/directory/s", Net: "unix"}} {
		var op *net.OpError
		_, err := transport.Listen(w.Loop, addr, transport.ListenConfig{})
		if !errors.As(err, &op) {
			w.Errorf("listen on %v: %v", addr, err)
		}
		var failure error
		transport.Connect(w.Loop, addr, w.recorder(), func(err error) { failure = err })
		w.until("it fails", func() bool { return failure != nil })
		if !errors.As(failure, &op) || op.Op != "dial" {
			w.Errorf("connect to %v: %v", addr, failure)
		}
	}
}

// TestWrongDescriptors: what is no connection is refused, and closed all the same.
func TestWrongDescriptors(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	w := newWorld(t, "tcp", nil)
	for range 2 {
		listening, err := sys.Listen(loopback(), sys.ListenOptions{Backlog: 1})
		w.must(err)
		pair := w.sockets()
		w.closeAtEnd(pair[1])
		if _, err := transport.Adopt(w.Loop, listening, w.recorder()); err == nil {
			w.Error("a listener was adopted as a connection")
		}
		if _, err := transport.Inherit(w.Loop, pair[0], transport.ListenConfig{}); err == nil {
			w.Error("a connection was inherited as a listener")
		}
		for _, fd := range []int{listening, pair[0]} {
			if sys.CheckOpen(fd) == nil {
				w.Errorf("descriptor %d is still open", fd)
			}
		}
	}
	if _, err := transport.Adopt(w.Loop, -1, w.recorder()); !errors.Is(err, syscall.EBADF) {
		w.Errorf("descriptor -1: %v", err)
	}
}

// TestClosedListenerIsNotFound by anybody from the moment on, though the thread that has had the
// loop watch it is another one, which does not run.
func TestClosedListenerIsNotFound(t *testing.T) {
	onSelectors(t, "unix", func(w *world) {
		end := make(chan struct{})
		defer close(end)
		for range 50 {
			s := w.listen(w.address(t), transport.ListenConfig{KeepFile: true})
			turned := make(chan struct{})
			go func() {
				runtime.LockOSThread()
				w.turns(1)
				close(turned)
				<-end
			}()
			<-turned
			s.Close()
			c, err := net.Dial("unix", s.Addr().String())
			if !errors.Is(err, syscall.ECONNREFUSED) {
				w.Errorf("a client: %v", err)
			}
			if err == nil {
				c.Close()
			}
		}
	})
}
