package streamtest

import (
	"bytes"
	"errors"
	"os"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func writeChecks() []check {
	return []check{
		{"WriteTakesACopy", writeTakesACopy},
		{"WriteKeepsOrder", writeKeepsOrder},
		{"Writev", writev},
		{"BackPressure", backPressure},
		{"NothingIsReadAhead", nothingIsReadAhead},
		{"WriteMarks", writeMarks},
		{"InvalidWriteMarks", invalidWriteMarks},
		{"TryWrite", tryWrite},
		{"Flush", flush},
		{"WriteToOneThatIsGone", writeToOneThatIsGone},
	}
}

// writeTakesACopy: what was written may be changed as soon as Write has returned.
func writeTakesACopy(f *fixture) {
	want := pattern(3, 200<<10)
	w := f.do(func(*kettle.Task) error {
		p := make([]byte, 1000)
		for rest := want; len(rest) > 0; rest = rest[min(len(rest), len(p)):] {
			n := copy(p, rest)
			if m, err := f.b.Write(p[:n]); m != n || err != nil {
				return errors.Join(err, errShort)
			}
			clear(p)
		}
		return f.b.CloseWrite()
	})
	got, err := drain(f.a)
	f.got(got, err, string(want), nil)
	f.succeeds(w)
}

var errShort = errors.New("less was taken, without an error")

// writeKeepsOrder: whatever is gathered to be sent together, small and large, by Write, TryWrite
// and Writev, in one turn or in several, arrives in the order in which it was written.
func writeKeepsOrder(f *fixture) {
	sizes := []int{1, 1, 3, 100, 1, 20 << 10, 1, 16 << 10, 2, 5000, 1, 0, 70 << 10, 1}
	var want bytes.Buffer
	w := f.do(func(t *kettle.Task) error {
		for round := range 12 {
			for i, size := range sizes {
				p := pattern(round*len(sizes)+i, size)
				want.Write(p)
				var err error
				switch (round + i) % 4 {
				case 0, 1:
					_, err = f.b.Write(p)
				case 2:
					_, err = f.b.Writev([][]byte{p[:size/3], p[size/3:]})
				case 3:
					for err = f.b.TryWrite(p); err == stream.ErrFull; err = f.b.TryWrite(p) {
						if err := f.b.Flush(); err != nil {
							return err
						}
					}
				}
				if err == nil && i%5 == 4 {
					err = t.Yield()
				}
				if err != nil {
					return err
				}
			}
		}
		return f.b.CloseWrite()
	})
	got, err := drain(f.a)
	f.succeeds(w)
	f.got(got, err, want.String(), nil)
}

// writev writes several pieces, and changes neither them nor the list.
func writev(f *fixture) {
	for _, size := range []int{2, 30 << 10, 150 << 10} {
		pieces := [][]byte{pattern(1, size), nil, pattern(2, size/2), pattern(3, 1)}
		want := bytes.Join(pieces, nil)
		var n int64
		w := f.do(func(*kettle.Task) (err error) { n, err = f.b.Writev(pieces); return err })
		f.reads(f.a, string(want))
		f.succeeds(w)
		if n != int64(len(want)) || !bytes.Equal(bytes.Join(pieces, nil), want) {
			f.Errorf("%d bytes of %d, or the pieces have changed", n, len(want))
		}
	}
	if n, err := f.b.Writev(nil); n != 0 || err != nil {
		f.Errorf("Writev of nothing: %d, %v", n, err)
	}
}

// flood writes until it has to wait, or has written most, and goes on when it need not any more.
func (f *fixture) flood(c *stream.Conn, most int) (written *int, w *actor) {
	f.Helper()
	written = new(int)
	w = f.do(func(*kettle.Task) error {
		for *written < most {
			n, err := c.Write(f.floodBytes(*written, *written+(32<<10)))
			if *written += n; err != nil {
				return err
			}
		}
		return nil
	})
	f.standsStill(written)
	return written, w
}

// standsStill waits until a count does not change any more.
func (f *fixture) standsStill(n *int) {
	f.Helper()
	for before := -1; before != *n; {
		before = *n
		f.settle()
	}
}

// enough is more than the buffers of any system hold.
const enough = 64 << 20

// backPressure: who writes to a peer that does not read waits, and little is pending; and when the
// peer reads, every byte arrives.
func backPressure(f *fixture) {
	for _, c := range []struct{ from, to *stream.Conn }{{f.a, f.b}, {f.b, f.a}} {
		written, w := f.flood(c.from, enough)
		if w.over.IsSet() {
			f.Fatalf("%d bytes were written, and nobody reads: %v", *written, w.err)
		}
		if c.from.Pending() > 128<<10 {
			f.Errorf("%d bytes are pending", c.from.Pending())
		}
		stop := *written + 1<<20
		w.giveUp()
		f.fails(w, errOver)
		total := *written
		if total >= stop {
			f.Errorf("it has gone on after it was cancelled")
		}
		f.must(c.from.CloseWrite())
		at := 0
		for at < total {
			chunk, err := c.to.Next()
			f.must(err)
			for i, b := range chunk {
				if b != byte((at+i)*7) {
					f.Fatalf("byte %d is wrong", at+i)
				}
			}
			at += len(chunk)
		}
		f.atEnd(c.to)
	}
}

// nothingIsReadAhead: what nobody reads stays with the system and the peer, however much that has
// to send. So the memory of who reads slowly is bounded by the peer's.
func nothingIsReadAhead(f *fixture) {
	f.write(f.b, "x")
	f.reads(f.a, "x") // it has been read from once
	_, w := f.flood(f.b, enough)
	if n := f.a.Buffered(); n > 0 {
		f.Errorf("%d bytes were received, and nobody reads", n)
	}
	watched := f.task.Stats().Events
	f.settle()
	if n := f.task.Stats().Events - watched; n > 2 {
		f.Errorf("%d events in 12 turns, and nobody wants them", n)
	}
	if n, err := f.a.Discard(1 << 20); n != 1<<20 || err != nil {
		f.Errorf("read %d bytes: %v", n, err)
	}
	f.a.Abort()
	if err := f.result(w); err == nil {
		f.Error("to write to one that is gone is no error")
	}
}

// writeMarks: what was written waits above the high-water mark until below the low one, whichever
// they are, and with a mark of 0 nothing is kept.
func writeMarks(f *fixture) {
	for _, m := range []struct{ high, low int }{
		{0, 0}, {1, 0}, {1, 1}, {10, 3}, {4096, 0}, {100 << 10, 100 << 10}, {1 << 20, 1},
	} {
		f.must(f.b.SetWriteMarks(m.high, m.low))
		want := pattern(m.high, 5<<20/4)
		most := 0
		w := f.do(func(*kettle.Task) error {
			for rest := want; len(rest) > 0; {
				n, err := f.b.Write(rest[:min(1+len(rest)/7, len(rest))])
				if err != nil {
					return err
				}
				rest = rest[n:]
				most = max(most, f.b.Pending())
			}
			return f.b.Flush()
		})
		f.reads(f.a, string(want))
		f.succeeds(w)
		if most > m.high+64<<10 { // a piece of TLS is sealed as a whole
			f.Errorf("high %d, low %d: %d bytes were pending", m.high, m.low, most)
		}
	}
}

func invalidWriteMarks(f *fixture) {
	for _, m := range []struct{ high, low int }{{-1, -1}, {1, -1}, {1, 2}} {
		f.is(f.a.SetWriteMarks(m.high, m.low), os.ErrInvalid)
	}
	f.must(f.a.SetWriteMarks(1, 1))
}

// tryWrite takes everything or nothing, and never waits.
func tryWrite(f *fixture) {
	p := pattern(1, 10<<10)
	taken := 0
	for {
		err := f.b.TryWrite(p)
		if err != nil {
			f.is(err, stream.ErrFull)
			break
		}
		if taken += len(p); taken > enough {
			f.Fatal("it takes without end")
		}
		if taken%(1<<20) < len(p) {
			f.turns(1)
		}
	}
	f.is(f.b.TryWrite([]byte("x")), stream.ErrFull)
	for at := 0; at < taken; at += len(p) {
		f.reads(f.a, string(p))
	}
	f.must(f.b.Flush())
	f.must(f.b.TryWrite([]byte("again")))
	f.reads(f.a, "again")

	// It does not overtake a Write that waits.
	written, w := f.flood(f.b, enough)
	f.is(f.b.TryWrite([]byte("x")), stream.ErrFull)
	w.giveUp()
	f.fails(w, errOver)
	n, err := f.a.Discard(*written)
	if n != *written || err != nil {
		f.Errorf("read %d of %d bytes: %v", n, *written, err)
	}
	f.must(f.b.TryWrite([]byte("the last")))
	f.reads(f.a, "the last")
}

// flush waits until everything is the system's: nothing less, and not for the peer to read it.
func flush(f *fixture) {
	f.must(f.b.Flush())
	f.write(f.b, "a little")
	f.must(f.b.Flush())
	f.reads(f.a, "a little")

	written, w := f.flood(f.b, enough)
	w.giveUp()
	f.fails(w, errOver)
	// R45: any number may wait, and all are told.
	var all []*actor
	for range 10 {
		all = append(all, f.do(func(*kettle.Task) error {
			err := f.b.Flush()
			if n := f.b.Pending(); err == nil && n > 0 {
				f.Errorf("flushed, and %d bytes are pending", n)
			}
			return err
		}))
	}
	for _, a := range all {
		f.stillWaits(a)
	}
	if _, err := f.a.Discard(*written); err != nil {
		f.Error(err)
	}
	for _, a := range all {
		f.succeeds(a)
	}
}

// R46: who writes again and again to a peer that has gone gets an error, and not that of a
// connection that this side has closed; and it stays. A Flush has it too.
func writeToOneThatIsGone(f *fixture) {
	f.write(f.a, "what nobody reads")
	f.must(f.b.Close())
	w := f.do(func(t *kettle.Task) error {
		for {
			if _, err := f.a.Write(pattern(1, 1000)); err != nil {
				return err
			}
			if err := f.a.Flush(); err != nil {
				return err
			}
			if err := t.Yield(); err != nil {
				return err
			}
		}
	})
	f.broken("Write", f.result(w))
	_, err := f.a.Write([]byte("x"))
	f.broken("Write again", err)
	f.broken("TryWrite", f.a.TryWrite([]byte("x")))
	f.broken("Flush", f.a.Flush())
}
