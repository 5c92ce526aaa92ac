package streamtest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func cancelChecks() []check {
	var all []check
	for _, way := range ways() {
		for what, take := range inOrder(takes()) {
			all = append(all, check{fmt.Sprintf("%s/%s", way.name, what),
				func(f *fixture) { takeIsInterrupted(f, way, take) }})
		}
		for what, give := range inOrder(gives()) {
			all = append(all, check{fmt.Sprintf("%s/%s", way.name, what),
				func(f *fixture) { giveIsInterrupted(f, way, give) }})
		}
	}
	return all
}

// N13: the checks of this file interrupt every read and every write, at every moment: after each of
// the pieces that they wait for, and in each of the next few turns of the loop, while the piece is
// under way. Whatever comes of that, no byte may be lost or come twice.

// way is how something is interrupted.
type way struct {
	name string
	want error
	// within runs what is to be interrupted.
	within func(t *kettle.Task, what func() error) error
	// interrupt interrupts it from outside.
	interrupt func(a *actor, c *stream.Conn) error
}

func ways() []way {
	plain := func(_ *kettle.Task, what func() error) error { return what() }
	return []way{
		{"Cancelled", errOver, plain,
			func(a *actor, _ *stream.Conn) error { a.giveUp(); return nil }},
		{"PastItsDeadline", os.ErrDeadlineExceeded, plain,
			func(_ *actor, c *stream.Conn) error { return c.SetDeadline(past()) }},
		{"TimedOut", os.ErrDeadlineExceeded,
			func(t *kettle.Task, what func() error) error {
				return t.WithTimeout(patience, func(*kettle.Task) error { return what() })
			},
			func(a *actor, _ *stream.Conn) error { return nil }},
	}
}

const pieceSize = 1 << 10

// patience is how long what is to time out may take: about as long as some turns of a loop.
const patience = 200 * time.Microsecond

// script is what is sent to who is interrupted: pieces with their numbers, and an end.
func script() []byte {
	p := pattern(0, 12*pieceSize)
	for i := range p {
		if p[i] == '\n' {
			p[i] = ' '
		}
	}
	p[len(p)-1] = '\n'
	return p
}

// takes are the reads. Each returns how many bytes it has taken, also if it fails.
func takes() map[string]func(c *stream.Conn) (int, error) {
	small, large := make([]byte, 3*pieceSize), make([]byte, 9*pieceSize)
	end := [][]byte{{'\n'}}
	return map[string]func(c *stream.Conn) (int, error){
		"Next": func(c *stream.Conn) (int, error) {
			p, err := c.Next()
			return len(p), err
		},
		"Read":          func(c *stream.Conn) (int, error) { return c.Read(small[:10]) },
		"ReadLarge":     func(c *stream.Conn) (int, error) { return c.Read(large) },
		"ReadFull":      func(c *stream.Conn) (int, error) { return c.ReadFull(small) },
		"ReadFullLarge": func(c *stream.Conn) (int, error) { return c.ReadFull(large) },
		"Peek": func(c *stream.Conn) (int, error) {
			_, err := c.Peek(5 * pieceSize)
			return 0, err
		},
		"Discard": func(c *stream.Conn) (int, error) { return c.Discard(9 * pieceSize) },
		"ReadUntil": func(c *stream.Conn) (int, error) {
			p, err := c.ReadUntil(end...)
			return len(p), err
		},
		"ReadUntilLimit": readTooMuch,
		"ReadLine": func(c *stream.Conn) (int, error) {
			p, err := c.ReadLine()
			if err != nil {
				return 0, err
			}
			return len(p) + 1, nil
		},
		"WriteTo": func(c *stream.Conn) (int, error) {
			n, err := c.WriteTo(&shortWriter{writerFunc(takeAll), 9 * pieceSize})
			return int(n), err
		},
	}
}

func takeAll(p []byte) (int, error) { return len(p), nil }

// readTooMuch meets a limit, if it comes so far.
func readTooMuch(c *stream.Conn) (int, error) {
	if err := c.SetLimit(6 * pieceSize); err != nil {
		return 0, err
	}
	p, err := c.ReadUntil([]byte("\n"))
	return len(p), err
}

