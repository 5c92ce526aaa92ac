//go:build unix

package selectortest

import (
	"maps"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

func modelChecks() []check {
	return []check{{"RandomScripts", randomScripts}}
}

// randomScripts runs random operations on a selector and on a model that knows in principle
// what must be ready, and compares them after each Select. A failing script is made as
// short as possible, and printed.
func randomScripts(f *fixture) {
	f.scripts(func(t *rapid.T, m *model) { t.Repeat(m.actions()) })
}

// scripts has run called for many scripts, each with a selector and a model of its own.
func (f *fixture) scripts(run func(t *rapid.T, m *model)) {
	rapid.Check(f.T, func(t *rapid.T) {
		sel, err := f.open()
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		defer sel.Close()
		m := newModel(t, sel)
		defer m.close()
		run(t, m)
	})
}

func newModel(t *rapid.T, sel *selectors.Selector) *model {
	m := &model{sel: sel}
	for range 4 {
		mine, peer := newPair(t)
		m.open = append(m.open, &watched{mine: mine, peer: peer})
	}
	return m
}

func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"register":   m.register,
		"modify":     m.modify,
		"unregister": m.unregister,
		"send":       m.send,
		"receive":    m.receive,
		"fill":       m.fill,
		"drain":      m.drain,
		"half-close": m.halfClose,
		"hang up":    m.hangUp,
		"replace":    m.replace,
		"wake":       m.wake,
		"select":     m.selectAll,
		"":           m.compareTable,
	}
}

// watched is one connection, and all that the model knows of it.
type watched struct {
	mine, peer *end
	events     selectors.Events // that it is registered for; 0 if it is not
	data       int
	unread     int  // bytes that were sent to it
	short      bool // since it was reported, a receive has got less than it had room for
	full       bool // it has sent as much as the kernel takes
	ended      bool // the peer will send nothing more
	gone       bool // the peer has closed
}

// ready says what Select must report.
func (w *watched) ready() selectors.Events {
	var ready selectors.Events
	if w.unread > 0 || w.ended || w.gone {
		ready |= selectors.Read
	}
	if !w.full || w.gone {
		ready |= selectors.Write
	}
	return ready & w.events
}

type model struct {
	sel   *selectors.Selector
	open  []*watched
	tags  int // the data of registrations, all different
	woken bool
	reads bool // mostly
}

func (m *model) close() {
	for _, w := range m.open {
		w.mine.close()
		w.peer.close()
	}
}

// any draws a connection.
func (m *model) any(t *rapid.T) *watched {
	return rapid.SampledFrom(m.open).Draw(t, "connection")
}

// living draws a connection whose peer has not closed, and gives up if there is none.
func (m *model) living(t *rapid.T) *watched {
	w := m.any(t)
	if w.gone {
		t.Skip("the peer has closed")
	}
	return w
}

// drawEvents draws what to watch a connection for; where most of it is reading, now and then there
// is nothing ready.
func (m *model) drawEvents(t *rapid.T) selectors.Events {
	if m.reads && rapid.IntRange(0, 7).Draw(t, "write") > 0 {
		return selectors.Read
	}
	return rapid.SampledFrom([]selectors.Events{selectors.Read, selectors.Write, both}).
		Draw(t, "events")
}

func (m *model) register(t *rapid.T) {
	w, events := m.any(t), m.drawEvents(t)
	m.tags++
	_, err := m.sel.Register(w.mine, events, m.tags)
	if (err == nil) != (w.events == 0) {
		t.Fatalf("register: %v, registered for %v", err, w.events)
	}
	if err == nil {
		w.events, w.data = events, m.tags
	}
}

func (m *model) modify(t *rapid.T) {
	w, events := m.any(t), m.drawEvents(t)
	m.tags++
	_, err := m.sel.Modify(w.mine.fd, events, m.tags)
	if (err == nil) != (w.events != 0) {
		t.Fatalf("modify: %v, registered for %v", err, w.events)
	}
	if err == nil {
		w.events, w.data = events, m.tags
	}
}

