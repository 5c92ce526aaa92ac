package stream_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/transport"
)

// writing is a function as an io.Writer.
type writing func(p []byte) (int, error)

func (w writing) Write(p []byte) (int, error) { return w(p) }

// TestNobodyReadsWhatIsHandedOn: as long as the writer has a chunk, which may suspend, another task
// that reads is refused, and takes nothing from under it.
func TestNobodyReadsWhatIsHandedOn(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		a, b := stream.Pipe(task)
		defer a.Abort()
		if _, err := b.Write([]byte("first")); err != nil {
			return err
		}
		refused := errors.New("the writer wants no more")
		_, err := a.WriteTo(writing(func(p []byte) (int, error) {
			for range 3 {
				if _, err := b.Write(bytes.Repeat([]byte("x"), 100)); err != nil {
					return 0, err
				}
				if err := task.Yield(); err != nil {
					return 0, err
				}
				_, err := a.Next()
				wantErrors(t, err, stream.ErrBusy)
			}
			if string(p) != "first" {
				t.Errorf("the writer has %q", p)
			}
			return 2, refused
		}))
		wantErrors(t, err, refused)
		got := make([]byte, 303)
		_, err = a.ReadFull(got)
		if err != nil || string(got) != "rst"+strings.Repeat("x", 300) {
			t.Errorf("what is left begins with %.10q: %v", got, err)
		}
		return nil
	})
}

// TestWriterThatTakesLessWithoutAWord loses nothing, nor does one that claims what cannot be.
func TestWriterThatTakesLessWithoutAWord(t *testing.T) {
	for _, c := range []struct{ says, took int }{{3, 3}, {0, 0}, {-1, 0}} {
		runQuietly(t, func(task *kettle.Task) error {
			a, b := stream.Pipe(task)
			defer a.Abort()
			if _, err := b.Write([]byte("one two")); err != nil {
				return err
			}
			n, err := a.WriteTo(writing(func([]byte) (int, error) { return c.says, nil }))
			wantErrors(t, err, io.ErrShortWrite)
			got := make([]byte, 7-c.took)
			if _, err := a.ReadFull(got); err != nil || n != int64(c.took) ||
				string(got) != "one two"[c.took:] {
				t.Errorf("%d bytes were taken, and %q is left: %v", n, got, err)
			}
			return nil
		})
	}
}

// TestHandlersOfConnectionsAbortedFromBelow end ordinarily: it was this side that has ended them.
func TestHandlersOfConnectionsAbortedFromBelow(t *testing.T) {
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		h.dial()
		transport.Each(h.EventLoop(), (*transport.Transport).Abort)
		h.settle()
		h.equal("the counts", h.server.Stats(), stream.ServerStats{Accepted: 1})
	})
}

// TestConnectionsAbortedFromBelow: who waits is told, whoever has ended the transport.
func TestConnectionsAbortedFromBelow(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		a, b := stream.Pipe(task)
		var read, written error
		err := task.Group(func(g *kettle.Group) error {
			if err := errors.Join(
				g.Go("reads", func(*kettle.Task) error { _, read = a.Next(); return nil }),
				g.Go("writes", func(*kettle.Task) error {
					_, written = b.Write(make([]byte, 1<<20))
					return nil
				})); err != nil {
				return err
			}
			_ = g.Yield()
			transport.Each(g.EventLoop(), (*transport.Transport).Abort)
			return nil
		})
		if read == nil || written == nil {
			t.Errorf("the read: %v, the write: %v", read, written)
		}
		return err
	})
}
