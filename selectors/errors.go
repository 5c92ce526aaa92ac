package selectors

import (
	"net"
	"os"
)

// The errors of a Selector. Each one also matches, by errors.Is, the standard error that
// comes closest. What the kernel refuses is an *os.SyscallError.
var (
	ErrInvalidEvents = sentinel{"events must be Read, Write or both", os.ErrInvalid}
	ErrInvalidFD     = sentinel{"not a descriptor", os.ErrInvalid}
	ErrTooLarge      = sentinel{"select watches descriptors below 1024 only", os.ErrInvalid}
	ErrRegistered    = sentinel{"already registered", os.ErrExist}
	ErrNotRegistered = sentinel{"not registered", os.ErrNotExist}
	ErrClosed        = sentinel{"selector is closed", net.ErrClosed}
	ErrDispatching   = sentinel{"selector is in Dispatch", os.ErrInvalid}
	ErrUnknown       = sentinel{"no such selector on this system", os.ErrNotExist}
)

// sentinel is an error of this package and the standard one that it stands for.
type sentinel struct {
	text     string
	standard error
}

func (s sentinel) Error() string { return s.text }
func (s sentinel) Unwrap() error { return s.standard }
