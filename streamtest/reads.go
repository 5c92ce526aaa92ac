package streamtest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing/iotest"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func readChecks() []check {
	return []check{
		{"ReadSome", readSome},
		{"ReadNothing", readNothing},
		{"ReadWaits", readWaits},
		{"ReadTheEnd", readTheEnd},
		{"ReadMoreThanTheLimit", readMoreThanTheLimit},
		{"ReadAsIOReader", readAsIOReader},
		{"ReadFull", readFull},
		{"ReadFullIncomplete", readFullIncomplete},
		{"Peek", peek},
		{"Discard", discard},
		{"AtEOF", atEOF},
		{"WriteTo", writeTo},
		{"ChunkStaysValid", chunkStaysValid},
	}
}

// readSome: a read takes what is there, at most what was asked for, and leaves the rest.
func readSome(f *fixture) {
	f.send(f.b, f.a, "one\ntwo\n")
	p := make([]byte, 5)
	n, err := f.a.Read(p) // R7
	f.got(p[:n], err, "one\nt", nil)
	if f.a.Buffered() != 3 {
		f.Errorf("%d bytes are buffered, want 3", f.a.Buffered())
	}
	chunk, err := f.a.Next()
	f.got(chunk, err, "wo\n", nil)

	// R4: to write nothing changes nothing.
	f.write(f.b, "")
	f.send(f.b, f.a, "three")
	p = make([]byte, 8<<10) // another way through the code
	n, err = f.a.Read(p)
	f.got(p[:n], err, "three", nil)
}

// R5: a read of nothing returns at once, and takes nothing.
func readNothing(f *fixture) {
	n, err := f.a.Read(nil)
	if n != 0 || err != nil {
		f.Errorf("Read(nil) where nothing has come: %d, %v", n, err)
	}
	f.send(f.b, f.a, "data")
	if n, err = f.a.Read(nil); n != 0 || err != nil {
		f.Errorf("Read(nil): %d, %v", n, err)
	}
	if n, err = f.a.ReadFull(nil); n != 0 || err != nil { // R32
		f.Errorf("ReadFull(nil): %d, %v", n, err)
	}
	if p, err := f.a.Peek(0); len(p) != 0 || err != nil {
		f.Errorf("Peek(0): %q, %v", p, err)
	}
	if n, err = f.a.Discard(0); n != 0 || err != nil {
		f.Errorf("Discard(0): %d, %v", n, err)
	}
	f.reads(f.a, "data")
}

// R6: a read waits until there is something, and returns what there is.
func readWaits(f *fixture) {
	for _, size := range []int{30, 30 << 10} {
		p := make([]byte, size)
		var n int
		r := f.waits(func(*kettle.Task) (err error) { n, err = f.a.Read(p); return err })
		f.write(f.b, "line1")
		f.succeeds(r)
		f.got(p[:n], nil, "line1", nil)
	}
	var chunk []byte
	r := f.waits(func(*kettle.Task) (err error) { chunk, err = f.a.Next(); return err })
	f.write(f.b, "line2")
	f.succeeds(r)
	f.got(chunk, nil, "line2", nil)
}

// R8: a read that waits learns of the end; and the end does not go away.
func readTheEnd(f *fixture) {
	r := f.waits(func(*kettle.Task) error { _, err := f.a.Next(); return err })
	f.must(f.b.CloseWrite())
	f.fails(r, io.EOF)
	p := make([]byte, 5000)
	for range 3 {
		f.atEnd(f.a)
		for what, read := range map[string]func() (int, error){
			"Read":           func() (int, error) { return f.a.Read(p[:1]) },
			"Read (large)":   func() (int, error) { return f.a.Read(p) },
			"ReadFull":       func() (int, error) { return f.a.ReadFull(p[:1]) },
			"ReadFull large": func() (int, error) { return f.a.ReadFull(p) },
			"Discard":        func() (int, error) { return f.a.Discard(1) },
			"Peek":           func() (int, error) { q, err := f.a.Peek(1); return len(q), err },
			"ReadLine":       func() (int, error) { q, err := f.a.ReadLine(); return len(q), err },
		} {
			if n, err := read(); n != 0 || err != io.EOF {
				f.Errorf("%s at the end: %d, %v", what, n, err)
			}
		}
	}
}

