package kettle_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kettle-go/kettle"
)

// waitLocked waits for the condition, and says at once if the mutex is not the task's own then.
func waitLocked(t testing.TB, m *kettle.Mutex, c *kettle.Condition) func(*kettle.Task) error {
	return func(task *kettle.Task) error {
		if err := m.Lock(task); err != nil {
			return err
		}
		err := c.Wait(task)
		if !m.Locked() || m.Lock(task) == nil { // to lock it twice fails for the owner only
			t.Error("Wait returned without the mutex")
		}
		m.Unlock()
		return err
	}
}

// withLock does something with the mutex locked.
func (s stage) withLock(m *kettle.Mutex, f func()) {
	if err := m.Lock(s.Task); err != nil {
		s.t.Fatal(err)
	}
	f()
	m.Unlock()
}

// TestNotifyWakesThoseWhoWaitLongest, as many as it says, one after the other.
func TestNotifyWakesThoseWhoWaitLongest(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		var actors []*actor
		for range 6 {
			actors = append(actors, s.do(waitLocked(t, &m, c)))
		}
		for _, step := range []struct {
			n, woken int
		}{{0, 0}, {-1, 0}, {1, 1}, {2, 3}} {
			s.withLock(&m, func() { c.Notify(step.n) })
			for _, a := range actors[:step.woken] {
				s.want("one of the first", a, nil)
			}
			s.wantWaiting("one of the others", actors[step.woken:]...)
		}
		s.withLock(&m, c.NotifyAll)
		for _, a := range actors {
			s.want("one of all", a, nil)
		}
		s.withLock(&m, func() { c.Notify(5) }) // nobody is there, and nothing is kept
		late := s.do(waitLocked(t, &m, c))
		s.wantWaiting("the one who came late", late)
	})
}

// TestNotifiedComeBeforeNewcomers, and one after the other: who is notified waits for the mutex
// from then on, and not only from its next turn on.
func TestNotifiedComeBeforeNewcomers(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		var order []int
		for i := range 4 {
			s.do(func(task *kettle.Task) error {
				defer func() { order = append(order, i) }()
				return waitLocked(t, &m, c)(task)
			})
		}
		s.withLock(&m, func() {
			s.Go("newcomer", func(t *kettle.Task) error {
				if err := m.Lock(t); err != nil {
					return err
				}
				defer m.Unlock()
				order = append(order, 4)
				return nil
			})
			c.NotifyAll()
			s.settle()
			var dump strings.Builder
			err := s.Dump(&dump)
			n := strings.Count(dump.String(), "actor: waits for Mutex.Lock")
			if err != nil || n != 4 {
				t.Errorf("%d wait for the mutex, %v:\n%s", n, err, &dump)
			}
		})
		s.settle()
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("the order is %v", order)
		}
	})
}

// TestCancelledBeforeTheNotification: it goes to the next one.
func TestCancelledBeforeTheNotification(t *testing.T) { // K11
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		first, second := s.do(waitLocked(t, &m, c)), s.do(waitLocked(t, &m, c))
		s.withLock(&m, func() {
			first.giveUp()
			c.Notify(1)
		})
		s.want("the cancelled one", first, errGivenUp)
		s.want("the next one", second, nil)
	})
}

// TestCancelledAfterTheNotification: the one who was notified says so, and is cancelled at its next
// wait. Whoever gets the notification can act on it, or pass it on.
func TestCancelledAfterTheNotification(t *testing.T) { // K11
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		var next error
		first := s.do(func(t *kettle.Task) error {
			err := waitLocked(s.t, &m, c)(t)
			next = t.Yield()
			return err
		})
		second := s.do(waitLocked(t, &m, c))
		s.withLock(&m, func() {
			c.Notify(1)
			first.giveUp()
		})
		s.want("the notified one", first, nil)
		if !errors.Is(next, errGivenUp) {
			t.Errorf("the wait after it gave %v", next)
		}
		s.wantWaiting("the next one", second)
	})
}

// TestCancelledWaiterLocksTheMutexAgain, also if it must wait for that while it is cancelled. The
// error is the very same one that cancelled it.
func TestCancelledWaiterLocksTheMutexAgain(t *testing.T) { // K11
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		a := s.do(waitLocked(t, &m, c))
		s.withLock(&m, func() {
			a.giveUp()
			s.wantWaiting("the cancelled one, while the mutex is locked,", a)
			a.giveUp() // does not make it forget the mutex either
			s.wantWaiting("the cancelled one, while the mutex is locked,", a)
		})
		s.want("the cancelled one", a, errGivenUp)
		if a.err != a.scope.Cause() {
			t.Errorf("the error is %v, that of the scope %v", a.err, a.scope.Cause())
		}
		if m.Locked() {
			t.Error("the mutex is locked in the end")
		}
	})
}

