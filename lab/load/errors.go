package load

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// ErrWrongByte is matched by the error of every phase once an answer has differed from what
// the service must answer. The connections are of no use after that.
var ErrWrongByte = errors.New("wrong byte in an answer")

// ErrUnserved is matched by the error of a phase that has no connection to work with:
// none is left, or none has been answered so far.
var ErrUnserved = errors.New("no connection is being served")

// around is how many bytes before and after a wrong one its error shows.
const around = 12

// wrongByte says where an answer differs from what it must be. got is what was received at
// position pos of the stream, want what should have been.
func wrongByte(conn int, pos int64, got, want []byte) error {
	at := 0
	for at < len(want)-1 && got[at] == want[at] {
		at++
	}
	from, to := max(0, at-around), min(len(want), at+around)
	return fmt.Errorf("connection %d, byte %d of its answers: %w: want %q, got %q (in %q, got %q)",
		conn, pos+int64(at), ErrWrongByte, want[at], got[at], want[from:to], got[from:to])
}

// extraBytes says that the server has sent what nobody asked for.
func extraBytes(conn int, pos int64, extra []byte) error {
	return fmt.Errorf("connection %d, byte %d of its answers: %w: want no more, got %d bytes (%q)",
		conn, pos, ErrWrongByte, len(extra), extra[:min(len(extra), 2*around)])
}

// wrongNumber says that an answer of the service count is no number. got is as far as it has come.
func wrongNumber(conn int, answer int64, got []byte) error {
	return fmt.Errorf("connection %d, answer %d: %w: want a number from 1 on and the end of a "+
		"line, got %q", conn, answer+1, ErrWrongByte, got)
}

// closedEarly says that the server has ended a connection that it still owed bytes to.
func closedEarly(owed int64) error {
	if owed == 0 {
		return fmt.Errorf("the server closed the connection: %w", io.EOF)
	}
	return fmt.Errorf("the server closed the connection and owes %d bytes: %w", owed,
		io.ErrUnexpectedEOF)
}

// unserved is the error of a phase without connections; first is the first error of one.
func unserved(doing string, first error) error {
	if first == nil {
		return fmt.Errorf("%s: %w", doing, ErrUnserved)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnserved, first)
}

// notMadeIn says that a connection has not come about in time.
func notMadeIn(limit time.Duration) error {
	return fmt.Errorf("connect: not answered in %v: %w", limit, os.ErrDeadlineExceeded)
}

// connError is an error of one connection.
type connError struct {
	conn int
	err  error
}

// Error returns "connection 3: " and what was wrong.
func (e connError) Error() string { return fmt.Sprintf("connection %d: %v", e.conn, e.err) }

// Unwrap returns the error itself.
func (e connError) Unwrap() error { return e.err }