// R12: what is read at once is not bounded by the limit.
func readMoreThanTheLimit(f *fixture) {
	f.send(f.b, f.a, "data")
	f.must(f.a.SetLimit(3))
	p := make([]byte, 5)
	n, err := f.a.Read(p)
	f.got(p[:n], err, "data", nil)

	// R34: nor is what is read in full.
	f.write(f.b, "some data")
	f.reads(f.a, "some data")

	// R43: nor is everything.
	w := f.do(func(*kettle.Task) error {
		if _, err := f.b.Write(pattern(1, 300<<10)); err != nil {
			return err
		}
		return f.b.CloseWrite()
	})
	f.must(f.a.SetLimit(1))
	all, err := io.ReadAll(f.a)
	f.got(all, err, string(pattern(1, 300<<10)), nil)
	f.succeeds(w)
}

// R9: io.ReadAll and everything else that takes an io.Reader gets what there is up to the end.
func readAsIOReader(f *fixture) {
	text := bytes.Repeat([]byte("the whole of it\n"), 20)
	w := f.do(func(*kettle.Task) error {
		for half := range bytes.SplitAfterSeq(text, []byte("of")) {
			if _, err := f.b.Write(half); err != nil {
				return err
			}
		}
		return f.b.CloseWrite()
	})
	f.must(iotest.TestReader(f.a, text))
	f.succeeds(w)
}

// readFull waits for as much as is wanted, and leaves the rest.
func readFull(f *fixture) {
	for _, size := range []int{10, 4 << 10, 5 << 10, 200 << 10} { // R33
		want := pattern(size, size)
		p := make([]byte, size)
		r := f.waits(func(*kettle.Task) error { _, err := f.a.ReadFull(p); return err })
		f.write(f.b, string(want[:size/2]))
		f.stillWaits(r)
		f.write(f.b, string(want[size/2:])+"more")
		f.succeeds(r)
		f.got(p, nil, string(want), nil)
		f.reads(f.a, "more")
	}
}

// R35: a stream that ends too early says how far it came, and has nothing left.
func readFullIncomplete(f *fixture) {
	for _, size := range []int{36, 36 << 10} {
		a, b := f.pair()
		p := make([]byte, size)
		var n int
		r := f.waits(func(*kettle.Task) (err error) { n, err = a.ReadFull(p); return err })
		half := pattern(1, size/2)
		f.write(b, string(half))
		f.stillWaits(r)
		f.must(b.CloseWrite())
		f.fails(r, io.ErrUnexpectedEOF)
		f.got(p[:n], nil, string(half), nil)
		var incomplete *stream.IncompleteReadError
		if !errors.As(r.err, &incomplete) || incomplete.Expected != size ||
			!bytes.Equal(incomplete.Partial, half) {
			f.Errorf("the error has %+v", incomplete)
		}
		f.atEnd(a)
	}
	want := "stream: 18 bytes read on a total of 36 expected bytes"
	err := &stream.IncompleteReadError{Partial: make([]byte, 18), Expected: 36}
	if err.Error() != want {
		f.Errorf("the error says %q, want %q", err, want)
	}
}

func peek(f *fixture) {
	var p []byte
	r := f.waits(func(*kettle.Task) (err error) { p, err = f.a.Peek(6); return err })
	f.write(f.b, "one")
	f.stillWaits(r)
	f.write(f.b, " two")
	f.succeeds(r)
	f.got(p, nil, "one tw", nil)
	p, err := f.a.Peek(3)
	f.got(p, err, "one", nil)
	for _, n := range []int{-1, stream.DefaultLimit + 1} {
		if _, err := f.a.Peek(n); !errors.Is(err, os.ErrInvalid) {
			f.Errorf("Peek(%d): %v", n, err)
		}
	}
	f.must(f.b.CloseWrite())
	p, err = f.a.Peek(30)
	f.got(p, err, "one two", io.EOF)
	f.reads(f.a, "one two")
	f.atEnd(f.a)
}

