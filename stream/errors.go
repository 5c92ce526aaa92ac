package stream

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// The errors that stand for themselves. What the peer or the system has done is a *net.OpError
// with the errno, what this side has done one with net.ErrClosed or os.ErrDeadlineExceeded; what
// comes of a scope is an error of package kettle.
var (
	// ErrBusy says that another task reads from the connection.
	ErrBusy = errors.New("another task reads from it")

	// ErrFull says that more is pending than the high-water mark.
	ErrFull = errors.New("stream: more is pending than the high-water mark")

	// ErrServerClosed says that the server was closed.
	ErrServerClosed = errors.New("stream: the server is closed")
)

// IncompleteReadError says that a stream has ended in the middle of what was to be read. It is
// io.ErrUnexpectedEOF.
type IncompleteReadError struct {
	Partial  []byte // what there was
	Expected int    // how many bytes were to be read; 0 if until a separator
}

func (e *IncompleteReadError) Error() string {
	if e.Expected == 0 {
		return fmt.Sprintf("stream: %d bytes read, and no separator before the end",
			len(e.Partial))
	}
	return fmt.Sprintf("stream: %d bytes read on a total of %d expected bytes", len(e.Partial),
		e.Expected)
}

// Is reports whether target is io.ErrUnexpectedEOF.
func (e *IncompleteReadError) Is(target error) bool { return target == io.ErrUnexpectedEOF }

// LimitError says that more than the limit came before a separator. Everything is still unread. It
// is bufio.ErrTooLong.
type LimitError struct {
	Limit    int
	Consumed int  // bytes that certainly belong to what is too long
	Found    bool // there is a separator, behind the limit
}

func (e *LimitError) Error() string {
	if e.Found {
		return fmt.Sprintf("stream: the separator is found after %d bytes, more than the limit "+
			"of %d", e.Consumed, e.Limit)
	}
	return fmt.Sprintf("stream: no separator is found in %d bytes, more than the limit of %d",
		e.Consumed, e.Limit)
}

// Is reports whether target is bufio.ErrTooLong.
func (e *LimitError) Is(target error) bool { return target == bufio.ErrTooLong }
