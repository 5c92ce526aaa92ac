package stream_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/stream"
)

// virtualClock returns a clock that jumps.
func virtualClock() loop.Clock { return looptest.NewClock() }

// runPipe runs main with a pipe, in a group, on a clock that jumps.
func runPipe(t *testing.T, main func(g *kettle.Group, a, b *stream.Conn)) {
	t.Helper()
	err := kettle.Run(func(task *kettle.Task) error {
		a, b := stream.Pipe(task)
		defer a.Close()
		defer b.Close()
		return task.Group(func(g *kettle.Group) error {
			main(g, a, b)
			return nil
		})
	}, kettle.Clock(virtualClock))
	if err != nil {
		t.Fatal(err)
	}
}

func TestPipeCarriesLinesBothWays(t *testing.T) {
	runPipe(t, func(g *kettle.Group, a, b *stream.Conn) {
		g.Go("upper", func(*kettle.Task) error {
			for line, err := range b.Lines() {
				if err != nil {
					return err
				}
				if _, err := b.Write(append(bytes.ToUpper(line), '\n')); err != nil {
					return err
				}
			}
			return b.CloseWrite()
		})
		if _, err := a.Write([]byte("one\ntwo\n")); err != nil {
			t.Error(err)
		}
		for _, want := range []string{"ONE", "TWO"} {
			if line, err := a.ReadLine(); err != nil || string(line) != want {
				t.Errorf("got %q, %v, want %q", line, err, want)
			}
		}
		if err := a.CloseWrite(); err != nil {
			t.Error(err)
		}
		if _, err := a.ReadLine(); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	})
}

// TestPipeHoldsBackAWriterThatIsAhead: what nobody reads is bounded, and a writer waits.
func TestPipeHoldsBackAWriterThatIsAhead(t *testing.T) {
	const size = 1 << 20
	want := bytes.Repeat([]byte("0123456789abcde\n"), size/16)
	runPipe(t, func(g *kettle.Group, a, b *stream.Conn) {
		written := false
		g.Go("writer", func(*kettle.Task) error {
			defer func() { written = true }()
			if _, err := a.Write(want); err != nil {
				return err
			}
			return a.CloseWrite()
		})
		if err := g.Sleep(time.Hour); err != nil { // until nothing else can run
			t.Error(err)
		}
		if written {
			t.Error("a megabyte was written that nobody reads")
		}
		got, err := io.ReadAll(b)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if !written {
			t.Error("everything was read, and the writer still writes")
		}
	})
}

func TestPipeDeadlinesTakeNoTime(t *testing.T) {
	runPipe(t, func(g *kettle.Group, a, b *stream.Conn) {
		l := g.EventLoop()
		begin := l.Now()
		if err := a.SetReadDeadline(l.Wall().Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if _, err := a.Next(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the read: %v", err)
		}
		if d := l.Now() - begin; d < time.Hour-time.Second || d > time.Hour+time.Second {
			t.Errorf("it took %v", d)
		}
	})
}

func TestPipeAbortIsAReset(t *testing.T) {
	runPipe(t, func(g *kettle.Group, a, b *stream.Conn) {
		if _, err := a.Write([]byte("before")); err != nil {
			t.Error(err)
		}
		a.Abort()
		var what [6]byte
		if _, err := b.ReadFull(what[:]); err != nil || string(what[:]) != "before" {
			t.Errorf("got %q, %v", what, err)
		}
		if _, err := b.Next(); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer's read: %v", err)
		}
		if _, err := a.Next(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the read of the side that aborted: %v", err)
		}
	})
}

// TestPipeWhereBothSidesReadIsStuck: connections that wait for one another are nothing that the
// loop could wait for.
func TestPipeWhereBothSidesReadIsStuck(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		a, b := stream.Pipe(task)
		return task.Group(func(g *kettle.Group) error {
			g.Go("peer", func(*kettle.Task) error { _, err := b.Next(); return err })
			_, err := a.Next()
			return err
		})
	}, kettle.Clock(virtualClock))
	if !errors.Is(err, kettle.ErrStuck) {
		t.Errorf("got %v", err)
	}
}
