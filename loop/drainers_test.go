package loop_test

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
)

// tap reads a byte each time that it is run, and says of itself that it is drained if it is told
// to.
type tap struct {
	client  net.Conn
	fd      int
	drained bool
	bytes   string
	after   func()
}

func (p *tap) Run() {
	var b [1]byte
	if n, err := sys.TryRecv(p.fd, b[:]); err == nil {
		p.bytes += string(b[:n])
	}
	p.drained = p.bytes == "abc"
	p.after()
}

func (p *tap) Drained() bool { return p.drained }

// TestDrainerIsAskedWhetherSomethingIsLeft: one that has read a part, and one of another kind
// beside it, are run again though nothing new has come.
func TestDrainerIsAskedWhetherSomethingIsLeft(t *testing.T) {
	for _, name := range selectors.Candidates() {
		t.Run(name, func(t *testing.T) {
			selector, err := selectors.Prefer(name)
			if err != nil {
				t.Fatal(err)
			}
			l := newLoop(t, loop.Config{Selector: selector})
			late := l.After(30*time.Second, func() {
				t.Error("the rest is not read")
				l.Stop()
			})
			defer late.Stop()
			left := 0
			drainer, plain := newTap(t, l, &left), newTap(t, l, &left)
			for _, p := range []*tap{drainer, plain} {
				if _, err := p.client.Write([]byte("abc")); err != nil {
					t.Fatal(err)
				}
			}
			must(t, l.Watch(drainer.fd, selectors.Read, drainer),
				l.Watch(plain.fd, selectors.Read, loop.Func(plain.Run)))
			must(t, l.Run())
			if drainer.bytes != "abc" || plain.bytes != "abc" {
				t.Errorf("read %q and %q", drainer.bytes, plain.bytes)
			}
		})
	}
}

// TestDrainerThatTakesOver from another one is run for what that was told of, whatever it says. It
// comes when the loop sleeps, from another goroutine, so that it is no news any more.
func TestDrainerThatTakesOver(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	l := newLoop(t, loop.Config{})
	late := l.After(30*time.Second, func() {
		t.Error("it is not told")
		l.Stop()
	})
	defer late.Stop()
	left := 0
	second := newTap(t, l, &left)
	second.drained = true // of what it was run for before
	must(t, l.OnReadable(second.fd, func() {
		must(t, l.Watch(second.fd, selectors.Read, second))
	}))
	asleep, sent := make(chan struct{}), make(chan error)
	go func() {
		<-asleep
		_, err := second.client.Write([]byte("abc"))
		sent <- err
	}()
	l.OnWait(func(int) {
		l.OnWait(nil)
		close(asleep)
	})
	must(t, l.Run(), <-sent)
	if second.bytes != "abc" {
		t.Errorf("read %q", second.bytes)
	}
}

// newTap returns a tap of a connection on which three bytes are to come. When it has read them and
// no other is left, the loop stops.
func newTap(t *testing.T, l *loop.Loop, left *int) *tap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{client: client}
	must(t, raw.Control(func(fd uintptr) { p.fd = int(fd) }))
	*left++
	p.after = func() {
		if p.bytes != "abc" {
			return
		}
		l.StopReading(p.fd)
		if *left--; *left == 0 {
			l.Stop()
		}
	}
	return p
}