// TestCancelledWhileItWaitsForTheMutex after a notification: it has both in the end.
func TestCancelledWhileItWaitsForTheMutex(t *testing.T) { // K11
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		a := s.do(waitLocked(t, &m, c))
		s.withLock(&m, func() {
			c.Notify(1)
			s.wantWaiting("the notified one", a)
			a.giveUp()
			s.wantWaiting("the notified one, cancelled,", a)
		})
		s.want("the notified one", a, nil)
	})
}

// TestCancelledScopeDoesNotEvenUnlock: nobody else gets in when Wait fails at once.
func TestCancelledScopeDoesNotEvenUnlock(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		s.withLock(&m, func() {
			other := s.do(m.Lock)
			_ = s.WithCancel(func(t *kettle.Task) error {
				t.Cancel(errGivenUp)
				if err := c.Wait(t); !errors.Is(err, errGivenUp) {
					s.t.Errorf("Wait gives %v", err)
				}
				return nil
			})
			s.wantWaiting("the other one", other)
		})
	})
}

// TestWaitForAsksUntilItIsTrue: at once, and after each notification, never without the mutex.
func TestWaitForAsksUntilItIsTrue(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		n, asked := 0, 0
		waitFor := func(want int) func(*kettle.Task) error {
			return func(task *kettle.Task) error {
				if err := m.Lock(task); err != nil {
					return err
				}
				defer m.Unlock()
				return c.WaitFor(task, func() bool {
					asked++
					if !m.Locked() {
						t.Error("asked without the mutex")
					}
					return n >= want
				})
			}
		}
		s.want("the one who need not wait", s.do(waitFor(0)), nil)
		a := s.do(waitFor(2))
		for range 2 {
			s.wantWaiting("the one who waits for 2", a)
			s.withLock(&m, func() {
				n++
				c.NotifyAll()
			})
		}
		s.want("the one who waits for 2", a, nil)
		if asked != 4 {
			t.Errorf("asked %d times, want 4", asked)
		}
		b := s.do(waitFor(3))
		b.giveUp()
		s.want("the cancelled one", b, errGivenUp)
	})
}

// TestConditionWithoutTheMutex is an error, or a panic where no error can be returned.
func TestConditionWithoutTheMutex(t *testing.T) {
	mustPanic(t, "a Condition without a Mutex", func() { kettle.NewCondition(nil) })
	onStage(t, func(t *testing.T, s stage) {
		var m kettle.Mutex
		c := kettle.NewCondition(&m)
		never := func() bool { t.Error("asked without the mutex"); return true }
		check := func(when string) {
			if c.Wait(s.Task) == nil || c.WaitFor(s.Task, never) == nil {
				t.Errorf("waited while the mutex is %s", when)
			}
			mustPanic(t, "Notify while the mutex is "+when, func() { c.Notify(1) })
			mustPanic(t, "NotifyAll while the mutex is "+when, c.NotifyAll)
		}
		check("not locked")
		s.do(m.Lock)
		check("locked by somebody else")
		m.Unlock()

		var zero kettle.Condition
		if zero.Wait(s.Task) == nil {
			t.Error("waited for a Condition of nobody's making")
		}
		mustPanic(t, "Notify of a Condition of nobody's making", zero.NotifyAll)
	})
}

// TestEventWakesEverybody, in order, and stays set until it is cleared.
func TestEventWakesEverybody(t *testing.T) {
	onStage(t, func(t *testing.T, s stage) {
		var e kettle.Event
		var woken []int
		wait := func(i int) func(*kettle.Task) error {
			return func(t *kettle.Task) error {
				err := e.Wait(t)
				woken = append(woken, i)
				return err
			}
		}
		a, b, c := s.do(wait(0)), s.do(wait(1)), s.do(wait(2))
		s.wantWaiting("actor", a, b, c)
		b.giveUp()
		e.Set()
		e.Clear() // too late for those who were there
		s.want("a", a, nil)
		s.want("b", b, errGivenUp)
		s.want("c", c, nil)
		if slices.Sort(woken); !slices.Equal(woken, []int{0, 1, 2}) {
			t.Errorf("woken are %v", woken)
		}
		if e.IsSet() {
			t.Error("the event is set after Clear")
		}
		late := s.do(e.Wait)
		s.wantWaiting("the one who came after Clear", late)
		e.Set()
		e.Set()
		late.giveUp() // too late as well
		s.want("the one who came after Clear", late, nil)
		s.want("the one who came after Set", s.do(e.Wait), nil)
		if !e.IsSet() {
			t.Error("the event is not set")
		}
	})
}
