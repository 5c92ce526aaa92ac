package sys_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
)

// TestErrorsAreSortedIntoKinds: each kind is known when it is bare, and when it is wrapped.
func TestErrorsAreSortedIntoKinds(t *testing.T) {
	const (
		none = iota
		exhausted
		badDescriptor
	)
	kinds := map[syscall.Errno]int{
		syscall.EMFILE: exhausted, syscall.ENFILE: exhausted, syscall.ENOBUFS: exhausted,
		syscall.ENOMEM: exhausted, syscall.EBADF: badDescriptor, syscall.ECONNRESET: none,
		syscall.EINVAL: none, syscall.EAGAIN: none, syscall.EACCES: none,
	}
	for errno, kind := range kinds {
		for _, err := range []error{
			errno, os.NewSyscallError("accept", errno), fmt.Errorf("while: %w", errno),
		} {
			if got := sys.Exhausted(err); got != (kind == exhausted) {
				t.Errorf("Exhausted(%v) is %v", err, got)
			}
			if got := sys.BadDescriptor(err); got != (kind == badDescriptor) {
				t.Errorf("BadDescriptor(%v) is %v", err, got)
			}
		}
	}
	for _, err := range []error{nil, io.EOF, errors.New("else")} {
		if sys.Exhausted(err) || sys.BadDescriptor(err) || sys.WouldBlock(err) {
			t.Errorf("%v is of a kind", err)
		}
	}
	if !sys.WouldBlock(syscall.EAGAIN) || !sys.WouldBlock(syscall.EWOULDBLOCK) {
		t.Error("EAGAIN is not WouldBlock")
	}
}
