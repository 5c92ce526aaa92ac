package kettle_test

import (
	"errors"
	"runtime"
	"slices"
	"testing"

	"github.com/kettle-go/kettle"
)

// getter gets one value and keeps it.
type getter struct {
	*actor
	value int
}

func (s stage) get(q *kettle.Queue[int]) *getter {
	g := &getter{value: -1}
	g.actor = s.do(func(t *kettle.Task) (err error) {
		g.value, err = q.Get(t)
		return err
	})
	return g
}

func (s stage) put(q *kettle.Queue[int], v int) *actor {
	return s.do(func(t *kettle.Task) error { return q.Put(t, v) })
}

// wantQueue compares what is in a queue, and what waits for room in it, and empties it.
func (s stage) wantQueue(q *kettle.Queue[int], want ...int) {
	s.t.Helper()
	in := len(want)
	if q.Cap() != kettle.Unbounded {
		in = min(in, q.Cap())
	}
	if q.Len() != in {
		s.t.Errorf("%d values are in the queue, want %d", q.Len(), in)
	}
	var got []int
	for v, ok := q.TryGet(); ok; v, ok = q.TryGet() {
		got = append(got, v)
	}
	if !slices.Equal(got, want) {
		s.t.Errorf("in the queue is %v, want %v", got, want)
	}
}

// TestValuesComeInOrder through a full queue, and each of those who wait gets the one that it has
// waited for, in whatever order they have their turn.
func TestValuesComeInOrder(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](2)
		if q.Cap() != 2 || q.Len() != 0 {
			t.Errorf("a new queue has %d of %d values", q.Len(), q.Cap())
		}
		var getters []*getter
		for range 3 {
			getters = append(getters, s.get(q))
		}
		for i := range 8 { // three are handed over, two fit in, three wait
			s.put(q, i)
		}
		for i, g := range getters {
			if s.want("getter", g.actor, nil); g.value != i {
				t.Errorf("getter %d got %d", i, g.value)
			}
		}
		s.wantQueue(q, 3, 4, 5, 6, 7)
	})
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](1)
		first, second := s.get(q), s.get(q)
		if !q.TryPut(1) || !q.TryPut(2) {
			t.Error("the getters do not take it")
		}
		if v, ok := q.TryGet(); ok {
			t.Errorf("a newcomer got %d, which others were handed", v)
		}
		if !q.TryPut(3) || q.TryPut(4) {
			t.Error("the queue does not hold exactly one")
		}
		s.want("first", first.actor, nil)
		s.want("second", second.actor, nil)
		if first.value != 1 || second.value != 2 {
			t.Errorf("they got %d and %d", first.value, second.value)
		}
		s.wantQueue(q, 3)
	})
}

// TestCancelledGet: it takes no value with it, and is in nobody's way.
func TestCancelledGet(t *testing.T) { // K13
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](1)
		first, second, third := s.get(q), s.get(q), s.get(q)
		second.giveUp()
		for i := range 3 { // two for those who wait, one to be kept
			if !q.TryPut(i) {
				t.Errorf("no room for value %d", i)
			}
		}
		if q.TryPut(9) {
			t.Error("the cancelled one still has a place")
		}
		first.giveUp() // too late
		s.want("first", first.actor, nil)
		s.want("second", second.actor, errGivenUp)
		s.want("third", third.actor, nil)
		if first.value != 0 || third.value != 1 {
			t.Errorf("they got %d and %d", first.value, third.value)
		}
		s.wantQueue(q, 2)
	})
}

// TestCancelledPut: its value is not in the queue, and is in nobody's way.
func TestCancelledPut(t *testing.T) { // K13
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](1)
		q.TryPut(0)
		first, second, third := s.put(q, 1), s.put(q, 2), s.put(q, 3)
		second.giveUp()
		if v, ok := q.TryGet(); v != 0 || !ok {
			t.Errorf("got %d, %v", v, ok)
		}
		first.giveUp() // too late: there was room
		s.want("first", first, nil)
		s.want("second", second, errGivenUp)
		s.wantWaiting("third", third)
		s.wantQueue(q, 1, 3)
		s.want("third", third, nil)
	})
}

// TestOnlyWaiterCancelled: nothing of it is left.
func TestOnlyWaiterCancelled(t *testing.T) { // K13
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](1)
		g := s.get(q)
		g.giveUp()
		if !q.TryPut(1) || q.TryPut(2) {
			t.Error("the queue does not hold exactly one")
		}
		s.want("the getter", g.actor, errGivenUp)
		p := s.put(q, 2)
		p.giveUp()
		s.want("the putter", p, errGivenUp)
		s.wantQueue(q, 1)
	})
}

