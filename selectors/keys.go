package selectors

import (
	"fmt"
	"iter"
	"reflect"
	"syscall"
)

// Key returns the key of file; ErrNotRegistered if it has none, ErrClosed after Close.
func (s *Selector) Key(file any) (Key, error) {
	sl, fd, err := s.find(file)
	if err != nil {
		return Key{}, fmt.Errorf("key: %w", err)
	}
	return sl.key(fd), nil
}

// Keys goes through the registrations, in the order of their descriptors. It looks at the
// table as it is, so what is registered or unregistered meanwhile counts.
func (s *Selector) Keys() iter.Seq2[int, Key] {
	return func(yield func(int, Key) bool) {
		for fd, sl := range s.slots.All {
			if sl.used && !yield(fd, sl.key(fd)) {
				return
			}
		}
	}
}

// Len returns how many descriptors are registered; 0 after Close.
func (s *Selector) Len() int { return s.count }

// Name returns the name that the selector was opened by, such as "epoll".
func (s *Selector) Name() string { return s.name }

// FD returns the selector's own descriptor, if its mechanism has one that is readable when
// something registered is ready: epoll and kqueue do; poll and select do not, nor does io_uring,
// whose ring the kernel only works for when a Select has asked it to.
func (s *Selector) FD() (int, bool) {
	if b, ok := s.backend.(interface{ fd() int }); ok && !s.closed {
		return b.fd(), true
	}
	return -1, false
}

// check returns the descriptor of file if both are fit to be registered.
func (s *Selector) check(file any, events Events) (int, error) {
	if s.closed {
		return -1, ErrClosed
	}
	if !valid(events) {
		return -1, fmt.Errorf("%w, not %s", ErrInvalidEvents, events)
	}
	return descriptor(file)
}

func valid(events Events) bool {
	return events != 0 && events&^(Read|Write) == 0
}

// find returns the registration of file, and its descriptor. A file that cannot tell its
// descriptor any more, because it has been closed, is looked for by identity.
func (s *Selector) find(file any) (*slot, int, error) {
	if s.closed {
		return nil, -1, ErrClosed
	}
	fd, err := descriptor(file)
	if err != nil {
		if fd = s.findClosed(file); fd < 0 {
			return nil, -1, fmt.Errorf("%w: %w", ErrNotRegistered, err)
		}
	}
	sl := s.slots.At(fd)
	if sl == nil || !sl.used {
		return nil, -1, fmt.Errorf("descriptor %d: %w", fd, ErrNotRegistered)
	}
	return sl, fd, nil
}

func (s *Selector) findClosed(file any) int {
	if !reflect.ValueOf(file).Comparable() {
		return -1
	}
	for fd, key := range s.Keys() {
		if reflect.ValueOf(key.File).Comparable() && key.File == file {
			return fd
		}
	}
	return -1
}

// descriptor returns the number of what can be registered.
func descriptor(file any) (int, error) {
	fd := -1
	switch f := file.(type) {
	case int:
		fd = f
	case interface{ FD() int }:
		fd = f.FD()
	case syscall.Conn:
		var err error
		if fd, err = connDescriptor(f); err != nil {
			return -1, fmt.Errorf("%T: %w: %w", file, ErrInvalidFD, err)
		}
	default:
		return -1, fmt.Errorf("%T: %w", file, ErrInvalidFD)
	}
	if fd < 0 || fd > maxFD {
		return -1, fmt.Errorf("%d: %w", fd, ErrInvalidFD)
	}
	return fd, nil
}

// connDescriptor does not use the Fd method of an *os.File: that makes the descriptor
// blocking again. It stands apart, as its closure is an allocation.
func connDescriptor(conn syscall.Conn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return -1, err
	}
	fd := -1
	err = raw.Control(func(n uintptr) { fd = int(n) })
	return fd, err
}

// maxFD is the highest number a descriptor can have on the systems that we know: Linux's
// ceiling for fs.nr_open is below 2^30. It keeps a wrong number from growing the table.
const maxFD = 1<<30 - 1
