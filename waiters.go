package kettle

// waiters are tasks that wait for the same thing, first in, first out. All primitives stand on it.
//
// Whoever has the thing hands it over: it takes the first waiter out of the queue and gives the
// thing to that one, before anybody else can come by. A waiter that is cancelled leaves the queue
// in the same step. So there is no moment at which a wake-up is under way to somebody who does not
// want it any more, and none can be lost.
//
// It is a ring of those who wait, in which the last one is before the first: a connection has such
// a queue, and most of them are empty.
type waiters struct{ first *fiber }

// wait suspends the task until it is handed what it waits for (nil), or is cancelled. The task has
// been entered.
func (q *waiters) wait(f *fiber, what string) error {
	q.add(f)
	return f.park(what, q)
}

func (q *waiters) add(f *fiber) {
	first := q.first
	if first == nil {
		q.first, f.before, f.behind = f, f, f
		return
	}
	f.before, f.behind = first.before, first
	first.before.behind = f
	first.before = f
}

// handOver wakes the first waiter, with what it has waited for or with an error, and reports
// whether there is one.
func (q *waiters) handOver(outcome error) bool {
	f := q.first
	if f == nil {
		return false
	}
	q.abandon(f)
	f.wake(outcome)
	return true
}

// handOverAll wakes all waiters.
func (q *waiters) handOverAll(outcome error) {
	for q.handOver(outcome) {
	}
}

func (q *waiters) abandon(f *fiber) {
	if f.behind == nil {
		return // it is not in the queue
	}
	if q.first == f {
		q.first = f.behind
	}
	if q.first == f {
		q.first = nil // it was the only one
	}
	f.before.behind, f.behind.before = f.behind, f.before
	f.before, f.behind = nil, nil
}

// len counts them.
func (q *waiters) len() int {
	n := 0
	for f := q.first; f != nil; f = f.behind {
		if n++; f.behind == q.first {
			break
		}
	}
	return n
}

// home is the loop that something belongs to: that of the first task that uses it.
type home struct{ runtime *runtime }

// enter is Task.enter for what belongs to a loop.
func (h *home) enter(t *Task) (*fiber, error) {
	f, err := t.enter()
	if err != nil {
		return nil, err
	}
	return f, h.own(f)
}

func (h *home) own(f *fiber) error {
	if h.runtime == nil {
		h.runtime = f.runtime
	}
	if h.runtime != f.runtime {
		return ErrWrongLoop
	}
	return nil
}

// inside panics unless the loop calls it. It begins what does not suspend, has no Task to tell who
// calls, and would break what it works on if the loop ran at the same time.
func (h *home) inside(what string) {
	if h.runtime != nil && !h.runtime.loop.Inside() {
		panic("kettle: " + what + " from outside of its loop")
	}
}