// TestAllEndsWithTheQueue, and tells of any other end.
func TestAllEndsWithTheQueue(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](2)
		var got []int
		all := func(t *kettle.Task) error {
			for v, err := range q.All(t) {
				if err != nil {
					return err
				}
				if got = append(got, v); v == 9 {
					return errors.New("broken off")
				}
			}
			return nil
		}
		a := s.do(all)
		for i := range 5 {
			s.put(q, i)
		}
		s.wantWaiting("the reader", a)
		// That the cause is a closed queue does not make a cancellation the end of this one.
		a.scope.Cancel(kettle.ErrClosed)
		s.want("the cancelled reader", a, kettle.ErrClosed)
		b := s.do(all)
		s.put(q, 5)
		q.Shutdown(false)
		s.want("the reader to the end", b, nil)
		if !slices.Equal(got, []int{0, 1, 2, 3, 4, 5}) {
			t.Errorf("they got %v", got)
		}

		q = kettle.NewQueue[int](2)
		q.TryPut(9)
		q.TryPut(8)
		if c := s.do(all); c.err == nil {
			t.Error("the reader did not break off")
		}
		s.wantQueue(q, 8)
	})
}

// TestJoinWaitsUntilAllIsDone, not only until the queue is empty.
func TestJoinWaitsUntilAllIsDone(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](1)
		s.want("Join of nothing", s.do(q.Join), nil)
		mustPanic(t, "Done of nothing", q.Done)
		s.put(q, 1)
		s.put(q, 2) // is not in the queue before it has room
		mustPanic(t, "Done of what nobody has taken", q.Done)
		a, gone := s.do(q.Join), s.do(q.Join)
		gone.giveUp()
		s.wantQueue(q, 1, 2)
		q.Done()
		s.wantWaiting("Join", a)
		q.Done()
		s.want("Join", a, nil)
		s.want("the cancelled one", gone, errGivenUp)
		mustPanic(t, "Done of everything and one", q.Done)
	})
}

// TestUnboundedQueue takes whatever is put, and any other capacity below 1 is a mistake.
func TestUnboundedQueue(t *testing.T) {
	for _, capacity := range []int{0, -2} {
		mustPanic(t, "a wrong capacity", func() { kettle.NewQueue[int](capacity) })
	}
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](kettle.Unbounded)
		var want []int
		for i := range 5000 {
			if err := q.Put(s.Task, i); err != nil {
				t.Fatal(err)
			}
			want = append(want, i)
		}
		if q.Cap() != kettle.Unbounded {
			t.Errorf("its capacity is %d", q.Cap())
		}
		s.wantQueue(q, want...)

		var zero kettle.Queue[int]
		if _, err := zero.Get(s.Task); err == nil || zero.Put(s.Task, 1) == nil || zero.TryPut(1) {
			t.Error("a Queue of nobody's making was used")
		}
	})
}

// TestNothingIsKeptOfABurst: neither the values, nor more than a little room for them.
func TestNothingIsKeptOfABurst(t *testing.T) {
	onStageOnce(t, func(t *testing.T, s stage) {
		// What so many tasks leave behind is no matter of queues.
		burst(s, kettle.NewQueue[int](5_000), 10_000, func() int { return 0 })
		before := inUse()
		pointers := kettle.NewQueue[*[1 << 18]byte](32)
		burst(s, pointers, 64, func() *[1 << 18]byte { return new([1 << 18]byte) })
		values := kettle.NewQueue[[512]byte](5_000)
		burst(s, values, 10_000, func() (none [512]byte) { return none })
		if after := inUse(); after > before+2<<20 {
			t.Errorf("%d bytes are kept", after-before)
		}
		runtime.KeepAlive(pointers)
		runtime.KeepAlive(values)
	}, virtualTime())
}

// burst puts many values into a queue, some of which wait for room, and takes them out again, but
// for some of those that wait, which are cancelled.
func burst[T any](s stage, q *kettle.Queue[T], many int, value func() T) {
	var scopes []*kettle.Task
	for range many {
		s.Go("put", func(t *kettle.Task) error {
			return t.WithCancel(func(t *kettle.Task) error {
				scopes = append(scopes, t)
				_ = q.Put(t, value())
				return nil
			})
		})
	}
	s.settle()
	for _, t := range scopes[many*3/4:] {
		t.Cancel(errGivenUp)
	}
	for _, ok := q.TryGet(); ok; _, ok = q.TryGet() {
	}
	s.settle()
}

func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
