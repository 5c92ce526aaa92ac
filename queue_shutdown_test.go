package kettle_test

import (
	"errors"
	"testing"

	"github.com/kettle-go/kettle"
)

// wantShutDown says that nothing goes in, and nothing comes out.
func (s stage) wantShutDown(q *kettle.Queue[int]) {
	s.t.Helper()
	if q.TryPut(1) {
		s.t.Error("TryPut puts into a queue that is shut down")
	}
	s.want("Put", s.put(q, 1), kettle.ErrClosed)
	s.wantQueue(q)
	s.want("Get", s.get(q).actor, kettle.ErrClosed)
}

// TestShutdownOfAnEmptyQueue ends all waits.
func TestShutdownOfAnEmptyQueue(t *testing.T) { // K14
	for _, immediate := range []bool{false, true} {
		onStage(t, func(t *testing.T, s stage) {
			q := kettle.NewQueue[int](1)
			a, b := s.get(q), s.get(q)
			q.Shutdown(immediate)
			a.giveUp() // it has been told already
			s.want("a", a.actor, kettle.ErrClosed)
			s.want("b", b.actor, kettle.ErrClosed)
			s.want("Join", s.do(q.Join), nil)
			s.wantShutDown(q)
		})
	}
}

// TestShutdownKeepsWhatIsThere: it can be got, what waited for room cannot.
func TestShutdownKeepsWhatIsThere(t *testing.T) { // K14
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](2)
		s.put(q, 1)
		s.put(q, 2)
		waiting, join := s.put(q, 3), s.do(q.Join)
		q.Shutdown(false)
		q.Shutdown(false)
		s.want("the one who waited for room", waiting, kettle.ErrClosed)
		g := s.get(q)
		if s.want("Get", g.actor, nil); g.value != 1 {
			t.Errorf("got %d, want 1", g.value)
		}
		if v, ok := q.TryGet(); v != 2 || !ok {
			t.Errorf("TryGet gives %d, %v", v, ok)
		}
		s.wantShutDown(q)
		q.Done()
		s.wantWaiting("Join", join)
		q.Done()
		s.want("Join", join, nil)
	})
}

// TestImmediateShutdownDropsTheRest, which counts as done; what somebody has taken does not.
func TestImmediateShutdownDropsTheRest(t *testing.T) { // K14
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](2)
		for i := range 3 {
			s.put(q, i)
		}
		waiting, join := s.put(q, 3), s.do(q.Join)
		if v, ok := q.TryGet(); v != 0 || !ok {
			t.Errorf("TryGet gives %d, %v", v, ok)
		}
		q.Shutdown(true)
		s.want("the one who waited for room", waiting, kettle.ErrClosed)
		s.wantShutDown(q)
		s.wantWaiting("Join", join)
		q.Done()
		s.want("Join", join, nil)
		mustPanic(t, "Done of what was dropped", q.Done)
	})
}

// TestImmediateShutdownAfterAnOrdinaryOne: with nothing taken, Join ends at once.
func TestImmediateShutdownAfterAnOrdinaryOne(t *testing.T) { // K14
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](2)
		s.put(q, 1)
		join := s.do(q.Join)
		q.Shutdown(false)
		s.wantWaiting("Join", join)
		q.Shutdown(true)
		s.want("Join", join, nil)
		s.wantShutDown(q)
	})
}

// TestShutdownTakesNothingBack: a value that somebody was handed is that one's, and a Put that was
// let in is in.
func TestShutdownTakesNothingBack(t *testing.T) { // K14
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](1)
		g := s.get(q)
		q.TryPut(1)
		q.Shutdown(true)
		if s.want("the getter", g.actor, nil); g.value != 1 {
			t.Errorf("got %d, want 1", g.value)
		}

		q = kettle.NewQueue[int](1)
		q.TryPut(1)
		p := s.put(q, 2)
		q.TryGet()
		q.Shutdown(false)
		s.want("the putter", p, nil)
		s.wantQueue(q, 2)
	})
}

// TestErrorsOfAQueueThatIsShutDown say what was being done.
func TestErrorsOfAQueueThatIsShutDown(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		q := kettle.NewQueue[int](1)
		q.Shutdown(false)
		_, get := q.Get(s.Task)
		put := q.Put(s.Task, 1)
		if !errors.Is(get, kettle.ErrClosed) || get.Error() != "get from a Queue: kettle: closed" ||
			!errors.Is(put, kettle.ErrClosed) || put.Error() != "put into a Queue: kettle: closed" {
			t.Errorf("the errors are %v and %v", get, put)
		}
	})
}
