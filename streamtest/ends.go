package streamtest

import (
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func endChecks() []check {
	return []check{
		{"HalfClose", halfClose},
		{"HalfCloseWhatIsPending", halfCloseWhatIsPending},
		{"CloseSendsWhatIsPending", closeSendsWhatIsPending},
		{"CloseInACancelledScope", closeInACancelledScope},
		{"CloseWhatOthersUse", func(f *fixture) { endWhatOthersUse(f, (*stream.Conn).Close) }},
		{"AbortWhatOthersUse", func(f *fixture) { endWhatOthersUse(f, abort) }},
		{"ClosedIsClosed", closedIsClosed},
		{"CloseWithUnreadData", closeWithUnreadData},
		{"PeerAborts", peerAborts},
		{"WhatArrivedBeforeAnAbort", whatArrivedBeforeAnAbort},
	}
}

func abort(c *stream.Conn) error { c.Abort(); return nil }

// broken says that an error tells of the peer or the system, and not of this side.
func (f *fixture) broken(what string, err error) {
	f.Helper()
	var op net.Error
	if !errors.As(err, &op) || errors.Is(err, net.ErrClosed) || op.Timeout() {
		f.Fatalf("%s on a connection that is broken: %v", what, err)
	}
}

// halfClose: the end of one side is not the end of the other, who can answer as late as it likes.
func halfClose(f *fixture) {
	f.write(f.a, "question")
	f.must(f.a.CloseWrite())
	f.must(f.a.CloseWrite())
	f.reads(f.b, "question")
	f.atEnd(f.b)
	f.settle()
	answer := pattern(1, 300<<10)
	w := f.do(func(*kettle.Task) error {
		if _, err := f.b.Write(answer); err != nil {
			return err
		}
		return f.b.CloseWrite()
	})
	got, err := drain(f.a)
	f.got(got, err, string(answer), nil)
	f.succeeds(w)
	if _, err := f.a.Write([]byte("x")); err == nil {
		f.Error("after CloseWrite, Write is no error")
	}
	if err := f.a.TryWrite([]byte("x")); err == nil {
		f.Error("after CloseWrite, TryWrite is no error")
	}
}

// halfCloseWhatIsPending: the end comes after what was written, however much of it is pending.
func halfCloseWhatIsPending(f *fixture) {
	f.must(f.b.SetWriteMarks(1<<30, 0))
	want := pattern(1, 10<<20)
	f.write(f.b, string(want)) // which need not wait
	f.must(f.b.CloseWrite())
	got, err := drain(f.a)
	f.got(got, err, string(want), nil)
	f.write(f.a, "answer")
	f.reads(f.b, "answer")
	f.must(f.b.Flush())
}

// closeSendsWhatIsPending: Close does not wait, and the peer gets everything all the same, as slow
// as it is, and then the end.
func closeSendsWhatIsPending(f *fixture) {
	f.must(f.b.SetWriteMarks(1<<30, 0))
	want := pattern(1, 3<<20)
	f.write(f.b, string(want))
	f.must(f.b.Close())
	f.must(f.b.Close())
	at := 0
	for at < len(want) {
		p := make([]byte, min(100<<10, len(want)-at))
		_, err := f.a.ReadFull(p)
		f.got(p, err, string(want[at:at+len(p)]), nil)
		at += len(p)
		f.turns(1)
	}
	f.atEnd(f.a)
}

// closeInACancelledScope: cleaning up needs no permission.
func closeInACancelledScope(f *fixture) {
	w := f.do(func(t *kettle.Task) error {
		if _, err := f.b.Write([]byte("the last")); err != nil {
			return err
		}
		t.Cancel(errOver)
		if err := t.Yield(); !errors.Is(err, errOver) {
			return err
		}
		if _, err := f.b.Next(); !errors.Is(err, errOver) {
			return err
		}
		if _, err := f.b.Write([]byte("x")); !errors.Is(err, errOver) {
			return err
		}
		return f.b.Close()
	})
	f.succeeds(w)
	f.reads(f.a, "the last")
	f.atEnd(f.a)
}

// R53: when a connection is closed, tasks that wait for it are told that it was this side: those
// that read, write, wait for their turn to, and flush.
func endWhatOthersUse(f *fixture, end func(*stream.Conn) error) {
	for what, read := range inOrder(reads()) {
		a, b := f.pair()
		r := f.waits(func(*kettle.Task) error { return read(a) })
		f.write(b, "x") // not enough for most of them
		if what != "Next" && what != "Read" && what != "Read (large)" {
			f.stillWaits(r)
		}
		f.must(end(a))
		if err := f.result(r); err != nil {
			f.is(err, net.ErrClosed)
		}
		if _, err := a.Next(); !errors.Is(err, net.ErrClosed) {
			f.Errorf("%s, and Next after that: %v", what, err)
		}
	}
	_, first, others := f.crowd(2)
	others = append(others, first, f.waits(func(*kettle.Task) error { return f.b.Flush() }))
	f.must(end(f.b))
	for _, w := range others {
		f.fails(w, net.ErrClosed)
	}
}

// reads are ways to read that wait for more than a byte, but for those that take what there is.
func reads() map[string]func(c *stream.Conn) error {
	buffer := make([]byte, 10<<10)
	return map[string]func(c *stream.Conn) error{
		"Next": func(c *stream.Conn) error { _, err := c.Next(); return err },
		"Read": func(c *stream.Conn) error {
			_, err := c.Read(buffer[:10])
			return err
		},
		"Read (large)": func(c *stream.Conn) error { _, err := c.Read(buffer); return err },
		"ReadFull": func(c *stream.Conn) error {
			_, err := c.ReadFull(buffer[:10])
			return err
		},
		"ReadFull (large)": func(c *stream.Conn) error { _, err := c.ReadFull(buffer); return err },
		"Peek":             func(c *stream.Conn) error { _, err := c.Peek(10); return err },
		"Discard":          func(c *stream.Conn) error { _, err := c.Discard(10); return err },
		"ReadUntil": func(c *stream.Conn) error {
			_, err := c.ReadUntil([]byte("end"))
			return err
		},
		"ReadLine": func(c *stream.Conn) error { _, err := c.ReadLine(); return err },
		"WriteTo": func(c *stream.Conn) error {
			_, err := c.WriteTo(io.Discard)
			return err
		},
	}
}

// R49, R52: after Close everything says so, and nothing waits.
func closedIsClosed(f *fixture) {
	f.must(f.a.Close())
	for what, read := range inOrder(reads()) {
		if err := read(f.a); !errors.Is(err, net.ErrClosed) {
			f.Errorf("%s: %v", what, err)
		}
	}
	_, err := f.a.Write([]byte("x"))
	f.is(err, net.ErrClosed)
	_, err = f.a.Writev([][]byte{{1}})
	f.is(err, net.ErrClosed)
	f.is(f.a.TryWrite([]byte("x")), net.ErrClosed)
	f.is(f.a.Flush(), net.ErrClosed)
	f.is(f.a.CloseWrite(), net.ErrClosed)
	f.is(f.a.SetDeadline(time.Now()), net.ErrClosed)
	f.is(f.a.SetReadDeadline(time.Time{}), net.ErrClosed)
	f.is(f.a.SetWriteDeadline(time.Time{}), net.ErrClosed)
	f.must(f.a.Close())
	f.a.Abort()
	f.must(f.a.Close())
	if f.a.Buffered() != 0 || f.a.Pending() != 0 {
		f.Errorf("%d bytes are buffered, %d pending", f.a.Buffered(), f.a.Pending())
	}
	_ = f.a.LocalAddr().String()
	_ = f.a.RemoteAddr().String()
}

// R50: to close what has something unread is an ordinary close; what was unread is gone.
func closeWithUnreadData(f *fixture) {
	f.send(f.b, f.a, "what nobody reads")
	f.must(f.a.Close())
	if p, err := f.a.Next(); !errors.Is(err, net.ErrClosed) {
		f.Errorf("read %q, %v", p, err)
	}
	f.settle()
	if _, err := f.b.Next(); err == nil {
		f.Error("the peer does not learn of it")
	}
}

// R3, R22, R36, R37, R38: who waits for a connection that the peer drops is told, readers and
// writers, and so is who asks later: it has an end or an error, and always the same.
func peerAborts(f *fixture) {
	for what, read := range inOrder(reads()) {
		a, b := f.pair()
		r := f.waits(func(*kettle.Task) error { return read(a) })
		b.Abort()
		first := f.result(r)
		if what == "WriteTo" && first == nil {
			continue // it has seen an end
		}
		if first == nil || errors.Is(first, net.ErrClosed) {
			f.Errorf("%s: %v", what, first)
		}
		for what, read := range inOrder(reads()) {
			err := read(a)
			if what == "WriteTo" && first == io.EOF && err == nil {
				continue
			}
			if err == nil || err.Error() != first.Error() {
				f.Errorf("%s: %v; first it was %v", what, err, first)
			}
		}
		f.must(a.Close()) // which is quiet
	}
	_, first, others := f.crowd(2)
	others = append(others, first, f.waits(func(*kettle.Task) error { return f.b.Flush() }))
	f.a.Abort()
	for _, w := range others {
		f.broken("to wait for the writing side", f.result(w))
	}
	// R39: one who was cancelled before is not told of it.
	a, b := f.pair()
	r := f.waits(func(*kettle.Task) error { _, err := a.Next(); return err })
	r.giveUp()
	b.Abort()
	f.fails(r, errOver)
}

// R10: what arrived before an abort was received, and stays readable, whichever reads fail before:
// reads never discard. After it each read says why. Where an abort shows as the end of the stream
// it is one.
func whatArrivedBeforeAnAbort(f *fixture) {
	for what, read := range inOrder(reads()) {
		switch what {
		case "Next", "Read", "Read (large)", "WriteTo", "Discard":
			continue // which have it by then, or drop it
		}
		// The second size fills a buffer: the read that fails needs another one.
		for _, size := range []int{8, 4 << 10} {
			if size > 8 && (what == "ReadFull" || what == "Peek") {
				continue // it is enough for them
			}
			a, b := f.pair()
			want := strings.Repeat("received", size/8)
			f.send(b, a, want)
			if size > 8 {
				b.Abort()
				f.settle()
			}
			r := f.do(func(*kettle.Task) error { return read(a) })
			if size == 8 {
				f.stillWaits(r)
				b.Abort()
			}
			err := f.result(r)
			if err == nil || err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
				continue
			}
			f.broken(what, err)
			f.broken(what+" again", read(a))
			other, peer := f.pair() // others use the buffers that nobody has
			f.send(peer, other, strings.Repeat("other's ", 500))
			if a.Buffered() != size {
				f.Errorf("%s: %d bytes are left of %d", what, a.Buffered(), size)
			}
			f.reads(a, want)
			_, err = a.Next()
			f.broken("Next", err)
		}
	}
}
