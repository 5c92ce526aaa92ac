package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/stream"
)

// house is a server with its clients, all on one loop, whose clock jumps.
type house struct {
	testing.TB
	*kettle.Group // of main
	server        *stream.Server
	listener      *stream.Listener
	task          *kettle.Task // of Serve
	served        error        // what Serve has returned
	over          bool         // it has returned
	shuffled      bool         // what is due at once runs in any order
	incidents     []loop.Incident
}

// inHouse runs test with a server, on each selector that works here; over unix sockets in an order
// that is shuffled. After it the server is closed, and nothing may be left: no incident that the
// test has not taken, no descriptor, no timer.
func inHouse(t *testing.T, server *stream.Server, test func(h *house)) {
	t.Helper()
	inHouseOf(t, server, stream.ListenConfig{}, test)
}

// inHouseOf is inHouse with a listener of that configuration.
func inHouseOf(t *testing.T, server *stream.Server, config stream.ListenConfig,
	test func(h *house)) {
	t.Helper()
	for _, name := range selectors.Candidates() {
		sel, err := selectors.Open(name)
		if err != nil {
			continue // told of by the tests of package selectors
		}
		sel.Close()
		for _, network := range []string{"tcp", "unix"} {
			t.Run(name+"/"+network, func(t *testing.T) {
				h := &house{TB: t, server: again(server)}
				options := []kettle.Option{kettle.Backend(name)}
				if h.shuffled = network == "unix"; h.shuffled {
					options = append(options, kettle.Seed(looptest.Seed(t)))
				}
				h.run(func(task *kettle.Task) *stream.Listener {
					return listenTest(t, task, config, network)
				}, test, options...)
			})
		}
	}
}

// again returns a server like s that has not served.
func again(s *stream.Server) *stream.Server {
	return &stream.Server{Handler: s.Handler, OnError: s.OnError, Linger: s.Linger}
}

func (h *house) run(listen func(*kettle.Task) *stream.Listener, test func(h *house),
	options ...kettle.Option) {
	h.Helper()
	before := descriptors()
	err := kettle.Run(func(task *kettle.Task) error {
		h.listener = listen(task)
		return task.Group(func(g *kettle.Group) error {
			h.Group = g
			h.start("Serve", func(task *kettle.Task) error {
				h.task = task
				h.served, h.over = h.server.Serve(task, h.listener), true
				return nil
			})
			test(h)
			h.server.Close()
			h.must(h.server.Wait(g.Task))
			return nil
		})
	}, append([]kettle.Option{kettle.Clock(jumping), kettle.OnIncident(func(in loop.Incident) {
		h.incidents = append(h.incidents, in)
	})}, options...)...)
	if err != nil {
		h.Errorf("Run returns %v", err)
	}
	for _, in := range h.incidents {
		h.Errorf("incident: %s: %v", in.What, in.Err)
	}
	if now := descriptors(); now != before {
		h.Errorf("%d descriptors are open, and %d were before", now, before)
	}
}

