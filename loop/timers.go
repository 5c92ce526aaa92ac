package loop

import (
	"math"
	"time"
)

// Timer runs something at a time. The zero Timer must be given its loop and what it runs with
// Init; After and At return one that is set. Its methods are loop only.
type Timer struct {
	loop   *Loop
	runner Runner
	when   time.Duration // of the loop's clock
	seq    uint64        // the order among equals
	place  int32         // in the heap, from 1; in due, from -1 downwards; 0 is not set
}

// Init gives a Timer that is part of something larger its loop and what to run. It is not set.
func (t *Timer) Init(l *Loop, r Runner) { t.loop, t.runner = l, r }

// After returns a timer that runs f when d has passed. Loop only.
func (l *Loop) After(d time.Duration, f func()) *Timer {
	t := &Timer{loop: l, runner: Func(f)}
	t.Reset(d)
	return t
}

// At returns a timer that runs f at a time of the loop's clock. Loop only.
func (l *Loop) At(when time.Duration, f func()) *Timer {
	t := &Timer{loop: l, runner: Func(f)}
	t.ResetAt(when)
	return t
}

// Reset sets the timer to run when d has passed from now, whether it is set or not. A negative d
// is in the past: it runs in the next turn, before those of later times.
func (t *Timer) Reset(d time.Duration) {
	now := t.loop.clock.Now()
	if d > math.MaxInt64-now {
		d = math.MaxInt64 - now
	}
	t.ResetAt(now + d)
}

// ResetAt sets the timer to run at a time of the loop's clock. To set one that is set to a later
// time, as deadlines that are extended are, costs nothing: it is put in its place when its former
// time comes.
func (t *Timer) ResetAt(when time.Duration) {
	h := &t.loop.timers
	h.last++
	t.when, t.seq = when, h.last
	if t.place < 0 {
		h.takeBack(t)
	}
	if t.place == 0 {
		h.push(t)
		return
	}
	i := int(t.place - 1)
	if when < h.entries[i].when {
		h.entries[i] = entry{when, t.seq, t}
		h.up(i)
	}
}

// Stop unsets the timer, and reports whether it was set: if so, it does not run.
func (t *Timer) Stop() bool {
	switch h := &t.loop.timers; {
	case t.place == 0:
		return false
	case t.place < 0:
		h.takeBack(t)
	default:
		h.remove(int(t.place - 1))
	}
	return true
}

// Set reports whether the timer is set.
func (t *Timer) Set() bool { return t.place != 0 }

// When returns the time of the loop's clock that the timer was last set to.
func (t *Timer) When() time.Duration { return t.when }

// expireTimers is the fourth phase. What has expired is taken out of the heap before any of it
// runs: timers that are set meanwhile, be it to a time in the past, are not in this phase, and
// cannot keep out others.
func (l *Loop) expireTimers() {
	h := &l.timers
	if !h.expiring { // it does not go on after a panic
		if len(h.entries) == 0 {
			return
		}
		h.takeExpired(l.clock.Now())
		h.expiring = true
	}
	for h.at < len(h.due) {
		t := h.due[h.at]
		h.due[h.at] = nil
		h.at++
		if t != nil {
			t.place = 0
			h.left--
			t.runner.Run()
		}
	}
	h.expiring = false
	if c := cap(h.due); c > fewTimers && len(h.due) < c/8 { // a burst is over
		h.due = nil
	}
	h.at, h.due = 0, h.due[:0]
}

// timers is a heap with four children to a node, the next to expire at its root: half as deep as
// one with two, and the children lie side by side in memory (LaMarca and Ladner, The Influence of
// Caches on the Performance of Heaps, 1996). Each timer knows its place, so that one can be taken
// out of the middle, and nothing is left of it.
//
// An entry may have an earlier time than its timer, as the timer was extended since. That is found
// out when the entry comes to the root.
//
//	            ResetAt                 the fourth phase begins
//	(not set) ──────────▶ in the heap ───────────────────────────▶ in due
//	    ▲                    │   ▲                                 │   │
//	    ├────── Stop ────────┘   └──────────── ResetAt ────────────┘   │
//	    └────────────────── Stop, or its turn: it runs ────────────────┘
type timers struct {
	entries []entry
	last    uint64 // the seq of the timer set last

	due      []*Timer // of the fourth phase, in order; nil where one was taken back
	at       int      // the first of due that has not run
	left     int      // how many have not
	expiring bool     // the fourth phase is under way
}

// entry has what the order is made of beside the timer: to follow the pointer for each comparison
// would cost a cache miss.
type entry struct {
	when  time.Duration
	seq   uint64
	timer *Timer
}

func (e entry) before(other entry) bool {
	return e.when < other.when || e.when == other.when && e.seq < other.seq
}

func (h *timers) len() int { return len(h.entries) + h.left }

// next returns when the next timer expires.
func (h *timers) next() (when time.Duration, ok bool) {
	for len(h.entries) > 0 {
		root := &h.entries[0]
		if t := root.timer; root.seq != t.seq { // extended since
			*root = entry{t.when, t.seq, t}
			h.down(0)
			continue
		}
		return root.when, true
	}
	return 0, false
}

// fewTimers is for how many timers the room is never given back.
const fewTimers = 4096

// takeExpired moves what has expired to due.
func (h *timers) takeExpired(now time.Duration) {
	for {
		when, ok := h.next()
		if !ok || when > now {
			return
		}
		t := h.entries[0].timer
		h.remove(0)
		h.due = append(h.due, t)
		t.place = -int32(len(h.due))
		h.left++
	}
}

// takeBack takes a timer out of due.
func (h *timers) takeBack(t *Timer) {
	h.due[-t.place-1] = nil
	t.place = 0
	h.left--
}

func (h *timers) push(t *Timer) {
	h.entries = append(h.entries, entry{t.when, t.seq, t})
	t.place = int32(len(h.entries))
	h.up(len(h.entries) - 1)
}

func (h *timers) remove(i int) {
	last := len(h.entries) - 1
	h.entries[i].timer.place = 0
	moved := h.entries[last]
	h.entries[last] = entry{}
	h.entries = h.entries[:last]
	if i < last {
		h.place(i, moved)
		h.down(i)
		h.up(i)
	}
	if c := cap(h.entries); c > fewTimers && last < c/4 { // a burst is over
		h.entries = append(make([]entry, 0, c/2), h.entries...)
	}
}

func (h *timers) place(i int, e entry) {
	h.entries[i] = e
	e.timer.place = int32(i + 1)
}

func (h *timers) up(i int) {
	e := h.entries[i]
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(h.entries[parent]) {
			break
		}
		h.place(i, h.entries[parent])
		i = parent
	}
	h.place(i, e)
}

func (h *timers) down(i int) {
	e := h.entries[i]
	for {
		first := 4*i + 1
		least := first
		if first >= len(h.entries) {
			break
		}
		for child := first + 1; child < min(first+4, len(h.entries)); child++ {
			if h.entries[child].before(h.entries[least]) {
				least = child
			}
		}
		if !h.entries[least].before(e) {
			break
		}
		h.place(i, h.entries[least])
		i = least
	}
	h.place(i, e)
}

func (h *timers) clear() {
	for _, e := range h.entries {
		e.timer.place = 0
	}
	for _, t := range h.due {
		if t != nil {
			t.place = 0
		}
	}
	*h = timers{}
}
