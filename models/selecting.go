package models

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

// What the models on a selector share.

// eventLoop is a single with its selector. Descriptors are registered with a callback, or with
// what the model resumes.
type eventLoop struct {
	*single
	sel        *selectors.Selector
	listening  bool // the listener is registered
	stopWaking func()
}

// callback is called when its descriptor is ready.
type callback func()

// newEventLoop opens the selector that the configuration names, and says that the server
// serves. If it cannot, it frees l.
func (l *single) newEventLoop() (*eventLoop, error) {
	open := selectors.Default
	if l.Backend != "" && l.Backend != "auto" {
		open = func() (*selectors.Selector, error) { return selectors.Open(l.Backend) }
	}
	sel, err := open()
	if err != nil {
		l.finish()
		return nil, err
	}
	if sel.Name() == "select" {
		l.ceiling = sys.FDSetSize
	}
	loop := &eventLoop{single: l, sel: sel, stopWaking: l.onDrain(sel.Wake)}
	if err := l.announce(l.listener); err != nil {
		loop.close()
		return nil, err
	}
	return loop, nil
}

// close frees the loop with all that it has.
func (l *eventLoop) close() {
	l.stopWaking()
	l.sel.Close()
	l.finish()
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

// events returns what a selector has to watch for.
func (w want) events() selectors.Events {
	switch w {
	case wantRead:
		return selectors.Read
	case wantWrite:
		return selectors.Write
	}
	return 0
}
