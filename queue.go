package kettle

import (
	"errors"
	"fmt"
	"iter"
)

// Queue passes values from tasks to tasks, first in, first out. It holds a bounded number of them:
// whoever puts more waits until somebody gets some, so that those who are fast do not run away from
// those who are slow.
//
// It is fair on both sides: the task that has waited longest is served first, and no newcomer, nor
// TryGet or TryPut, gets in between. No value is lost to a cancellation: Get either returns it or
// leaves it, and a value that Put has failed with is not in the queue.
//
// It belongs to the loop whose task uses it first. Its methods are loop only; other goroutines pass
// values through channels (see Receive) or Submit.
type Queue[T any] struct {
	home     home
	capacity int // 0 in a zero Queue
	items    ring[T]
	closed   bool
	undone   int // values that Done has not been called for
	joining  waiters

	// If somebody waits in getters the queue is empty, and if in putters it is full. Each of them
	// has a slot: what a getter is handed, what a putter has brought.
	getters, putters waiters
	slots            slots[T]
}

// Unbounded is the capacity of a Queue that takes whatever is put: what it holds is bounded by
// memory only, so something else must keep those who put from running away.
const Unbounded = -1

// What Put and Get return after Shutdown.
var (
	errPut = fmt.Errorf("put into a Queue: %w", ErrClosed)
	errGet = fmt.Errorf("get from a Queue: %w", ErrClosed)
)

// NewQueue returns a Queue that holds at most so many values. It panics if capacity is less than 1
// and not Unbounded.
func NewQueue[T any](capacity int) *Queue[T] {
	if capacity < 1 && capacity != Unbounded {
		panic(fmt.Sprintf("kettle: a Queue with capacity %d: at least 1, or Unbounded", capacity))
	}
	return &Queue[T]{capacity: capacity}
}

func (q *Queue[T]) enter(t *Task) (*fiber, error) {
	if q.capacity == 0 {
		return nil, errors.New("kettle: use of a Queue that NewQueue has not made")
	}
	return q.home.enter(t)
}

// Put suspends the task until there is room for v. If the queue is shut down, or is shut down
// meanwhile, the error is ErrClosed. After an error v is not in the queue.
func (q *Queue[T]) Put(t *Task, v T) error {
	f, err := q.enter(t)
	switch {
	case err != nil:
		return err
	case q.closed:
		return errPut
	case q.offer(v):
		f.pass()
		return nil
	}
	f.slot = q.slots.put(v)
	if err := q.putters.wait(f, "Queue.Put"); err != nil {
		q.slots.take(f.slot)
		return err
	}
	return nil // whoever made room has moved it
}

// TryPut puts v into the queue if there is room, and reports whether it did. After Shutdown there
// is none. It does not suspend.
func (q *Queue[T]) TryPut(v T) bool {
	q.home.inside("put into a Queue")
	return !q.closed && q.offer(v)
}

// offer puts v into the queue, or hands it to the first who waits for one, unless the queue is
// full.
func (q *Queue[T]) offer(v T) bool {
	if q.full() {
		return false
	}
	q.undone++
	if getter := q.getters.first; getter != nil {
		getter.slot = q.slots.put(v)
		q.getters.handOver(nil)
		return true
	}
	q.items.push(v)
	return true
}

func (q *Queue[T]) full() bool {
	return q.capacity != Unbounded && q.items.n >= q.capacity
}

// Get suspends the task until there is a value, and takes it. If the queue is shut down and empty,
// the error is ErrClosed.
func (q *Queue[T]) Get(t *Task) (T, error) {
	var none T
	f, err := q.enter(t)
	switch {
	case err != nil:
		return none, err
	case q.items.n > 0:
		v := q.take()
		f.pass()
		return v, nil
	case q.closed:
		return none, errGet
	}
	if err := q.getters.wait(f, "Queue.Get"); err != nil {
		return none, err
	}
	return q.slots.take(f.slot), nil
}

// TryGet takes a value if there is one, and reports whether there was. It does not suspend.
func (q *Queue[T]) TryGet() (v T, ok bool) {
	q.home.inside("get from a Queue")
	if q.items.n == 0 {
		return v, false
	}
	return q.take(), true
}

// take takes the first value, and moves that of the first who waits for room into its place.
func (q *Queue[T]) take() T {
	v := q.items.pop()
	if putter := q.putters.first; putter != nil {
		q.undone++
		q.items.push(q.slots.take(putter.slot))
		q.putters.handOver(nil)
	}
	return v
}

// All returns an iterator that gets value after value, until the queue is shut down and empty. If a
// Get fails for another reason, as the task is cancelled, the last thing it yields is the error.
//
//	for order, err := range orders.All(t) {
//		if err != nil {
//			return err
//		}
//		...
//	}
func (q *Queue[T]) All(t *Task) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			v, err := q.Get(t)
			// A cancellation that some other ErrClosed has caused is not the end of the queue.
			if err == errGet || !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Shutdown ends the putting: those who wait for room, and all who come, get ErrClosed. Get returns
// what is still in the queue, then ErrClosed. If immediate, nothing is: what is in the queue is
// dropped, and counts as done. Later calls can only make it immediate. It does not suspend.
func (q *Queue[T]) Shutdown(immediate bool) {
	q.home.inside("shut down a Queue")
	q.closed = true
	q.putters.handOverAll(errPut)
	q.getters.handOverAll(errGet)
	if immediate {
		q.undone -= q.items.n
		q.items = ring[T]{}
		q.look()
	}
}

// Done says that a value that was taken out of the queue has been dealt with: see Join. To say so
// more often than values were taken out panics. It does not suspend.
func (q *Queue[T]) Done() {
	q.home.inside("Done of a Queue")
	if q.undone == q.items.n {
		panic("kettle: Done of a Queue more often than values were taken out of it")
	}
	q.undone--
	q.look()
}

// Join suspends the task until Done has been called for each value that was put.
func (q *Queue[T]) Join(t *Task) error {
	f, err := q.enter(t)
	switch {
	case err != nil:
		return err
	case q.undone == 0:
		f.pass()
		return nil
	}
	return q.joining.wait(f, "Queue.Join")
}

// look tells those who wait in Join if everything is done.
func (q *Queue[T]) look() {
	if q.undone == 0 {
		q.joining.handOverAll(nil)
	}
}

// Len returns how many values are in the queue.
func (q *Queue[T]) Len() int { return q.items.n }

// Cap returns how many values it may hold, or Unbounded.
func (q *Queue[T]) Cap() int { return q.capacity }
