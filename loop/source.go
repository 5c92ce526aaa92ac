package loop

import (
	"math/rand/v2"

	"github.com/kettle-go/kettle/selectors"
)

// Source has r run at the beginning of each third phase: it hands on what its own way of waiting
// has found, as the loop does for descriptors. It must end the wait by itself; see
// selectors.Completions. Loop only.
func (l *Loop) Source(r Runner) { l.sources = append(l.sources, r) }

// Watching tells the loop of descriptors that a Source watches: that there are more of them (1) or
// less (-1). While there are any the loop may wait for them. Loop only.
func (l *Loop) Watching(change int) { l.watched.count += change }

// Completions returns the ring that the loop waits on, nil if its selector has none. Loop only.
func (l *Loop) Completions() *selectors.Completions {
	if s, ok := l.selector.(interface{ Completions() *selectors.Completions }); ok {
		return s.Completions()
	}
	return nil
}

// arriving reports whether something that has happened is still on its way to the ring, which takes
// microseconds: a clock must not jump over that.
func (l *Loop) arriving(tries int) bool {
	ring := l.Completions()
	return ring != nil && tries < 100 && ring.Arriving()
}

// Order returns the Order of the Config, for a Source that has several things to run at once; nil
// keeps them in order. Loop only.
func (l *Loop) Order() *rand.Rand { return l.config.Order }

// runSources begins the third phase. What panics is run again, and goes on.
func (l *Loop) runSources() {
	for _, r := range l.sources {
		r.Run()
	}
}
