package transport_test

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/transport"
)

// patience is how long a test waits for what has to happen. Nothing takes that long.
const patience = time.Minute

// tester is what a testing.T and a rapid.T have in common.
type tester interface {
	Helper()
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// world is a loop, and what its connections are made of.
type world struct {
	tester
	*loop.Loop
	link      string // "pipe", "unix" or "tcp"
	clock     *looptest.Clock
	incidents []loop.Incident // those that the test does not take out fail it
	awaited   func() bool
}

// everywhere runs a test with connections in memory, and with sockets on every selector.
func everywhere(t *testing.T, test func(w *world)) {
	t.Run("pipe", func(t *testing.T) { test(newWorld(t, "pipe", nil)) })
	onSockets(t, test)
}

// onSockets runs a test with sockets of both families on every selector that opens here.
func onSockets(t *testing.T, test func(w *world)) {
	for _, link := range []string{"unix", "tcp"} {
		onSelectors(t, link, test)
	}
}

func onSelectors(t *testing.T, link string, test func(w *world)) {
	names := selectors.Candidates()
	if race.Detector() { // which is for goroutines, and each driver has them in its own way
		names = []string{names[0], "io_uring"}
	}
	for _, name := range names {
		s, err := selectors.Open(name)
		if err != nil {
			continue
		}
		s.Close() // the subtest may not be wanted
		run := func(t *testing.T) *world {
			testenv.Need(t, testenv.Unix)
			s, err := selectors.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			return newWorld(t, link, func(c *loop.Config) { c.Selector = s })
		}
		t.Run(link+"/"+name, func(t *testing.T) { test(run(t)) })
		if name != "io_uring" {
			continue
		}
		variant := func(what string, change func(*loop.Loop)) {
			t.Run(link+"/"+name+" "+what, func(t *testing.T) {
				w := run(t)
				change(w.Loop)
				test(w)
			})
		}
		variant("that sends all", transport.SendByRing)
		if link == "tcp" {
			variant("of Linux 6.0", transport.SendDirectly)
		}
	}
}

// newWorld returns a world whose loop is closed at the end. In memory time is virtual: between
// sockets something can be under way when nothing is ready, and the clock must not jump over that.
func newWorld(t tester, link string, change func(*loop.Config)) *world {
	w := &world{tester: t, link: link}
	c := loop.Config{OnIncident: func(in loop.Incident) { w.incidents = append(w.incidents, in) }}
	if link == "pipe" {
		w.clock = looptest.NewClock()
		c.Clock = w.clock
	}
	if change != nil {
		change(&c)
	}
	l, err := loop.New(c)
	if err != nil {
		t.Fatal(err)
	}
	w.Loop = l
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		for _, in := range w.incidents {
			t.Errorf("incident: %s: %v\n%s", in.What, in.Err, in.Stack)
		}
	})
	return w
}

// pair returns the two sides of a connection.
func (w *world) pair(a, b transport.Protocol) (*transport.Transport, *transport.Transport) {
	w.Helper()
	if w.link == "pipe" {
		return transport.Pipe(w.Loop, a, b)
	}
	fds := w.sockets()
	tb := w.adopt(fds[1], b) // before a can do something to it
	return w.adopt(fds[0], a), tb
}

func (w *world) adopt(fd int, p transport.Protocol) *transport.Transport {
	w.Helper()
	t, err := transport.Adopt(w.Loop, fd, p)
	if err != nil {
		w.Fatal(err)
	}
	return t
}

// sockets returns the descriptors of a connection, non-blocking.
func (w *world) sockets() [2]int {
	w.Helper()
	if w.link == "unix" {
		a, b, err := sys.SocketPair()
		w.must(err)
		return [2]int{a, b}
	}
	listener, err := sys.Listen(loopback(), sys.ListenOptions{Backlog: 8})
	w.must(err)
	defer sys.Close(listener)
	addr, err := sys.LocalAddr(listener)
	w.must(err)
	a, err := sys.Connect(addr)
	w.must(err)
	b, _, err := sys.Accept(listener, true)
	w.must(err)
	return [2]int{a, b}
}

// raw returns a transport with the other side of its connection as a descriptor, which is closed at
// the end of the test if it is open then.
func (w *world) raw(p transport.Protocol) (*transport.Transport, int) {
	w.Helper()
	fds := w.sockets()
	w.closeAtEnd(fds[1])
	return w.adopt(fds[0], p), fds[1]
}

func (w *world) closeAtEnd(fd int) {
	w.Cleanup(func() { _ = sys.Close(fd) })
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func loopback() netip.AddrPort { return netip.MustParseAddrPort("127.0.0.1:0") }

// until runs the loop until the condition holds, which is looked at after each callback of a
// recorder and every millisecond.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	w.wait(time.Millisecond, patience, what, holds)
}

// hears is until where only callbacks end the wait: one that the loop is not woken for is missed.
func (w *world) hears(what string, holds func() bool) {
	w.Helper()
	w.wait(longWait, longWait-1, what, holds)
}

// longWait is after how long a wake-up has been lost.
const longWait = 10 * time.Second

func (w *world) wait(every, atMost time.Duration, what string, holds func() bool) {
	w.Helper()
	if holds() {
		return
	}
	over, late := w.Now()+atMost, false
	var tick *loop.Timer
	tick = w.After(every, func() {
		if late = w.Now() > over; late || holds() {
			w.Stop()
			return
		}
		tick.Reset(every)
	})
	w.awaited = holds
	w.must(w.Run())
	w.awaited = nil
	tick.Stop()
	if late || !holds() {
		w.Fatalf("%s: not within %v", what, atMost)
	}
}

