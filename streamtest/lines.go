package streamtest

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func lineChecks() []check {
	return []check{
		{"ReadLine", readLine},
		{"ReadLineAtEnd", readLineAtEnd},
		{"ReadLineLimit", readLineLimit},
		{"LimitIsStrict", limitIsStrict},
		{"InvalidLimit", invalidLimit},
		{"Lines", lines},
		{"ReadUntil", readUntil},
		{"ReadUntilInvalid", readUntilInvalid},
		{"ReadUntilSplit", readUntilSplit},
		{"ReadUntilAtEnd", readUntilAtEnd},
		{"ReadUntilLimit", readUntilLimit},
		{"ReadUntilSeveral", readUntilSeveral},
	}
}

// line says what the next line is.
func (f *fixture) line(want string, wantErr error) {
	f.Helper()
	p, err := f.a.ReadLine()
	f.got(p, err, want, wantErr)
}

// sendBeyond sends text, waits until it is there, and only then sets the limit.
func (f *fixture) sendBeyond(limit int, text string) {
	f.Helper()
	f.must(f.a.SetLimit(stream.DefaultLimit))
	f.send(f.b, f.a, text)
	f.must(f.a.SetLimit(limit))
}

// until says what the next bytes up to one of the separators are.
func (f *fixture) until(want string, wantErr error, separators ...string) {
	f.Helper()
	p, err := f.readUntil(separators...)
	f.got(p, err, want, wantErr)
}

func (f *fixture) readUntil(separators ...string) ([]byte, error) {
	var seps [][]byte
	for _, s := range separators {
		seps = append(seps, []byte(s))
	}
	return f.a.ReadUntil(seps...)
}

// R13: a line is waited for across several pieces, and what is behind it stays.
func readLine(f *fixture) {
	f.send(f.b, f.a, "chunk1 ")
	var got string
	r := f.waits(func(*kettle.Task) error {
		p, err := f.a.ReadLine()
		got = string(p)
		return err
	})
	for _, piece := range []string{"chunk2 ", "chunk3 ", "\n chunk4"} {
		f.stillWaits(r)
		f.write(f.b, piece)
	}
	f.succeeds(r)
	f.got([]byte(got), nil, "chunk1 chunk2 chunk3 ", nil)
	f.reads(f.a, " chunk4")

	// R19: a line that is there already is not waited for.
	f.send(f.b, f.a, "line1\nline2\r\n\r\n\n")
	for _, want := range []string{"line1", "line2", "", ""} {
		f.line(want, nil)
	}

	// R21: reads of both kinds, one after the other.
	f.send(f.b, f.a, "line1\nline2\nline3\nline4")
	f.line("line1", nil)
	f.reads(f.a, "line2\nl")
	f.line("ine3", nil)
	f.reads(f.a, "line4")
}

// R20: the last line may have no end. After it, and instead of it, there is the end.
func readLineAtEnd(f *fixture) {
	f.write(f.b, "some data\nthe rest\r")
	f.must(f.b.CloseWrite())
	f.line("some data", nil)
	f.line("the rest\r", nil)
	f.line("", io.EOF)
	f.line("", io.EOF)
}

// A line that is longer than the limit is an error, and stays, every byte of it: whether its end is
// there already (R14), is not (R15), or comes while it is waited for (R17).
func readLineLimit(f *fixture) {
	tooLong := func(found bool) {
		f.Helper()
		for range 2 { // nothing changes by asking again
			_, err := f.a.ReadLine()
			var limit *stream.LimitError
			if !errors.As(err, &limit) || limit.Found != found || limit.Limit != 3 ||
				!errors.Is(err, bufio.ErrTooLong) {
				f.Fatalf("the error is %v", err)
			}
		}
	}
	f.sendBeyond(3, "line1\nline2\n")
	tooLong(true) // R14
	f.reads(f.a, "line1\n")
	f.reads(f.a, "line2\n")

	f.sendBeyond(3, "line1")
	tooLong(false) // R15
	f.reads(f.a, "line1")

	f.send(f.b, f.a, "li")
	r := f.waits(func(*kettle.Task) error { _, err := f.a.ReadLine(); return err })
	f.write(f.b, "ne1\nnext\n")
	f.fails(r, bufio.ErrTooLong) // R17
	_, err := f.a.Peek(3)
	f.must(err)
	f.must(f.a.SetLimit(5))
	f.line("line1", nil)
	f.line("next", nil)
}

// R18: a line as long as the limit is not too long.
func limitIsStrict(f *fixture) {
	f.sendBeyond(7, "1234567\n12345678\n")
	f.line("1234567", nil)
	f.line("", bufio.ErrTooLong)
	f.reads(f.a, "12345678\n")
	f.sendBeyond(7, "12345678")
	f.line("", bufio.ErrTooLong)
	f.reads(f.a, "12345678")
}

// R11: a limit must be above 0.
func invalidLimit(f *fixture) {
	for _, n := range []int{0, -1} {
		err := f.a.SetLimit(n)
		f.is(err, os.ErrInvalid)
		if !strings.Contains(err.Error(), "limit") {
			f.Errorf("the error does not name the limit: %v", err)
		}
	}
}