func discard(f *fixture) {
	f.send(f.b, f.a, "one two")
	n, err := f.a.Discard(4)
	if n != 4 || err != nil {
		f.Errorf("Discard(4): %d, %v", n, err)
	}
	f.reads(f.a, "two")
	r := f.waits(func(*kettle.Task) (err error) { n, err = f.a.Discard(100 << 10); return err })
	w := f.do(func(*kettle.Task) error {
		_, err := f.b.Write(append(pattern(1, 100<<10), "three"...))
		return err
	})
	f.succeeds(r)
	f.succeeds(w)
	if n != 100<<10 {
		f.Errorf("Discard of 100 KiB: %d", n)
	}
	if _, err := f.a.Discard(-1); !errors.Is(err, os.ErrInvalid) {
		f.Errorf("Discard(-1): %v", err)
	}
	f.must(f.b.CloseWrite())
	if n, err := f.a.Discard(6); n != 5 || err != io.EOF {
		f.Errorf("Discard at the end: %d, %v", n, err)
	}
}

// R16: the end is reached when the peer has ended its side and everything was read.
func atEOF(f *fixture) {
	want := func(when string, want bool) {
		f.Helper()
		if got := f.a.AtEOF(); got != want {
			f.Errorf("%s AtEOF is %v", when, got)
		}
	}
	want("at first", false)
	f.send(f.b, f.a, "some data\n")
	want("with data", false)
	_, err := f.a.ReadLine()
	f.must(err)
	want("after all was read", false)
	f.write(f.b, "more")
	f.must(f.b.CloseWrite())
	if _, err := f.a.Peek(100); err != io.EOF {
		f.Errorf("Peek: %v", err)
	}
	want("with the end after data", false)
	f.reads(f.a, "more")
	want("at the end", true)
	f.atEnd(f.a)
	want("after the end", true)
}

// writeTo is what io.Copy uses. What the writer has not taken stays unread.
func writeTo(f *fixture) {
	f.send(f.b, f.a, "one two three")
	var some bytes.Buffer
	n, err := f.a.WriteTo(&shortWriter{to: &some, most: 4})
	if n != 4 || !errors.Is(err, io.ErrShortWrite) || some.String() != "one " {
		f.Errorf("%d bytes, %v: %q", n, err, &some)
	}
	f.must(f.b.CloseWrite())
	n, err = io.Copy(&some, f.a)
	if n != 9 || err != nil || some.String() != "one two three" {
		f.Errorf("%d bytes, %v: %q", n, err, &some)
	}

	// A connection that is closed meanwhile has nothing to read any more.
	a, b := f.pair()
	f.write(b, "four")
	closing := writerFunc(func(p []byte) (int, error) { return 1, errors.Join(a.Close(), errOver) })
	if n, err := a.WriteTo(closing); n != 1 || !errors.Is(err, errOver) {
		f.Errorf("%d bytes, %v", n, err)
	}
	if p, err := a.Next(); err == nil {
		f.Errorf("after Close, read %q", p)
	}
}

// shortWriter takes so many bytes, and no more.
type shortWriter struct {
	to   io.Writer
	most int
}

func (w *shortWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p[:min(len(p), w.most)])
	w.most -= n
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

type writerFunc func(p []byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

// chunkStaysValid: a chunk is the caller's until the next read, whatever suspends in between, and
// whatever arrives on this connection and on others.
func chunkStaysValid(f *fixture) {
	other, peer := f.pair()
	f.send(f.b, f.a, "the first chunk")
	chunk, err := f.a.Next()
	f.got(chunk, err, "the first chunk", nil)
	for range 5 {
		f.write(f.b, "what comes later")
		f.send(peer, other, "what others get")
		_, err := other.Next()
		f.must(err)
		f.write(f.a, "an answer")
		f.reads(f.b, "an answer")
		f.settle()
		f.got(chunk, nil, "the first chunk", nil)
	}
	copy(chunk, "TO CHANGE IT IS") // allowed, and of no consequence
	f.reads(f.a, "what comes later")
}
