package kettle_test

import (
	"slices"
	"testing"

	"github.com/kettle-go/kettle"
)

// lock is what a Mutex and a Semaphore with one permit have in common.
type lock struct {
	acquire func(t *kettle.Task) error
	try     func(t *kettle.Task) bool
	release func()
	free    func() bool
}

// onLocks runs play with each kind of lock.
func onLocks(t *testing.T, play func(t *testing.T, s stage, l lock)) {
	t.Run("Mutex", func(t *testing.T) {
		onStage(t, func(t *testing.T, s stage) {
			var m kettle.Mutex
			play(t, s, lock{m.Lock, m.TryLock, m.Unlock, func() bool { return !m.Locked() }})
		})
	})
	t.Run("Semaphore", func(t *testing.T) {
		onStage(t, func(t *testing.T, s stage) {
			sem := kettle.NewSemaphore(1)
			try := func(*kettle.Task) bool { return sem.TryAcquire() }
			free := func() bool { return sem.Available() == 1 }
			play(t, s, lock{sem.Acquire, try, sem.Release, free})
		})
	})
}

// TestLockIsPassedOnInOrder of coming. Between the release and the turn of the one who has it now,
// nobody else can take it.
func TestLockIsPassedOnInOrder(t *testing.T) { // K10
	onLocks(t, func(t *testing.T, s stage, l lock) {
		if err := l.acquire(s.Task); err != nil {
			t.Fatal(err)
		}
		var order []int
		var actors []*actor
		for i := range 5 {
			actors = append(actors, s.do(func(t *kettle.Task) error {
				err := l.acquire(t)
				order = append(order, i)
				return err
			}))
		}
		s.wantWaiting("actor", actors...)
		for i, a := range actors {
			l.release()
			if l.free() || l.try(s.Task) {
				t.Error("a newcomer got in between")
			}
			s.want("the first in the queue", a, nil)
			s.wantWaiting("the rest", actors[i+1:]...)
		}
		l.release()
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("the order is %v", order)
		}
		if !l.free() {
			t.Error("it is not free in the end")
		}
	})
}

// TestCancelledBeforeItHasTheLock: the waiter leaves the queue at once, wherever it stands in it.
func TestCancelledBeforeItHasTheLock(t *testing.T) { // K10
	for cancelled := range 3 {
		onLocks(t, func(t *testing.T, s stage, l lock) {
			if err := l.acquire(s.Task); err != nil {
				t.Fatal(err)
			}
			var actors []*actor
			for range 3 {
				actors = append(actors, s.do(l.acquire))
			}
			gone := actors[cancelled]
			gone.giveUp()
			l.release() // in the same step: it goes to somebody who still wants it
			s.want("the cancelled one", gone, errGivenUp)
			for i, a := range actors {
				if i != cancelled {
					s.want("another one", a, nil)
					l.release()
				}
			}
			if !l.free() {
				t.Error("it is not free in the end")
			}
		})
	}
}

// TestCancelledWhenItHasTheLock: it keeps it, and its next wait fails.
func TestCancelledWhenItHasTheLock(t *testing.T) { // K10
	onLocks(t, func(t *testing.T, s stage, l lock) {
		if err := l.acquire(s.Task); err != nil {
			t.Fatal(err)
		}
		var next error
		first := s.do(func(t *kettle.Task) error {
			err := l.acquire(t)
			next = t.Yield()
			return err
		})
		second := s.do(l.acquire)
		l.release()
		first.giveUp()
		s.want("the one that had it already", first, nil)
		if next == nil {
			t.Error("the wait after it did not fail")
		}
		s.wantWaiting("second", second)
		l.release()
		s.want("second", second, nil)
		l.release()
	})
}

// TestAllWaitersCancelled: the lock is free then, and not owed to one of them.
func TestAllWaitersCancelled(t *testing.T) { // K10
	onLocks(t, func(t *testing.T, s stage, l lock) {
		if err := l.acquire(s.Task); err != nil {
			t.Fatal(err)
		}
		a, b := s.do(l.acquire), s.do(l.acquire)
		a.giveUp()
		b.giveUp()
		l.release()
		if !l.free() || !l.try(s.Task) {
			t.Error("the lock is not free")
		}
		s.want("a", a, errGivenUp)
		s.want("b", b, errGivenUp)
		l.release()
	})
}

