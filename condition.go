package kettle

import "errors"

// Condition is where tasks wait for a change of what a Mutex protects. It is for state whose
// changes take several steps that suspend; for state that is changed in one step an Event, a Queue
// or a Semaphore is simpler.
//
//	err := m.Lock(t)
//	...
//	defer m.Unlock()
//	err = c.WaitFor(t, func() bool { return len(orders) > 0 })
//
// It belongs to the loop of its Mutex. Its methods are loop only.
type Condition struct {
	mutex   *Mutex
	waiting waiters
}

// NewCondition returns a Condition of what m protects.
func NewCondition(m *Mutex) *Condition {
	if m == nil {
		panic("kettle: a Condition without a Mutex")
	}
	return &Condition{mutex: m}
}

// Wait unlocks the mutex, suspends the task until it is notified, and locks the mutex again. The
// task must have locked it. A cancellation ends the wait, but the mutex is locked again before Wait
// returns it: whatever it returns, the task has the mutex if it had it before. A task that is
// cancelled after it has been notified learns of that at its next wait: no notification gets lost.
func (c *Condition) Wait(t *Task) error {
	f, err := c.enter(t)
	if err != nil {
		return err
	}
	masked := f.masked
	c.mutex.Unlock()
	err = c.waiting.wait(f, "Condition.Wait")
	f.masked = masked // see wake
	if c.mutex.owner != f {
		c.mutex.relock(f)
	}
	return err
}

// WaitFor waits until pred returns true, which is asked at once, and then whenever the task has
// been notified, always with the mutex locked. What else there is to know is said of Wait.
func (c *Condition) WaitFor(t *Task, pred func() bool) error {
	f, err := c.enter(t)
	if err != nil {
		return err
	}
	f.pass()
	for !pred() {
		if err := c.Wait(t); err != nil {
			return err
		}
	}
	return nil
}

func (c *Condition) enter(t *Task) (*fiber, error) {
	if c.mutex == nil {
		return nil, errors.New("kettle: wait for a Condition that NewCondition has not made")
	}
	f, err := c.mutex.home.enter(t)
	if err == nil && c.mutex.owner != f {
		err = errors.New("kettle: wait for a Condition whose Mutex the task has not locked")
	}
	return f, err
}

// Notify wakes n tasks, those that have waited longest; fewer if there are not so many. They go on
// when they have the mutex, in their order. The task must have locked it, or Notify panics: who has
// not could change nothing that they wait for. It does not suspend.
func (c *Condition) Notify(n int) {
	c.mustHold()
	for ; n > 0 && c.waiting.first != nil; n-- {
		c.wake()
	}
}

// NotifyAll wakes all tasks that wait: see Notify.
func (c *Condition) NotifyAll() {
	c.mustHold()
	for c.waiting.first != nil {
		c.wake()
	}
}

// wake has the first one who waits for the condition wait for the mutex, without a turn of its own
// in between. It has been notified: no cancellation concerns it before it has the mutex.
func (c *Condition) wake() {
	f := c.waiting.first
	c.waiting.abandon(f)
	c.mutex.waiting.add(f)
	f.what, f.waiting, f.masked = "Mutex.Lock", &c.mutex.waiting, true
}

// mustHold panics unless the task that runs has locked the mutex.
func (c *Condition) mustHold() {
	if c.mutex == nil {
		panic("kettle: notify a Condition that NewCondition has not made")
	}
	c.mutex.home.inside("notify a Condition")
	if owner := c.mutex.owner; owner == nil || owner.state != running {
		panic("kettle: notify a Condition whose Mutex the task has not locked")
	}
}
