package loop_test

import (
	"fmt"
	"io"
	"net"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
)

// connection returns both ends of a TCP connection, and the descriptor of the first.
func connection(t *testing.T) (a, b net.Conn, fd int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	a, err = net.Dial("tcp", listener.Addr().String())
	must(t, err)
	b, err = listener.Accept()
	must(t, err)
	raw, err := a.(*net.TCPConn).SyscallConn()
	must(t, err, raw.Control(func(n uintptr) { fd = int(n) }))
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return a, b, fd
}

// TestEachSelectorDelivers what comes from outside, and what the kernel has room for.
func TestEachSelectorDelivers(t *testing.T) {
	onEachSelector(t, func(t *testing.T, l *loop.Loop) {
		a, b, fd := connection(t)
		var log []string
		note := func(text string) { log = append(log, text) }
		must(t, l.OnReadable(fd, func() {
			buf := make([]byte, 16)
			n, err := a.Read(buf)
			note(fmt.Sprintf("read %q, %v", buf[:n], err))
			if err != nil {
				l.StopReading(fd)
				l.Stop()
				return
			}
			must(t, l.OnWritable(fd, func() {
				note("write")
				l.StopWriting(fd)
				_, err := a.Write([]byte("answer"))
				must(t, err)
			}))
		}))
		go func() {
			buf := make([]byte, len("answer"))
			for _, text := range []string{"one", "two"} {
				_, err := b.Write([]byte(text))
				_, errRead := io.ReadFull(b, buf)
				if err != nil || errRead != nil || string(buf) != "answer" {
					t.Errorf("%v, %v, %q", err, errRead, buf)
				}
			}
			b.Close()
		}()
		must(t, l.Run())
		want := []string{`read "one", <nil>`, "write", `read "two", <nil>`, "write", `read "", EOF`}
		if !slices.Equal(log, want) {
			t.Errorf("%q, want %q", log, want)
		}
		if s := l.Stats(); s.Events != 5 || s.Watched != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestStatsNameTheSelector, and say nothing else if it is the one that was meant.
func TestStatsNameTheSelector(t *testing.T) {
	onEachSelector(t, func(t *testing.T, l *loop.Loop) {
		s, name := l.Stats(), path.Base(t.Name())
		if s.Selector != name || s.Instead != "" || s.Lacks != "" && name != "io_uring" {
			t.Errorf("the loop waits with %q because of %q, and that lacks %q; want %q", s.Selector,
				s.Instead, s.Lacks, name)
		}
	})
}

// TestClosedDescriptorCanBeStopped, and the next owner of its number hears nothing of it.
func TestClosedDescriptorCanBeStopped(t *testing.T) {
	onEachSelector(t, func(t *testing.T, l *loop.Loop) {
		for range 20 {
			a, b, fd := connection(t)
			must(t, l.OnReadable(fd, func() { t.Error("the closed one is ready") }))
			_, err := b.Write([]byte("x"))
			must(t, err, a.Close())
			if !l.StopReading(fd) || l.StopReading(fd) {
				t.Error("StopReading does not say whether there was something to stop")
			}
			_, b, fd = connection(t)
			heard := false
			must(t, l.OnReadable(fd, func() { heard = true; l.StopReading(fd); l.Stop() }))
			l.Stop()
			must(t, l.Run())
			if heard {
				t.Error("the new owner of the number is ready, and nobody has sent anything")
			}
			_, err = b.Write([]byte("x"))
			must(t, err, l.Run())
		}
	})
}

// TestEachSelectorSleepsUntilTheTimer: no earlier, and in one piece.
func TestEachSelectorSleepsUntilTheTimer(t *testing.T) {
	onEachSelector(t, func(t *testing.T, l *loop.Loop) {
		for _, d := range []time.Duration{1, 300 * time.Microsecond, 1500 * time.Microsecond} {
			begun, turns := l.Now(), l.Stats().Turns
			l.After(d, l.Stop)
			must(t, l.Run())
			if took, turns := l.Now()-begun, l.Stats().Turns-turns; took < d || turns > 3 {
				t.Errorf("%v took %v and %d turns", d, took, turns)
			}
		}
	})
}