func (m *model) unregister(t *rapid.T) {
	w := m.any(t)
	key, err := m.sel.Unregister(w.mine)
	if (err == nil) != (w.events != 0) || err == nil && key.Data != w.data {
		t.Fatalf("unregister: %+v, %v, registered for %v", key, err, w.events)
	}
	w.events = 0
}

func (m *model) send(t *rapid.T) {
	w := m.living(t)
	if w.ended {
		t.Skip("the peer has half-closed")
	}
	if n, err := sys.TrySend(w.peer.fd, []byte("12345")); err == nil {
		w.unread += n
	}
}

func (m *model) receive(t *rapid.T) {
	w := m.any(t)
	buf := make([]byte, rapid.IntRange(1, 8).Draw(t, "size"))
	n, err := sys.TryRecv(w.mine.fd, buf)
	if err == nil {
		w.unread -= n
	}
	w.short = n < len(buf)
}

func (m *model) fill(t *rapid.T) {
	w := m.living(t)
	w.mine.fill()
	w.full = true
}

func (m *model) drain(t *rapid.T) {
	w := m.living(t)
	w.peer.drain()
	w.full = false
}

func (m *model) halfClose(t *rapid.T) {
	w := m.living(t)
	if err := sys.Shutdown(w.peer.fd, sys.ShutdownWrite); err != nil {
		t.Fatalf("%v", err)
	}
	w.ended = true
}

func (m *model) hangUp(t *rapid.T) {
	w := m.any(t)
	w.peer.close()
	w.gone = true
}

// replace closes a connection, unregisters it before or after, and opens another, which
// commonly gets its number.
func (m *model) replace(t *rapid.T) {
	w := m.any(t)
	after := rapid.Bool().Draw(t, "unregister after close")
	if w.events != 0 && !after {
		m.drop(t, w)
	}
	fd := w.mine.fd
	w.mine.close()
	w.peer.close()
	if w.events != 0 {
		w.mine.fd = fd // unregistered by its number: the socket itself is closed
		m.drop(t, w)
	}
	w.mine, w.peer = newPair(t)
	w.unread, w.short, w.full, w.ended, w.gone = 0, false, false, false, false
}

func (m *model) drop(t *rapid.T, w *watched) {
	if _, err := m.sel.Unregister(w.mine.fd); err != nil {
		t.Fatalf("unregister: %v", err)
	}
	w.events = 0
}

func (m *model) wake(t *rapid.T) {
	if err := m.sel.Wake(); err != nil {
		t.Fatalf("%v", err)
	}
	m.woken = true
}

// selectAll compares what is ready with what must be. Where something must be, or a wake-up
// is due, the Select does not need a time-out.
func (m *model) selectAll(t *rapid.T) {
	want := m.want()
	timeout := duration(0)
	if len(want) > 0 || m.woken {
		timeout = selectors.Forever
	}
	n, err := m.sel.Select(timeout)
	if err != nil {
		t.Fatalf("select: %v", err)
	}
	m.woken = false
	if got := collect(t, m.sel, n); !maps.Equal(got, want) {
		t.Fatalf("ready: %v, want %v", got, want)
	}
}

// want returns what must be ready.
func (m *model) want() map[int]selectors.Events {
	want := map[int]selectors.Events{}
	for _, w := range m.open {
		if ready := w.ready(); ready != 0 {
			want[w.mine.fd] = ready
		}
	}
	return want
}

func (m *model) compareTable(t *rapid.T) {
	count := 0
	for _, w := range m.open {
		key, err := m.sel.Key(w.mine)
		if (err == nil) != (w.events != 0) {
			t.Fatalf("key: %v, registered for %v", err, w.events)
		}
		if err == nil {
			count++
			if key.Events != w.events || key.Data != w.data {
				t.Fatalf("the key is %+v, want %v and %d", key, w.events, w.data)
			}
		}
	}
	if m.sel.Len() != count {
		t.Fatalf("Len is %d, want %d", m.sel.Len(), count)
	}
}
