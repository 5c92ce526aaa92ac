package streamtest

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func deadlineChecks() []check {
	return []check{
		{"DeadlineInThePast", deadlineInThePast},
		{"ReadDeadline", readDeadline},
		{"ReadDeadlineIsMoved", readDeadlineIsMoved},
		{"WriteDeadline", writeDeadline},
		{"DeadlinesAreTwo", deadlinesAreTwo},
		{"DeadlinesOfOneThatIsClosed", deadlinesOfOneThatIsClosed},
		{"DeadlinesMovedOften", deadlinesMovedOften},
	}
}

// late says that an error is that of a deadline, as those of package net are.
func (f *fixture) late(err error) {
	f.Helper()
	var n net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &n) || !n.Timeout() {
		f.Fatalf("the error is %v, want that of a deadline", err)
	}
}

func past() time.Time { return time.Now().Add(-time.Hour) }
func soon() time.Time { return time.Now().Add(time.Millisecond) }
func late() time.Time { return time.Now().Add(time.Hour) }

// deadlineInThePast: nothing is read, not even what is there, until there is another deadline.
func deadlineInThePast(f *fixture) {
	f.send(f.b, f.a, "data\n")
	for _, next := range []time.Time{late(), {}} {
		f.must(f.a.SetReadDeadline(past()))
		for what, read := range inOrder(reads()) {
			if err := read(f.a); !errors.Is(err, os.ErrDeadlineExceeded) {
				f.Errorf("%s: %v", what, err)
			}
		}
		f.must(f.a.SetReadDeadline(next))
		f.line("data", nil)
		f.send(f.b, f.a, "data\n")
	}
	f.reads(f.a, "data\n")
}

// readDeadline ends the reads that wait for more than has come, and leaves what has.
func readDeadline(f *fixture) {
	for what, read := range inOrder(reads()) {
		a, b := f.pair()
		r := f.waits(func(*kettle.Task) error { return read(a) })
		f.must(a.SetReadDeadline(soon()))
		f.late(f.result(r))
		f.must(a.SetReadDeadline(late()))
		f.send(b, a, "abc")
		if what == "Next" || what == "Read" || what == "Read (large)" {
			continue
		}
		r = f.waits(func(*kettle.Task) error { return read(a) })
		f.must(a.SetReadDeadline(soon()))
		f.late(f.result(r))
		f.must(a.SetReadDeadline(time.Time{}))
		if what != "Discard" && what != "WriteTo" {
			f.reads(a, "abc")
		}
		f.write(b, "later")
		f.reads(a, "later")
	}
}

// readDeadlineIsMoved: to an earlier time, to a later one, and away, while a task reads.
func readDeadlineIsMoved(f *fixture) {
	r := f.waits(func(*kettle.Task) error { return readBack(f.a, "in time") })
	for _, at := range []time.Time{late(), {}, late().Add(time.Hour), late(), {}} {
		f.must(f.a.SetReadDeadline(at))
		f.stillWaits(r)
	}
	f.write(f.b, "in time")
	f.succeeds(r)
	r = f.waits(func(*kettle.Task) error { _, err := f.a.Next(); return err })
	f.must(f.a.SetReadDeadline(late()))
	f.stillWaits(r)
	f.must(f.a.SetReadDeadline(past()))
	f.late(f.result(r))
}

// writeDeadline ends the writes that wait, those that wait for their turn, and Flush. What a write
// has taken until then is sent, and no more.
func writeDeadline(f *fixture) {
	written, first, others := f.crowd(2)
	others = append(others, first, f.waits(func(*kettle.Task) error { return f.b.Flush() }))
	f.must(f.b.SetWriteDeadline(soon()))
	for _, w := range others {
		f.late(f.result(w))
	}
	_, err := f.b.Write([]byte("x"))
	f.late(err)
	_, err = f.b.Writev([][]byte{{'x'}})
	f.late(err)
	f.late(f.b.TryWrite([]byte("x")))
	f.late(f.b.Flush())
	f.must(f.b.SetWriteDeadline(time.Time{}))
	if _, err := f.a.Discard(*written); err != nil {
		f.Fatal(err)
	}
	f.write(f.b, "later")
	f.reads(f.a, "later")
}

// deadlinesAreTwo: reads do not heed that of writes, nor writes that of reads; SetDeadline is both.
func deadlinesAreTwo(f *fixture) {
	f.must(f.a.SetReadDeadline(past()))
	f.write(f.a, "written")
	f.must(f.a.Flush())
	f.must(f.a.SetReadDeadline(time.Time{}))
	f.must(f.a.SetWriteDeadline(past()))
	f.write(f.b, "read")
	f.reads(f.a, "read")
	f.must(f.a.SetDeadline(time.Time{}))
	f.write(f.a, " again")
	f.reads(f.b, "written again")
	f.must(f.a.SetDeadline(past()))
	_, err := f.a.Next()
	f.late(err)
	_, err = f.a.Write([]byte("x"))
	f.late(err)
}

// deadlinesOfOneThatIsClosed are gone: no timer is left, whichever way it was closed.
func deadlinesOfOneThatIsClosed(f *fixture) {
	for _, end := range []func(*stream.Conn) error{(*stream.Conn).Close, abort} {
		a, _ := f.pair()
		f.must(a.SetDeadline(late()))
		r := f.waits(func(*kettle.Task) error { _, err := a.Next(); return err })
		f.must(end(a))
		f.fails(r, net.ErrClosed)
	}
	f.must(f.a.SetDeadline(late()))
	f.b.Abort()
	if _, err := f.a.Next(); err == nil {
		f.Error("there is something to read")
	}
	f.must(f.a.Close())
}

// N14: a deadline that is moved for every message takes no more room than one that
// is set once.
func deadlinesMovedOften(f *fixture) {
	f.must(f.a.SetDeadline(late()))
	f.turns(2)
	before := f.task.Stats().Timers
	for i := range 100_000 {
		f.must(f.a.SetDeadline(late()))
		if i%10_000 == 0 {
			f.turns(2)
			if n := f.task.Stats().Timers; n != before {
				f.Fatalf("%d timers are set, at first it was %d", n, before)
			}
		}
	}
	f.write(f.b, "data")
	f.reads(f.a, "data")
}
