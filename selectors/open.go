package selectors

import (
	"errors"
	"fmt"
	"strings"

	"github.com/kettle-go/kettle/internal/uring"
)

// candidate is a mechanism that can exist on this system.
type candidate struct {
	name string
	open func() (backend, error)
}

// onRequest is the name of the selector that nobody gets who has not asked for it: it is the best
// where there are many messages, not where there are few.
const onRequest = "io_uring"

// Candidates returns the names of the selectors that can exist on this system, the best first, and
// last what only who asks for it gets, io_uring. Whether one works here is known by opening it.
func Candidates() []string { return names(candidates()) }

func names(list []candidate) []string {
	var names []string
	for _, c := range list {
		names = append(names, c.name)
	}
	return names
}

// Open returns the selector of that name: "epoll", "poll", "select", "kqueue" or "io_uring". A name
// that this system does not have is ErrUnknown. Whether there can be an io_uring is up to the
// kernel, its version, and what a container allows: see Prefer.
func Open(name string) (*Selector, error) { return openNamed(name, candidates()) }

func openNamed(name string, list []candidate) (*Selector, error) {
	for _, c := range list {
		if c.name == name {
			return open(c)
		}
	}
	return nil, fmt.Errorf("open selector %q: %w: there is %s", name, ErrUnknown,
		strings.Join(names(list), ", "))
}

// Default returns the best selector that works here, which is found out by opening it: a
// sandbox may forbid a mechanism that the system has. It is never io_uring.
func Default() (*Selector, error) { return firstThatWorks(candidates()) }

func firstThatWorks(list []candidate) (*Selector, error) {
	var failures []error
	for _, c := range list {
		if c.name == onRequest {
			continue
		}
		sel, err := open(c)
		if err == nil {
			return sel, nil
		}
		failures = append(failures, err)
	}
	if len(failures) == 0 {
		failures = append(failures, ErrUnknown)
	}
	return nil, fmt.Errorf("open the default selector: %w", errors.Join(failures...))
}

// Prefer is Open for programs that run where they are put: where there can be no io_uring, because
// the system has none, has an old one, or forbids it, it returns that of Default, whose Instead
// says why. The name "" is that of Default. Other names that there are not, and whatever has only
// run out, are errors as those of Open.
func Prefer(name string) (*Selector, error) { return prefer(name, candidates()) }

func prefer(name string, list []candidate) (*Selector, error) {
	if name == "" {
		return firstThatWorks(list)
	}
	sel, err := openNamed(name, list)
	if err == nil || name != onRequest {
		return sel, err
	}
	if !errors.Is(err, uring.ErrUnsupported) && !errors.Is(err, ErrUnknown) {
		return nil, err
	}
	sel, other := firstThatWorks(list)
	if other != nil {
		return nil, errors.Join(err, other)
	}
	sel.instead = err
	return sel, nil
}

// Instead returns why this is not the selector that Prefer was asked for; nil if it is.
func (s *Selector) Instead() error { return s.instead }

// Lacks returns what this kernel's io_uring lacks, and is done in another way; nil if nothing, or
// on another selector.
func (s *Selector) Lacks() []string {
	if s.shared == nil {
		return nil
	}
	return s.shared.Lacks()
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