// TestNoLockInACancelledScope, be it free or not.
func TestNoLockInACancelledScope(t *testing.T) {
	onLocks(t, func(t *testing.T, s stage, l lock) {
		a := s.do(func(t *kettle.Task) error {
			t.Cancel(errGivenUp)
			return l.acquire(t)
		})
		s.want("the cancelled one", a, errGivenUp)
		if !l.free() {
			t.Error("it has the lock")
		}
	})
}

// TestWaitsThatAreOverAtOnce give way now and then: who always finds what it wants keeps nobody
// out.
func TestWaitsThatAreOverAtOnce(t *testing.T) {
	var m, locked kettle.Mutex
	var e kettle.Event
	e.Set()
	sem, barrier := kettle.NewSemaphore(1), kettle.NewBarrier(1)
	full, q := kettle.NewQueue[int](kettle.Unbounded), kettle.NewQueue[int](kettle.Unbounded)
	c := kettle.NewCondition(&locked)
	for name, wait := range map[string]func(t *kettle.Task) error{
		"Mutex.Lock": func(t *kettle.Task) error {
			defer m.Unlock()
			return m.Lock(t)
		},
		"Semaphore.Acquire": func(t *kettle.Task) error {
			defer sem.Release()
			return sem.Acquire(t)
		},
		"Condition.WaitFor": func(t *kettle.Task) error {
			locked.TryLock(t)
			return c.WaitFor(t, func() bool { return true })
		},
		"Event.Wait":   e.Wait,
		"Barrier.Wait": func(t *kettle.Task) error { _, err := barrier.Wait(t); return err },
		"Queue.Put":    func(t *kettle.Task) error { return q.Put(t, 1) },
		"Queue.Get": func(t *kettle.Task) error {
			full.TryPut(1)
			_, err := full.Get(t)
			return err
		},
		"Queue.Join": kettle.NewQueue[int](1).Join,
	} {
		t.Run(name, func(t *testing.T) {
			onStageOnce(t, func(t *testing.T, s stage) {
				other := false
				s.Go("other", func(*kettle.Task) error { other = true; return nil })
				for n := 0; !other; n++ {
					if err := wait(s.Task); err != nil || n > 10_000 {
						t.Fatalf("after %d waits the other task has not run: %v", n, err)
					}
				}
			}, virtualTime())
		})
	}
}

// TestMisuseOfLocks is told of, and does no harm.
func TestMisuseOfLocks(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		mustPanic(t, "Unlock of what is not locked", m.Unlock)
		if err := m.Lock(s.Task); err != nil {
			t.Fatal(err)
		}
		if m.Lock(s.Task) == nil || m.TryLock(s.Task) {
			t.Error("the mutex was locked twice by the same task")
		}
		m.Unlock()
		if m.Locked() {
			t.Error("the second Lock has changed something")
		}

		mustPanic(t, "a Semaphore without permits", func() { kettle.NewSemaphore(0) })
		sem := kettle.NewSemaphore(2)
		mustPanic(t, "Release of what is not acquired", sem.Release)
		for permit, want := range []bool{true, true, false} {
			if got := sem.TryAcquire(); got != want {
				t.Errorf("permit %d of two: %v, want %v", permit+1, got, want)
			}
		}
		if n := sem.Available(); n != 0 {
			t.Errorf("of two permits %d are left", n)
		}
		sem.Release()
		sem.Release()
		mustPanic(t, "Release once more", sem.Release)
		if sem.Available() != 2 {
			t.Errorf("%d permits are left of 2", sem.Available())
		}
		var zero kettle.Semaphore
		if zero.Acquire(s.Task) == nil {
			t.Error("a Semaphore of nobody's making was acquired")
		}
	})
}

// TestPermitsAreCounted: three have one each, the fourth waits for any of them.
func TestPermitsAreCounted(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		sem := kettle.NewSemaphore(3)
		var actors []*actor
		for range 6 {
			actors = append(actors, s.do(sem.Acquire))
		}
		for i := range 3 {
			s.want("one of the first", actors[i], nil)
		}
		s.wantWaiting("one of the others", actors[3:]...)
		sem.Release()
		sem.Release()
		s.want("the fourth", actors[3], nil)
		s.want("the fifth", actors[4], nil)
		s.wantWaiting("the sixth", actors[5])
		for range 4 {
			sem.Release()
		}
		s.want("the sixth", actors[5], nil)
		if sem.Available() != 3 {
			t.Errorf("%d permits are left of 3", sem.Available())
		}
	})
}