// takeIsInterrupted interrupts a read after so many pieces and turns, and reads the rest.
func takeIsInterrupted(f *fixture, way way, take func(c *stream.Conn) (int, error)) {
	text := script()
	for _, pieces := range []int{0, 1, 2, 4, 7} {
		for turns := range 5 {
			n := 0
			r := f.do(func(t *kettle.Task) error {
				return way.within(t, func() (err error) { n, err = take(f.a); return err })
			})
			f.settle()
			for i := range pieces {
				f.write(f.b, string(text[i*pieceSize:][:pieceSize]))
				if i < pieces-1 {
					f.settle()
				}
			}
			f.turns(turns)
			f.must(way.interrupt(r, f.a))
			err := f.result(r)
			if err != nil && !errors.Is(err, way.want) && !isOwn(err) {
				f.Fatalf("after %d pieces and %d turns: %v", pieces, turns, err)
			}
			f.must(f.a.SetDeadline(time.Time{}))
			f.write(f.b, string(text[pieces*pieceSize:]))
			rest := make([]byte, len(text)-n)
			m, err := f.a.ReadFull(rest)
			if err != nil || string(rest) != string(text[n:]) {
				f.Fatalf("after %d pieces and %d turns %d bytes were taken; then %d of %d come, "+
					"or others: %v", pieces, turns, n, m, len(rest), err)
			}
			if f.a.Buffered() > 0 {
				f.Fatalf("after %d pieces and %d turns there are %d bytes more", pieces, turns,
					f.a.Buffered())
			}
		}
	}
}

// isOwn reports whether an error is what a read came to before it could be interrupted.
func isOwn(err error) bool {
	var limit *stream.LimitError
	return errors.As(err, &limit) || errors.Is(err, io.ErrShortWrite)
}

// gives are the writes. Each returns how many bytes were taken of it, also if it fails.
func gives() map[string]func(c *stream.Conn, p []byte) (int, error) {
	return map[string]func(c *stream.Conn, p []byte) (int, error){
		"Write": (*stream.Conn).Write,
		"Writev": func(c *stream.Conn, p []byte) (int, error) {
			third := len(p) / 3
			n, err := c.Writev([][]byte{p[:third], p[third : 2*third], p[2*third:]})
			return int(n), err
		},
		"Flush": func(c *stream.Conn, p []byte) (int, error) {
			n, err := c.Write(p[:min(len(p), 50<<10)])
			if err == nil {
				err = c.Flush()
			}
			return n, err
		},
		"Turn": func(c *stream.Conn, p []byte) (int, error) {
			return c.Write(p[:min(len(p), 50<<10)])
		},
	}
}

// giveIsInterrupted writes 10 MB in calls that are interrupted, each after so much was read and so
// many turns, and goes on with what was not taken.
func giveIsInterrupted(f *fixture, way way, give func(c *stream.Conn, p []byte) (int, error)) {
	text := pattern(1, 10<<20)
	given, taken := 0, 0
	read := func(n int) {
		f.Helper()
		p := make([]byte, n)
		_, err := f.a.ReadFull(p)
		f.must(err)
		if string(p) != string(text[taken:taken+n]) {
			f.Fatalf("after %d bytes come others than were written", taken)
		}
		taken += n
	}
	for round := 0; given < len(text); round++ {
		n, rest := 0, text[given:]
		w := f.do(func(t *kettle.Task) error {
			return way.within(t, func() (err error) { n, err = give(f.b, rest); return err })
		})
		f.turns(round % 5)
		read(min(given-taken, round%7*(300<<10)))
		f.turns(round % 3)
		f.must(way.interrupt(w, f.b))
		if way.name == "TimedOut" {
			f.settle()
		}
		if err := f.result(w); err != nil && !errors.Is(err, way.want) {
			f.Fatal(err)
		}
		given += n
		f.must(f.b.SetDeadline(time.Time{}))
		if n == 0 || f.b.Pending() > 0 {
			read(given - taken)
		}
	}
	f.must(f.b.CloseWrite())
	read(given - taken)
	f.atEnd(f.a)
}