// check stops the loop if what is waited for is so.
func (w *world) check() {
	if w.awaited != nil && w.awaited() {
		w.Stop()
	}
}

// turns runs some turns, which do not wait.
func (w *world) turns(n int) {
	w.Helper()
	for range n {
		w.Stop()
		w.must(w.Run())
	}
}

// atOnce has what arrives be told of in the very next turn, until the function that it returns is
// called. To a ring it comes by way of the thread that has asked for it, and if the test goes on on
// another one, that may be a moment later.
func (w *world) atOnce() (undo func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// panicked takes out the only incident, which is that of a panic with this value.
func (w *world) panicked(value any) {
	w.Helper()
	if len(w.incidents) != 1 {
		w.Fatalf("there are %d incidents, want that of one panic", len(w.incidents))
	}
	p, ok := w.incidents[0].Err.(*loop.PanicError)
	if !ok || p.Value != value {
		w.Errorf("the incident is %v, want a panic with %v", w.incidents[0].Err, value)
	}
	w.incidents = nil
}

// recorder is a Protocol that writes down what it is told, and fails the test if that comes in an
// order that is not promised. Hooks, by the name of the callback, run after that.
type recorder struct {
	w    *world
	t    *transport.Transport
	log  []string // data that comes several times in a row is there once
	got  []byte
	err  error // that Lost was told
	keep bool  // at EOF it stays open
	on   map[string]func()
}

func (w *world) recorder() *recorder { return &recorder{w: w, on: map[string]func(){}} }

func (r *recorder) note(t *transport.Transport, what string) {
	switch {
	case (what == "made") != (len(r.log) == 0):
		r.w.Errorf("%s after %q", what, r.log)
	case r.is("lost"), what == "data" && r.is("eof"), what == "eof" && r.is("eof"):
		r.w.Errorf("%s after %q", what, r.log)
	case what == "pause" && r.paused(), what == "resume" && !r.paused():
		r.w.Errorf("%s after %q: they alternate", what, r.log)
	}
	r.t = t
	if what != "data" || r.log[len(r.log)-1] != what {
		r.log = append(r.log, what)
	}
	if hook := r.on[what]; hook != nil {
		hook()
	}
	r.w.check()
}

// is reports whether it was told something.
func (r *recorder) is(what string) bool { return slices.Contains(r.log, what) }

// lost returns whether it was told so, as a condition.
func (r *recorder) lost() bool { return r.is("lost") }

func (r *recorder) paused() bool {
	for _, what := range slices.Backward(r.log) {
		if what == "pause" || what == "resume" {
			return what == "pause"
		}
	}
	return false
}

// has returns the condition that it has got n bytes.
func (r *recorder) has(n int) func() bool { return func() bool { return len(r.got) >= n } }

// count returns how often it was told something.
func (r *recorder) count(what string) int {
	n := 0
	for _, s := range r.log {
		if s == what {
			n++
		}
	}
	return n
}

func (r *recorder) expect(want ...string) {
	r.w.Helper()
	if !slices.Equal(r.log, want) {
		r.w.Errorf("it was told %q, want %q", r.log, want)
	}
}

func (r *recorder) Made(t *transport.Transport) { r.note(t, "made") }

func (r *recorder) Data(t *transport.Transport, p []byte) {
	if _, pulls := t.Protocol().(transport.Puller); !pulls && !t.Reading() {
		r.w.Errorf("data while reading is paused, after %q", r.log)
	}
	r.got = append(r.got, p...)
	clear(p) // it may be changed, and nobody else sees that
	r.note(t, "data")
}

func (r *recorder) EOF(t *transport.Transport) {
	r.note(t, "eof")
	if !r.keep {
		t.Close()
	}
}

func (r *recorder) Lost(t *transport.Transport, err error) {
	r.err = err
	r.note(t, "lost")
}

func (r *recorder) PauseWriting(t *transport.Transport)  { r.note(t, "pause") }
func (r *recorder) ResumeWriting(t *transport.Transport) { r.note(t, "resume") }

// puller is a recorder that receives by itself, all that there is when it is told.
type puller struct{ *recorder }

// Readable receives.
func (p puller) Readable(t *transport.Transport) {
	for {
		got, err := t.Receive(0)
		if err == transport.ErrWouldBlock {
			return
		}
		if err != nil {
			p.EOF(t)
			return
		}
		p.Data(t, got)
		if _, still := t.Protocol().(transport.Puller); !still {
			return // the rest is for the next protocol
		}
	}
}

// tagged returns n bytes whose every eight tell where they belong: to which stream, and where.
// They are not to be changed.
func tagged(tag, n int) []byte {
	if tag == 1 && n <= longest {
		return first()[:n:n]
	}
	return taggedFrom(tag, 0, n)
}

// first returns the beginning of the stream that most tests send, made once: under the race
// detector that takes long.
var first = sync.OnceValue(func() []byte { return taggedFrom(1, 0, longest) })

const longest = 24 << 20

// taggedFrom returns the n bytes behind the first ones of a stream.
func taggedFrom(tag, from, n int) []byte {
	skip := from % 8
	p := make([]byte, 0, skip+n+8)
	for i := from / 8; len(p) < skip+n; i++ {
		p = binary.BigEndian.AppendUint64(p, uint64(tag)<<40|uint64(i))
	}
	return p[skip : skip+n]
}
