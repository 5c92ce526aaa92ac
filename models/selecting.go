package models

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

// What the models on a selector share.

// openSelector returns the selector that the configuration names.
func (l *single) openSelector() (*selectors.Selector, error) {
	if l.Backend == "" || l.Backend == "auto" {
		return selectors.Default()
	}
	if l.Backend == "select" {
		l.ceiling = sys.FDSetSize
	}
	return selectors.Open(l.Backend)
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
