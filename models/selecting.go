package models

import (
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// What the models on a selector share.

// openSelector returns the selector that the configuration names.
func (s *server) openSelector() (*selectors.Selector, error) {
	if s.Backend == "" || s.Backend == "auto" {
		return selectors.Default()
	}
	return selectors.Open(s.Backend)
}

// watchListener registers the listener, or takes it out, as accepting has become possible or
// impossible.
func (l *eventLoop) watchListener(accept callback) (err error) {
	if accepting := l.accepting(); accepting != l.listening {
		l.listening = accepting
		if accepting {
			_, err = l.sel.Register(l.listener, selectors.Read, accept)
		} else {
			_, err = l.sel.Unregister(l.listener)
		}
	}
	return err
}

// timeout is untilNext as the selector wants it.
func (l *eventLoop) timeout() time.Duration {
	if d := l.untilNext(); d >= 0 {
		return d
	}
	return selectors.Forever
}
