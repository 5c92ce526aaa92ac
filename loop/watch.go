package loop

import (
	"errors"
	"fmt"

	"github.com/kettle-go/kettle/selectors"
)

// watch is what is to be called for one descriptor.
type watch struct {
	fd          int
	read, write Runner
}

// events returns what the descriptor is watched for.
func (w *watch) events() selectors.Events {
	var events selectors.Events
	if w.read != nil {
		events |= selectors.Read
	}
	if w.write != nil {
		events |= selectors.Write
	}
	return events
}

// table has the watched descriptors, by number.
type table struct {
	watches []*watch
	count   int
	batch   []readiness // what is ready, where it is shuffled
}

// readiness is an event of a batch that is shuffled.
type readiness struct {
	watch  *watch
	events selectors.Events
}

// OnReadable has f called in every turn in which fd is ready to be read, in place of what was to
// be called for that before. The descriptor stays its owner's, who has to call StopReading before
// closing it. The errors are those of selectors.Selector.Register. Loop only.
func (l *Loop) OnReadable(fd int, f func()) error { return l.Watch(fd, selectors.Read, Func(f)) }

// OnWritable is OnReadable for writing.
func (l *Loop) OnWritable(fd int, f func()) error { return l.Watch(fd, selectors.Write, Func(f)) }

// StopReading ends what OnReadable has begun, and reports whether it had. What is ready at present
// is not delivered any more. Loop only.
func (l *Loop) StopReading(fd int) bool { return l.unwatch(fd, selectors.Read) }

// StopWriting is StopReading for writing.
func (l *Loop) StopWriting(fd int) bool { return l.unwatch(fd, selectors.Write) }

// Watch has r run for each of the events that fd is ready for, one of them or both; OnReadable and
// OnWritable are it for functions. A descriptor that was watched for the other event already is, if
// there is an error, not watched at all any more. Loop only.
func (l *Loop) Watch(fd int, events selectors.Events, r Runner) error {
	var err error
	switch {
	case l.closed:
		err = ErrClosed
	case r == nil:
		err = errors.New("there is nothing to run")
	case events == 0 || events&^(selectors.Read|selectors.Write) != 0:
		err = fmt.Errorf("%w, not %v", selectors.ErrInvalidEvents, events)
	}
	if err != nil {
		return fmt.Errorf("loop: watch descriptor %d: %w", fd, err)
	}
	w := l.watched.get(fd)
	if w == nil {
		w = &watch{fd: fd}
	}
	old := w.events()
	changed := *w
	if events&selectors.Read != 0 {
		changed.read = r
	}
	if events&selectors.Write != 0 {
		changed.write = r
	}
	switch now := changed.events(); {
	case old == 0:
		if _, err = l.selector.Register(fd, now, w); err == nil {
			l.watched.put(w)
		}
	case old != now:
		if _, err = l.selector.Modify(fd, now, w); err != nil {
			l.watched.remove(w) // as the selector did
		}
	}
	if err != nil {
		return fmt.Errorf("loop: %w", err)
	}
	*w = changed
	return nil
}

// unwatch takes away what is called for an event.
func (l *Loop) unwatch(fd int, event selectors.Events) bool {
	w := l.watched.get(fd)
	if w == nil || w.events()&event == 0 {
		return false
	}
	if event == selectors.Read {
		w.read = nil
	} else {
		w.write = nil
	}
	if left := w.events(); left == 0 {
		l.watched.remove(w)
		_, _ = l.selector.Unregister(fd) // it is registered; the descriptor may be gone
	} else if _, err := l.selector.Modify(fd, left, w); err != nil {
		l.watched.remove(w)
		l.incident("stop watching", errors.Join(err,
			fmt.Errorf("descriptor %d is not watched for %v any more either", fd, left)), nil)
	}
	return true
}

// Unwatch ends all that Watch has begun for fd, and reports whether it had. What is ready at
// present is not delivered any more. Loop only.
func (l *Loop) Unwatch(fd int) bool {
	w := l.watched.get(fd)
	if w == nil {
		return false
	}
	l.watched.remove(w)
	_, _ = l.selector.Unregister(fd) // it is registered; the descriptor may be gone
	return true
}

// handleEvents is the third phase. A descriptor that is no longer watched when its turn comes is
// passed over: by the selector, and here for the second of two events.
func (l *Loop) handleEvents() {
	if l.watched.count == 0 {
		return
	}
	if l.config.Order != nil {
		l.handleShuffled()
		return
	}
	for key, events := range l.selector.Ready() {
		l.counters.events++
		l.handle(key.Data.(*watch), events)
	}
}

// handle runs what is called for a descriptor. If the first of two panics, the second has to wait
// for the next turn: the descriptor is still ready for it.
func (l *Loop) handle(w *watch, events selectors.Events) {
	if r := w.read; r != nil && events&selectors.Read != 0 {
		r.Run()
	}
	if r := w.write; r != nil && events&selectors.Write != 0 {
		r.Run()
	}
}

// handleShuffled is handleEvents in another order.
func (l *Loop) handleShuffled() {
	t := &l.watched
	if len(t.batch) == 0 {
		for key, events := range l.selector.Ready() {
			t.batch = append(t.batch, readiness{key.Data.(*watch), events})
		}
		l.config.Order.Shuffle(len(t.batch), func(i, j int) {
			t.batch[i], t.batch[j] = t.batch[j], t.batch[i]
		})
	}
	for len(t.batch) > 0 {
		r := t.batch[0]
		t.batch = t.batch[1:]
		if t.get(r.watch.fd) == r.watch {
			l.counters.events++
			l.handle(r.watch, r.events)
		}
	}
	t.batch = nil
}

func (t *table) get(fd int) *watch {
	if fd < 0 || fd >= len(t.watches) {
		return nil
	}
	return t.watches[fd]
}

func (t *table) put(w *watch) {
	for w.fd >= len(t.watches) {
		t.watches = append(t.watches, make([]*watch, max(64, len(t.watches)))...)
	}
	t.watches[w.fd] = w
	t.count++
}

func (t *table) remove(w *watch) {
	t.watches[w.fd] = nil
	w.read, w.write = nil, nil
	t.count--
}
