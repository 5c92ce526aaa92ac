package transport

import (
	"slices"
	"sync"
)

// Limit is how many connections there may be at once, of all listeners that have it, on whatever
// loops. A nil Limit is none. It may be used from any goroutine.
type Limit struct {
	mu      sync.Mutex
	max     int
	n       int
	waiting []*Listener // for a place, who has waited longest first
}

// NewLimit returns a limit of n connections.
func NewLimit(n int) *Limit { return &Limit{max: n} }

// Open returns how many connections there are.
func (m *Limit) Open() int {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.n
}

// acquire takes a place. If there is none, and ln waits for one, it is told when there is.
func (m *Limit) acquire(ln *Listener, waits bool) bool {
	if m == nil {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n < m.max {
		m.n++
		return true
	}
	if waits && !slices.Contains(m.waiting, ln) {
		m.waiting = append(m.waiting, ln)
	}
	return false
}

// release gives a place back, and has the listener accept that has waited longest for one.
func (m *Limit) release() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n--
	m.tell()
}

// pass has another listener accept in place of one that was told of a place and has no use for it.
func (m *Limit) pass() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell()
}

// leave is called when ln does not wait for a place any more. Perhaps it was just told of one.
func (m *Limit) leave(ln *Listener) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = slices.DeleteFunc(m.waiting, func(w *Listener) bool { return w == ln })
	m.tell()
}

// tell tells the listener that has waited longest, if there is a place. So for each place that is
// free, while others wait, there is a listener that was told of it, and will take it or pass it on.
func (m *Limit) tell() {
	for m.n < m.max && len(m.waiting) > 0 {
		ln := m.waiting[0]
		m.waiting = slices.Delete(m.waiting, 0, 1)
		if ln.station.loop.Post(ln.roomy) == nil {
			return
		}
		// Its loop is closed, and accepts nobody: the next one.
	}
}
