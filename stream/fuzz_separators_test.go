package stream_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/stream"
)

// fuzzed runs main with a pipe, through which the data comes in pieces: cut says how long they are,
// one after the other and again from the beginning.
func fuzzed(t *testing.T, data, cut []byte, main func(c *stream.Conn) error) {
	t.Helper()
	err := kettle.Run(func(task *kettle.Task) error {
		a, b := stream.Pipe(task)
		defer a.Abort()
		return task.Group(func(g *kettle.Group) error {
			g.Go("feed", func(t *kettle.Task) error {
				defer b.Close()
				rest := data
				for i := 0; len(rest) > 0; i++ {
					n := len(rest)
					if len(cut) > 0 {
						n = min(n, 1+int(cut[i%len(cut)]))
					}
					if _, err := b.Write(rest[:n]); err != nil {
						return err
					}
					rest = rest[n:]
					if err := t.Sleep(1); err != nil { // it arrives by itself
						return err
					}
				}
				return nil
			})
			return main(a)
		})
	}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
	if err != nil {
		t.Errorf("%q in pieces of %v: %v", data, cut, err)
	}
}

// naive is where the first separator begins and ends, the shortest of those that end there, as one
// would write it without a thought.
func naive(data []byte, separators [][]byte) (start, end int) {
	for end := range len(data) + 1 {
		from := -1
		for _, s := range separators {
			if bytes.HasSuffix(data[:end], s) && end-len(s) > from {
				from = end - len(s)
			}
		}
		if from >= 0 {
			return from, end
		}
	}
	return -1, -1
}

// R31: whatever the bytes, the separators, and the pieces in which they come, ReadUntil
// finds what a naive search of the whole finds, and its limit never costs a byte.
func FuzzReadUntil(f *testing.F) {
	f.Add([]byte("one\r\ntwo\r\n\r\nthree"), []byte{0}, []byte("\r\n"), []byte("\r\n\r\n"),
		uint8(3))
	f.Add([]byte("aaXYaaaXaa"), []byte{2, 0}, []byte("aaa"), []byte("Xa"), uint8(100))
	f.Add([]byte("\n\n\r\ntwo"), []byte{0}, []byte("\n\n\r\n"), []byte("\r\n"), uint8(0))
	f.Add([]byte("abababac"), []byte{1}, []byte("abac"), []byte("c"), uint8(0))
	f.Add(bytes.Repeat([]byte("0123456789"), 900), []byte{255}, []byte("90"), []byte("9012x"),
		uint8(255))
	f.Fuzz(func(t *testing.T, data, cut, one, other []byte, limit uint8) {
		if len(one) == 0 || len(other) == 0 || len(data) > 20_000 ||
			len(data)/(len(cut)+1) > 4000 {
			return
		}
		separators := [][]byte{one, other}
		fuzzed(t, data, cut, func(c *stream.Conn) error {
			return readAllUntil(c, data, separators, int(limit)+1)
		})
	})
}

func readAllUntil(c *stream.Conn, data []byte, separators [][]byte, limit int) error {
	for rest := data; ; {
		if err := c.SetLimit(limit); err != nil {
			return err
		}
		got, err := c.ReadUntil(separators...)
		start, end := naive(rest, separators)
		var tooLong *stream.LimitError
		if errors.As(err, &tooLong) {
			if tooLong.Found && tooLong.Consumed < start || end >= 0 && start <= limit {
				return fmt.Errorf("%w, and it begins after %d", err, start)
			}
			if err := c.SetLimit(1 << 20); err != nil {
				return err
			}
			got, err = c.ReadUntil(separators...)
		}
		switch {
		case err == nil && end >= 0 && string(got) == string(rest[:end]):
			rest = rest[end:]
		case err == nil:
			return fmt.Errorf("it returns %q of %q", got, rest)
		case end >= 0:
			return fmt.Errorf("it does not find what ends after %d: %w", end, err)
		case len(rest) == 0 && err == io.EOF:
			return nil
		default:
			var incomplete *stream.IncompleteReadError
			if !errors.As(err, &incomplete) || string(incomplete.Partial) != string(rest) {
				return fmt.Errorf("at the end of %q: %w", rest, err)
			}
			return nil
		}
	}
}

// FuzzReadLine: the lines are those of bytes.Lines, without their ends.
func FuzzReadLine(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n\n\r\n\r\r\nthree\r"), []byte{0})
	f.Add([]byte("\n"), []byte{})
	f.Add(bytes.Repeat([]byte("line\n"), 2000), []byte{200, 3, 0})
	f.Fuzz(func(t *testing.T, data, cut []byte) {
		if len(data) > 20_000 {
			return
		}
		fuzzed(t, data, cut, func(c *stream.Conn) error {
			for want := range bytes.Lines(data) {
				got, err := c.ReadLine()
				if trimmed, ok := bytes.CutSuffix(want, []byte("\n")); ok {
					want = bytes.TrimSuffix(trimmed, []byte("\r"))
				}
				if err != nil || string(got) != string(want) {
					return fmt.Errorf("the line is %q, %w; want %q", got, err, want)
				}
			}
			if got, err := c.ReadLine(); err != io.EOF {
				return fmt.Errorf("after the last one there is %q, %w", got, err)
			}
			return nil
		})
	})
}

// FuzzWriteMarks: whatever the marks are, and however they change while tasks write, everything
// arrives, in order, and no more is kept than they allow.
func FuzzWriteMarks(f *testing.F) {
	f.Add([]byte{0, 0, 255, 1, 3, 200, 16, 16, 90})
	f.Add([]byte{255, 0, 255, 0, 0, 255, 0, 0, 1, 1, 0, 255})
	f.Add([]byte{10, 9, 1, 9, 10, 1})
	f.Fuzz(func(t *testing.T, script []byte) {
		err := kettle.Run(func(task *kettle.Task) error {
			a, b := stream.Pipe(task)
			defer a.Abort()
			var want []byte
			return task.Group(func(g *kettle.Group) error {
				g.Go("write", func(t *kettle.Task) error {
					return writeScript(t, b, script, &want)
				})
				got, err := io.ReadAll(a)
				if err == nil && !bytes.Equal(got, want) {
					err = fmt.Errorf("%d bytes have come of %d, or others", len(got), len(want))
				}
				return err
			})
		}, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
		if err != nil {
			t.Error(err)
		}
	})
}

// writeScript does what each three bytes say: the marks, and how much is written.
func writeScript(t *kettle.Task, c *stream.Conn, script []byte, all *[]byte) error {
	most := 64 << 10 // the mark that a connection begins with
	for i := 0; i+2 < len(script) && i < 60; i += 3 {
		high, low := int(script[i])<<9, int(script[i+1])<<9
		err := c.SetWriteMarks(high, low)
		if ok := low <= high; ok != (err == nil) {
			return fmt.Errorf("the marks %d and %d: %w", high, low, err)
		} else if ok {
			most = high
		}
		before := c.Pending()
		p := bytes.Repeat([]byte{byte(i)}, int(script[i+2])<<10+i)
		*all = append(*all, p...)
		if n, err := c.Write(p); n != len(p) || err != nil {
			return fmt.Errorf("write %d bytes: %d, %w", len(p), n, err)
		}
		if n := c.Pending(); n > max(most, before) {
			return fmt.Errorf("%d bytes are pending, with a high-water mark of %d", n, most)
		}
		if i%2 == 0 {
			if err := t.Yield(); err != nil {
				return err
			}
		}
	}
	return c.Close()
}
