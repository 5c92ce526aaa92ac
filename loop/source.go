package loop

import "github.com/kettle-go/kettle/selectors"

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

// runSources begins the third phase. What panics is run again, and goes on.
func (l *Loop) runSources() {
	for _, r := range l.sources {
		r.Run()
	}
}
