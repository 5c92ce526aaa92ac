package selectors

import (
	"errors"
	"fmt"
	"strings"
)

// candidate is a mechanism that can exist on this system.
type candidate struct {
	name string
	open func() (backend, error)
}

// Candidates returns the names of the selectors that can exist on this system, the best
// first. Whether one works here is known by opening it.
func Candidates() []string {
	var names []string
	for _, c := range candidates() {
		names = append(names, c.name)
	}
	return names
}

// Open returns the selector of that name: "epoll", "io_uring", "poll",
// "select" or "kqueue". A name
// that this system does not have is ErrUnknown.
func Open(name string) (*Selector, error) {
	for _, c := range candidates() {
		if c.name == name {
			return open(c)
		}
	}
	return nil, fmt.Errorf("open selector %q: %w: there is %s", name, ErrUnknown,
		strings.Join(Candidates(), ", "))
}

// Default returns the best selector that works here, which is found out by opening it: a
// sandbox may forbid a mechanism that the system has.
func Default() (*Selector, error) { return firstThatWorks(candidates()) }

func firstThatWorks(list []candidate) (*Selector, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("open the default selector: %w", ErrUnknown)
	}
	var err error
	for _, c := range list {
		sel, openErr := open(c)
		if openErr == nil {
			return sel, nil
		}
		err = errors.Join(err, openErr)
	}
	return nil, fmt.Errorf("open the default selector: %w", err)
}

func open(c candidate) (*Selector, error) {
	b, err := c.open()
	if err != nil {
		return nil, fmt.Errorf("open selector %s: %w", c.name, err)
	}
	s := &Selector{name: c.name, backend: b}
	if r, ok := b.(*ring); ok {
		s.shared = &r.shared
	}
	return s, nil
}
