package transport

import "sync"

// Limit is how many connections there may be at once, of all listeners that have it, on whatever
// loops. A nil Limit is none. It may be used from any goroutine.
type Limit struct {
	mu      sync.Mutex
	max     int
	n       int
	waiting []*Listener
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
	if waits {
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
	if len(m.waiting) == 0 {
		return
	}
	ln := m.waiting[0]
	m.waiting = m.waiting[1:]
	_ = ln.station.loop.Post(ln.roomy) // a loop that is closed accepts nobody
}
