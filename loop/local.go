package loop

import (
	"slices"
	"time"
)

// lasts is what the sixth phase runs.
type lasts struct {
	list  []Runner // in the next one
	batch []Runner // in the present one
	at    int      // the first of batch that has not run
}

// Last has r run in the sixth phase of the present turn, or of the next one if the loop does not
// run: what the callbacks of a turn do one by one can be gathered, and done once. What is added in
// that phase is for the next turn, so that nobody can hold the loop in it. Loop only.
func (l *Loop) Last(r Runner) { l.last.list = append(l.last.list, r) }

// left returns how many have not run.
func (t *lasts) left() int { return len(t.list) + len(t.batch) - t.at }

// takeLast makes what was gathered the batch of the sixth phase.
func (l *Loop) takeLast() {
	t := &l.last
	if t.at < len(t.batch) { // after Goexit
		t.list, t.batch = slices.Concat(t.batch[t.at:], t.list), nil
	}
	t.batch, t.list, t.at = t.list, t.batch[:0], 0
}

// runLast is the sixth phase.
func (l *Loop) runLast() {
	t := &l.last
	for t.at < len(t.batch) {
		r := t.batch[t.at]
		t.batch[t.at] = nil
		t.at++
		r.Run()
	}
	if t.batch, t.at = t.batch[:0], 0; cap(t.batch) > 4096 { // a burst is over
		t.batch = nil
	}
}

// Turn returns the number of the present turn, from 1. Loop only.
func (l *Loop) Turn() uint64 { return l.turns }

// Wall returns the time of the day; with a Clock of the Config, as it has gone on since the loop
// was made. It may be called from any goroutine that the Clock may be asked by.
func (l *Loop) Wall() time.Time {
	if l.config.Clock != nil {
		return l.begun.Add(l.clock.Now())
	}
	return time.Now()
}

// local is something that a loop has one of.
type local struct{ key, value any }

// Closer is a Local that has something to free when its loop is closed.
type Closer interface {
	LoopClosed() // is called by Close, before the selector is closed
}

// Local returns what the loop has one of by that key, which is made when it is first asked for: a
// package above has it for what all of its things on a loop share, with a key of a type of its own.
// If it is a Closer it is told of the end. Loop only.
func (l *Loop) Local(key any, make func() any) any {
	i := slices.IndexFunc(l.locals, func(v local) bool { return v.key == key })
	if i < 0 {
		v := make() // may ask for a Local itself
		l.locals = append(l.locals, local{key, v})
		return v
	}
	return l.locals[i].value
}
