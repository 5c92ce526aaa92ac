package streamtest

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func turnChecks() []check {
	return []check{
		{"WritesAreNotMixed", writesAreNotMixed},
		{"WritersTakeTurns", writersTakeTurns},
		{"ATurnIsNotLost", aTurnIsNotLost},
		{"ReadAndWriteAtOnce", readAndWriteAtOnce},
	}
}

// writesAreNotMixed: what one call writes stays together, however many tasks write, and however
// often each has to wait in the midst of it.
func writesAreNotMixed(f *fixture) {
	const writers, rounds, size = 7, 4, 50 << 10
	f.must(f.b.SetWriteMarks(8<<10, 1<<10))
	for who := range writers {
		f.do(func(*kettle.Task) error {
			block := bytes.Repeat([]byte{byte('A' + who)}, size)
			for range rounds {
				var err error
				if who%2 == 0 {
					_, err = f.b.Write(block)
				} else {
					_, err = f.b.Writev([][]byte{block[:size/3], block[size/3 : size/2],
						block[size/2:]})
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	count := [writers]int{}
	for range writers * rounds {
		block := make([]byte, size)
		_, err := f.a.ReadFull(block)
		f.must(err)
		for _, b := range block {
			if b != block[0] {
				f.Fatalf("%q stands in a block of %q", b, block[0])
			}
		}
		count[block[0]-'A']++
	}
	if count != [writers]int{rounds, rounds, rounds, rounds, rounds, rounds, rounds} {
		f.Errorf("the blocks of each: %v", count)
	}
}

// crowd has one task write until it has to wait, and then others in order, who wait for their turn.
func (f *fixture) crowd(n int) (written *int, first *actor, others []*actor) {
	f.Helper()
	written, first = f.flood(f.b, enough)
	for who := range n {
		others = append(others, f.waits(func(*kettle.Task) error {
			_, err := fmt.Fprintf(f.b, "<%d>", who)
			return err
		}))
	}
	return written, first, others
}

// writersTakeTurns: who waits longest to write is next.
func writersTakeTurns(f *fixture) {
	written, first, others := f.crowd(5)
	first.giveUp()
	f.fails(first, errOver)
	_, err := f.a.Discard(*written)
	f.must(err)
	for _, w := range others {
		f.succeeds(w)
	}
	f.reads(f.a, "<0><1><2><3><4>")
}

// aTurnIsNotLost: one who is cancelled, while it writes or waits for its turn, does not keep the
// others from theirs, at whichever moment that happens.
func aTurnIsNotLost(f *fixture) {
	written, first, others := f.crowd(6)
	others[1].giveUp()
	first.giveUp()
	others[0].giveUp() // who may have been given the turn just then
	f.fails(first, errOver)
	f.turns(1)
	others[3].giveUp()
	_, err := f.a.Discard(*written)
	f.must(err)
	want := ""
	for who, w := range others {
		switch err := f.result(w); {
		case err == nil:
			want += fmt.Sprintf("<%d>", who)
		case slices.Contains([]int{0, 1, 3}, who):
			f.is(err, errOver)
		default:
			f.Errorf("writer %d: %v", who, err)
		}
	}
	f.reads(f.a, want)
	f.must(f.b.CloseWrite())
	f.atEnd(f.a)
}

// readAndWriteAtOnce: a task that reads and one that writes do not wait for each other.
func readAndWriteAtOnce(f *fixture) {
	r := f.waits(func(*kettle.Task) error { _, err := f.a.Next(); return err })
	f.write(f.a, "there")
	f.reads(f.b, "there")
	written, w := f.flood(f.a, enough)
	f.write(f.b, "back")
	f.succeeds(r)
	f.stillWaits(w)
	r = f.waits(func(*kettle.Task) error { return readBack(f.a, "again") })
	f.write(f.b, "again")
	f.succeeds(r)
	w.giveUp()
	f.fails(w, errOver)
	_, err := f.b.Discard(*written)
	f.must(err)
}

func readBack(c *stream.Conn, want string) error {
	p := make([]byte, len(want))
	if _, err := c.ReadFull(p); err != nil || string(p) != want {
		return fmt.Errorf("read %q, want %q: %w", p, want, err)
	}
	return nil
}
