package streamtest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func misuseChecks() []check {
	return []check{
		{"OneReaderAtATime", oneReaderAtATime},
		{"ReaderThatWasWoken", readerThatWasWoken},
		{"ReaderThatGivesWay", readerThatGivesWay},
		{"WrongGoroutine", wrongGoroutine},
		{"Addresses", addresses},
	}
}

// oneReaderAtATime: a second one is refused, whichever ways the two read, and the first is not
// disturbed.
func oneReaderAtATime(f *fixture) {
	r := f.waits(func(*kettle.Task) error { return readBack(f.a, "to the first") })
	for what, read := range inOrder(reads()) {
		if err := read(f.a); !errors.Is(err, stream.ErrBusy) {
			f.Errorf("%s: %v", what, err)
		}
	}
	f.write(f.b, "to the ")
	f.stillWaits(r)
	_, err := f.a.Next()
	f.is(err, stream.ErrBusy)
	f.write(f.b, "first")
	f.succeeds(r)
}

// readerThatWasWoken: between the arrival of something and the turn of the task that waits for it,
// another one gets nothing either.
func readerThatWasWoken(f *fixture) {
	for turns := range 8 {
		a, b := f.pair()
		f.send(b, a, "12345")
		r := f.waits(func(*kettle.Task) error { return readBack(a, "1234567890") })
		f.write(b, "67890")
		f.turns(turns)
		if !r.over.IsSet() {
			_, err := a.Next()
			f.is(err, stream.ErrBusy)
		}
		f.succeeds(r)
	}
}

// readerThatGivesWay: a read that suspends although it has what it wants, for the others to have
// their turn, is not over, and what it has is not given to another one.
func readerThatGivesWay(f *fixture) {
	_, w := f.flood(f.b, 4<<20)
	inside, refused := false, 0
	r := f.do(func(*kettle.Task) error {
		p := make([]byte, 1000)
		for range 1000 {
			inside = true
			_, err := f.a.Read(p)
			inside = false
			if err != nil {
				return err
			}
		}
		return nil
	})
	for !r.over.IsSet() {
		if inside {
			_, err := f.a.Next()
			f.is(err, stream.ErrBusy)
			refused++
		}
		f.turns(1)
	}
	f.succeeds(r)
	if refused < 3 {
		f.Errorf("the read has given way %d times", refused)
	}
	f.a.Abort()
	_ = f.result(w)
}

// wrongGoroutine: on any other goroutine nothing is done, and the error says why.
func wrongGoroutine(f *fixture) {
	f.send(f.b, f.a, "data")
	some := []byte("x")
	uses := reads()
	for what, use := range map[string]func(c *stream.Conn) error{
		"Write": func(c *stream.Conn) error { _, err := c.Write(some); return err },
		"Writev": func(c *stream.Conn) error {
			_, err := c.Writev([][]byte{some})
			return err
		},
		"TryWrite":   func(c *stream.Conn) error { return c.TryWrite(some) },
		"Flush":      (*stream.Conn).Flush,
		"CloseWrite": (*stream.Conn).CloseWrite,
		"Close":      (*stream.Conn).Close,
		"Abort": func(c *stream.Conn) error {
			c.Abort()
			return kettle.ErrWrongGoroutine
		},
		"SetDeadline":      func(c *stream.Conn) error { return c.SetDeadline(time.Now()) },
		"SetReadDeadline":  func(c *stream.Conn) error { return c.SetReadDeadline(time.Now()) },
		"SetWriteDeadline": func(c *stream.Conn) error { return c.SetWriteDeadline(time.Now()) },
		"SetWriteMarks":    func(c *stream.Conn) error { return c.SetWriteMarks(1, 1) },
		"SetLimit":         func(c *stream.Conn) error { return c.SetLimit(1) },
	} {
		uses[what] = use
	}
	_, err := kettle.Blocking(f.task, func(context.Context) (struct{}, error) {
		var errs []error
		for what, use := range inOrder(uses) {
			if err := use(f.a); !errors.Is(err, kettle.ErrWrongGoroutine) {
				errs = append(errs, fmt.Errorf("%s: %v", what, err))
			}
		}
		return struct{}{}, errors.Join(errs...)
	})
	if err != nil {
		f.Error(err)
	}
	f.reads(f.a, "data") // all is as it was
	f.write(f.a, "more")
	f.reads(f.b, "more")
}

// addresses may be asked for on a goroutine that the task waits for.
func addresses(f *fixture) {
	_, err := kettle.Blocking(f.task, func(context.Context) (struct{}, error) {
		for _, c := range []*stream.Conn{f.a, f.b} {
			if c.LocalAddr().Network() != c.RemoteAddr().Network() {
				f.Errorf("%v is connected to %v", c.LocalAddr(), c.RemoteAddr())
			}
		}
		return struct{}{}, nil
	})
	f.must(err)
	if a, b := f.a.LocalAddr(), f.b.RemoteAddr(); a.String() != b.String() {
		f.Errorf("one side is %v, and the other one calls it %v", a, b)
	}
}
