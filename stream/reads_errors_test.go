package stream_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// R48: whatever an error is wrapped in, it is what it was, with everything that it says, and is
// the one of the standard library that it stands for.
func TestErrorsOfReadsKeepWhatTheySay(t *testing.T) {
	wrapped := fmt.Errorf("read a header: %w", errors.Join(io.ErrNoProgress,
		&stream.IncompleteReadError{Partial: []byte("abc"), Expected: 10}))
	var incomplete *stream.IncompleteReadError
	if !errors.As(wrapped, &incomplete) || string(incomplete.Partial) != "abc" ||
		incomplete.Expected != 10 || !errors.Is(wrapped, io.ErrUnexpectedEOF) {
		t.Errorf("%v has become %+v", wrapped, incomplete)
	}
	wrapped = fmt.Errorf("read a line: %w", &stream.LimitError{Limit: 9, Consumed: 12, Found: true})
	var limit *stream.LimitError
	if !errors.As(wrapped, &limit) || *limit != (stream.LimitError{Limit: 9, Consumed: 12,
		Found: true}) || !errors.Is(wrapped, bufio.ErrTooLong) {
		t.Errorf("%v has become %+v", wrapped, limit)
	}
	if errors.Is(wrapped, io.ErrUnexpectedEOF) || errors.Is(wrapped, net.ErrClosed) {
		t.Errorf("%v is something else, too", wrapped)
	}
}

// TestErrorsOfReadsAreThoseOfPackageNet: they say what was done, and between whom.
func TestErrorsOfReadsAreThoseOfPackageNet(t *testing.T) {
	runPipe(t, func(_ *kettle.Group, a, b *stream.Conn) {
		b.Abort()
		_, broken := a.Next()
		a.Close()
		_, closed := a.Next()
		for _, err := range []error{broken, closed} {
			var op *net.OpError
			if !errors.As(err, &op) || op.Op != "read" || op.Net != "pipe" || op.Addr == nil {
				t.Errorf("the error is %#v", err)
			}
		}
	})
}
