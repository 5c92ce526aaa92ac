package loop

import (
	"errors"
	"fmt"
	"iter"

	"github.com/kettle-go/kettle/internal/pages"
	"github.com/kettle-go/kettle/selectors"
)

// watch is what is to be called for one descriptor.
type watch struct {
	read, write Runner
	seq         uint32 // changes with each registration
	used        bool   // it is registered
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
	watches pages.Table[watch]
	count   int
	batch   []readiness // what is ready, where it is shuffled

	selector *selectors.Selector                        // nil if it is not the library's
	ready    iter.Seq2[selectors.Key, selectors.Events] // made once, as it would be an allocation
	more     bool                                       // for the next turn
	replaced bool                                       // a reader, since the last wait
}

// readiness is an event of a batch that is shuffled.
type readiness struct {
	watch  *watch
	seq    uint32
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
		// The table grows when the descriptor is known to be open: a wrong number may be huge.
		if _, err = l.selector.Register(fd, events, nil); err == nil {
			w = l.watched.put(fd)
		}
	} else if all := w.events() | events; all != w.events() {
		if _, err = l.selector.Modify(fd, all, nil); err != nil {
			l.watched.remove(w) // as the selector did
		}
	}
	if err != nil {
		return fmt.Errorf("loop: %w", err)
	}
	if events&selectors.Read != 0 {
		l.watched.replaced = l.watched.replaced || w.read != nil
		w.read = r
	}
	if events&selectors.Write != 0 {
		w.write = r
	}
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
	} else if _, err := l.selector.Modify(fd, left, nil); err != nil {
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

// maxEvents is how many descriptors are handled in a turn: when thousands become ready at once, as
// when a network comes back, timers and posts have their turn in between.
const maxEvents = 1024

// handleEvents is the third phase. A descriptor that is no longer watched when its turn comes is
// passed over: by the selector, and here for the second of two events.
func (l *Loop) handleEvents() {
	t := &l.watched
	switch {
	case t.count == 0 && !t.more:
	case l.config.Order != nil:
		t.more = false
		l.handleShuffled()
	case t.selector != nil:
		l.handleFound()
	default:
		l.handleReady()
	}
}

// handleFound handles what the library's selector has found. After a panic it goes on with the
// next.
func (l *Loop) handleFound() {
	t := &l.watched
	t.more = false
	for range maxEvents {
		fd, events, ok := t.selector.Take()
		if !ok {
			return
		}
		w := t.get(fd)
		if w == nil {
			continue
		}
		l.counters.events++
		if r := w.read; r != nil && events == selectors.Read { // this is handle, written out
			r.Run()
		} else {
			w.handle(w.seq, events)
		}
	}
	t.more = true
}

// handleReady is handleFound for any selector.
func (l *Loop) handleReady() {
	t := &l.watched
	t.more = false
	left := maxEvents
	for key, events := range t.ready {
		if w := t.get(key.FD); w != nil {
			l.counters.events++
			w.handle(w.seq, events)
		}
		if left--; left == 0 {
			t.more = true
			return
		}
	}
}

// handle runs what is called for a descriptor. The first of two may put an end to the registration,
// and begin another one, which the event is not of. If it panics, the second has to wait for the
// next turn: the descriptor is still ready for it.
func (w *watch) handle(seq uint32, events selectors.Events) {
	if r := w.read; r != nil && events&selectors.Read != 0 {
		r.Run()
	}
	if r := w.write; r != nil && events&selectors.Write != 0 && w.seq == seq {
		r.Run()
	}
}

// handleShuffled is handleEvents in another order.
func (l *Loop) handleShuffled() {
	t := &l.watched
	if len(t.batch) == 0 {
		for key, events := range t.ready {
			if w := t.get(key.FD); w != nil {
				t.batch = append(t.batch, readiness{w, w.seq, events})
			}
		}
		l.config.Order.Shuffle(len(t.batch), func(i, j int) {
			t.batch[i], t.batch[j] = t.batch[j], t.batch[i]
		})
	}
	for len(t.batch) > 0 {
		r := t.batch[0]
		t.batch = t.batch[1:]
		if r.watch.used && r.watch.seq == r.seq {
			l.counters.events++
			r.watch.handle(r.seq, r.events)
		}
	}
	t.batch = nil
}

// get returns the watch of a descriptor, nil if it is not watched.
func (t *table) get(fd int) *watch {
	if fd < 0 {
		return nil
	}
	if w := t.watches.At(fd); w != nil && w.used {
		return w
	}
	return nil
}

func (t *table) put(fd int) *watch {
	w := t.watches.Grow(fd)
	*w = watch{seq: w.seq + 1, used: true}
	t.count++
	return w
}

func (t *table) remove(w *watch) {
	*w = watch{seq: w.seq + 1}
	t.count--
}