func lines(f *fixture) {
	f.write(f.b, "one\ntwo\nthree")
	f.must(f.b.CloseWrite())
	var got []string
	for line, err := range f.a.Lines() {
		f.must(err)
		got = append(got, string(line))
	}
	f.got([]byte(strings.Join(got, "|")), nil, "one|two|three", nil)
	for range f.a.Lines() {
		f.Error("there is a line after the end")
	}

	a, b := f.pair()
	f.write(b, "one\ntwo\nmuch too long\n")
	f.must(a.SetLimit(5))
	got = nil
	for line, err := range a.Lines() {
		if err != nil {
			f.is(err, bufio.ErrTooLong)
			got = append(got, "too long")
			continue // it is over all the same
		}
		got = append(got, string(line))
	}
	f.got([]byte(strings.Join(got, "|")), nil, "one|two|too long", nil)
	for line, err := range a.Lines() {
		f.got(line, err, "", bufio.ErrTooLong)
		break
	}
}

// R24: what is behind the separator stays.
func readUntil(f *fixture) {
	f.send(f.b, f.a, "lineAAAxxxAAAtail")
	f.until("lineAAA", nil, "AAA")
	f.until("xxxAAA", nil, "AAA")
	f.reads(f.a, "tail")
}

// R23: what separates nothing is refused, each case in its own words, and takes nothing.
func readUntilInvalid(f *fixture) {
	f.send(f.b, f.a, "data")
	said := map[string]bool{}
	for _, separators := range [][]string{{}, {""}, {"a", ""}} {
		_, err := f.readUntil(separators...)
		f.is(err, os.ErrInvalid)
		said[err.Error()] = true
	}
	if len(said) != 3 {
		f.Errorf("the errors are %v", said)
	}
	f.reads(f.a, "data")
}

// R25: a separator may come byte by byte, and things that only begin like it before.
func readUntilSplit(f *fixture) {
	for _, c := range []struct{ text, separator string }{
		{"QWaa", "aa"}, {"aaXYaaa", "aaa"}, {"aXaXaa", "aa"}, {"ababac", "abac"},
		{"\r\r\n", "\r\n"}, {"0\r\n.\r\n..\r\n.\r\n", "\r\n.\r\n"},
	} {
		text, wait := c.text, c.text
		if i := strings.Index(text, c.separator); i >= 0 {
			wait = text[:i+len(c.separator)]
		}
		var got string
		r := f.waits(func(*kettle.Task) error {
			p, err := f.readUntil(c.separator)
			got = string(p)
			return err
		})
		for _, b := range []byte(text) {
			f.write(f.b, string(b))
			f.settle()
		}
		f.succeeds(r)
		f.got([]byte(got), nil, wait, nil)
		f.reads(f.a, text[len(wait):])
	}
}

// R26: if the stream ends before, what there was is in the error, and nothing is left.
func readUntilAtEnd(f *fixture) {
	f.write(f.b, "some data")
	f.must(f.b.CloseWrite())
	_, err := f.readUntil("\n")
	var incomplete *stream.IncompleteReadError
	if !errors.As(err, &incomplete) || string(incomplete.Partial) != "some data" ||
		incomplete.Expected != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		f.Errorf("the error is %v", err)
	}
	if f.a.Buffered() != 0 {
		f.Errorf("%d bytes are left", f.a.Buffered())
	}
	f.until("", io.EOF, "\n")
}

// R27: over the limit everything stays, whether the separator is there or not.
func readUntilLimit(f *fixture) {
	tooLong := func(consumed int, found bool) {
		f.Helper()
		_, err := f.readUntil("AAA")
		want := stream.LimitError{Limit: 3, Consumed: consumed, Found: found}
		var got *stream.LimitError
		if !errors.As(err, &got) || *got != want {
			f.Fatalf("the error is %v, want %v", err, &want)
		}
	}
	f.sendBeyond(3, "some dataAA")
	tooLong(9, false)
	f.must(f.a.SetLimit(100))
	f.write(f.b, "A")
	_, err := f.a.Peek(12)
	f.must(err)
	f.must(f.a.SetLimit(3))
	tooLong(9, true)
	f.reads(f.a, "some dataAAA")
}

// Of several separators the one that ends first counts, whatever their lengths and order.
func readUntilSeveral(f *fixture) {
	for _, c := range []struct {
		text, want string
		separators []string
	}{
		{"lineAAAxxxBBBtail", "lineAAA", []string{"BBB", "AAA"}},
		{"some dataABCDtail", "some dataABC", []string{"ABCDt", "ABC", "BCD"}}, // R28
		{"xaab", "xaab", []string{"b", "aab"}},                                 // both end there
		{"dataX", "dataX", []string{"A", "long separator", "X"}},               // R30
		{"A", "A", []string{"A", "long separator"}},
	} {
		f.send(f.b, f.a, c.text)
		f.until(c.want, nil, c.separators...)
		f.reads(f.a, c.text[len(c.want):])
	}

	// R30: less than the longest separator has arrived when the first look is taken.
	var got string
	r := f.waits(func(*kettle.Task) error {
		p, err := f.readUntil("A", "long separator")
		got = string(p)
		return err
	})
	f.write(f.b, "data")
	f.stillWaits(r)
	f.write(f.b, "A")
	f.succeeds(r)
	f.got([]byte(got), nil, "dataA", nil)

	// R29: what counts against the limit is what is before the one that matches.
	f.sendBeyond(3, "some dataA")
	f.until("", bufio.ErrTooLong, "A", "ome dataA")
	f.reads(f.a, "some dataA")
	// Of two that end at the same place it is the shorter one, whichever comes first.
	for _, separators := range [][]string{{"A", "dataA"}, {"dataA", "A"}} {
		f.sendBeyond(3, "dataA")
		f.until("", bufio.ErrTooLong, separators...)
		f.reads(f.a, "dataA")
	}
	f.sendBeyond(3, "dat_long_")
	f.until("dat_long_", nil, "_long_", "long_x")
}
