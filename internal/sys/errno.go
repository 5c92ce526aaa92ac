package sys

import (
	"errors"
	"syscall"
)

// WouldBlock reports whether err says that a non-blocking call has nothing to do now.
func WouldBlock(err error) bool {
	errno, ok := err.(syscall.Errno)
	return ok && (errno == syscall.EAGAIN || errno == syscall.EWOULDBLOCK)
}

// Exhausted reports whether err says that the process or the system has run out of
// descriptors or memory for sockets: accepting must wait until some are free again.
func Exhausted(err error) bool {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return false
	}
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM:
		return true
	}
	return false
}

// skipAccept reports whether an error of accept(2) concerns a connection that died before it
// was accepted, so that the next one is to be tried at once (accept(2), "Error handling").
func skipAccept(errno error) bool {
	switch errno {
	case syscall.EINTR, syscall.ECONNABORTED, syscall.ENETDOWN, syscall.EPROTO,
		syscall.ENOPROTOOPT, syscall.EHOSTDOWN, syscall.EHOSTUNREACH, syscall.ENETUNREACH:
		return true
	}
	return false
}

// BadDescriptor reports whether err says that a descriptor is not open.
func BadDescriptor(err error) bool { return errors.Is(err, syscall.EBADF) }