// listenTest listens on a free port, or on a socket in a directory of the test's.
func listenTest(t testing.TB, task *kettle.Task, config stream.ListenConfig,
	network string) *stream.Listener {
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	ln, err := config.Listen(task, network, address)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// descriptors returns how many are open, 0 where the system does not show it.
func descriptors() int {
	entries, _ := os.ReadDir("/proc/self/fd")
	return len(entries)
}

func (h *house) must(errs ...error) {
	h.Helper()
	if err := errors.Join(errs...); err != nil {
		h.Fatal(err)
	}
}

func (h *house) start(name string, body func(t *kettle.Task) error) {
	h.Helper()
	h.must(h.Go(name, body))
}

// dial returns a client, whose handler has begun and waits, or has ended.
func (h *house) dial() *stream.Conn {
	h.Helper()
	c, err := h.connect()
	h.must(err)
	h.settle()
	return c
}

func (h *house) connect() (*stream.Conn, error) {
	addr := h.listener.Addr()
	return stream.Dial(h.Task, addr.Network(), addr.String())
}

// settle lets everybody else run for some turns, in which what was sent arrives.
func (h *house) settle() {
	h.Helper()
	for range 6 {
		h.must(h.Yield())
	}
	if h.onRing() {
		h.must(h.Sleep(1)) // the clock goes ahead when nothing is on its way
	}
}

// onRing reports whether what arrives may come a moment later, by way of another thread.
func (h *house) onRing() bool { return h.EventLoop().Completions() != nil }

// fair checks in how many turns each of some answers has come. On a ring it is nine of ten: while
// one of them is on its way, the loop goes through turns for others.
func (h *house) fair(turns []uint64) {
	h.Helper()
	slices.Sort(turns)
	worst := turns[len(turns)-1]
	if h.onRing() {
		worst = turns[len(turns)*9/10]
	}
	if worst > 4 {
		h.Errorf("answers have taken %d turns", turns)
	}
}

// say sends a text, and returns when there was time to answer it.
func (h *house) say(c *stream.Conn, text string) {
	h.Helper()
	_, err := c.Write([]byte(text))
	h.must(err)
	h.settle()
}

// hear reads exactly that text.
func (h *house) hear(c *stream.Conn, want string) {
	h.Helper()
	got := make([]byte, len(want))
	if n, err := c.ReadFull(got); err != nil || string(got) != want {
		h.Errorf("the client has got %q, %v, want %q", got[:n], err, want)
	}
}

// ends reads the end of the stream: nil, or how it broke.
func (h *house) ends(c *stream.Conn, want error) {
	h.Helper()
	if chunk, err := c.Next(); !errors.Is(err, want) {
		h.Errorf("the client has got %q and %v, want %v", chunk, err, want)
	}
	h.must(c.Close())
}

// equal compares what there is with what there should be.
func (h *house) equal(what string, got, want any) {
	h.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		h.Errorf("%s: %v, want %v", what, got, want)
	}
}

// returned waits until Serve has returned, and compares its error.
func (h *house) returned(want error) {
	h.Helper()
	h.must(h.server.Wait(h.Task))
	h.must(h.Yield())
	if !h.over || !errors.Is(h.served, want) || (want == nil) != (h.served == nil) {
		h.Errorf("Serve has returned: %v, with %v, want %v", h.over, h.served, want)
	}
	stats := h.server.Stats()
	h.equal("handlers after Serve", stats.Handlers, 0)
	h.equal("it serves after Serve", h.server.Serving(), false)
}

// incident takes the only incident.
func (h *house) incident() loop.Incident {
	h.Helper()
	if len(h.incidents) != 1 {
		h.Fatalf("%d incidents, want 1: %v", len(h.incidents), h.incidents)
	}
	in := h.incidents[0]
	h.incidents = nil
	return in
}

// reset is how the client of a connection learns that it was aborted. A unix socket tells it only
// of what was not received.
func (h *house) reset() error {
	if h.listener.Addr().Network() == "unix" {
		return io.EOF
	}
	return syscall.ECONNRESET
}

// upper answers with upper case, until the end.
func upper(_ *kettle.Task, c *stream.Conn) error {
	for {
		chunk, err := c.Next()
		if err != nil {
			return err
		}
		if _, err := c.Write(bytes.ToUpper(chunk)); err != nil {
			return err
		}
	}
}

// TestServe is what the documentation of the package begins with.
func TestServe(t *testing.T) {
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		one, two := h.dial(), h.dial()
		h.say(one, "one")
		h.say(two, "two")
		h.hear(two, "TWO")
		h.hear(one, "ONE")
		var names []string
		for c := range h.server.Conns() {
			names = append(names, c.LocalAddr().String())
		}
		h.equal("connections", len(names), 2)
		var dump strings.Builder
		h.must(h.Dump(&dump))
		name := one.LocalAddr().String()
		if one.LocalAddr().Network() == "unix" {
			name = "a client of " + h.listener.Addr().String()
		}
		if !strings.Contains(dump.String(), name+": waits for Conn.Next") {
			h.Errorf("no task %s in\n%s", name, &dump)
		}
		h.must(one.Close())
		h.settle()
		h.equal("the counts", h.server.Stats(),
			stream.ServerStats{Accepted: 2, Open: 1, Handlers: 1})
		h.must(two.CloseWrite())
		h.ends(two, io.EOF)
		h.settle()
		h.equal("the counts", h.server.Stats(), stream.ServerStats{Accepted: 2})
	})
}

// dialOutside returns a client for an ordinary goroutine.
func (h *house) dialOutside() net.Conn {
	h.Helper()
	addr := h.listener.Addr()
	c, err := net.DialTimeout(addr.Network(), addr.String(), time.Minute)
	h.must(err)
	return c
}

// jumping returns a clock that jumps.
func jumping() loop.Clock { return looptest.NewClock() }
