package kettle

import "errors"

// Mutex lets one task at a time into a piece of code that suspends. Code that does not suspend needs
// none: no other task of the loop runs meanwhile. The zero Mutex is unlocked.
//
// It is fair: Unlock passes it to the task that has waited longest, and no newcomer gets in between.
// It belongs to the loop whose task locks it first.
type Mutex struct {
	home    home
	owner   *fiber
	waiting waiters
}

// Lock suspends the task until the mutex is its own. To lock it again is an error, as the task would
// wait for itself. After an error it is not locked.
func (m *Mutex) Lock(t *Task) error {
	f, err := m.home.enter(t)
	switch {
	case err != nil:
		return err
	case m.owner == f:
		return errors.New("kettle: lock a Mutex that the task has locked already")
	case m.owner == nil:
		m.owner = f
		f.pass()
		return nil
	}
	return m.waiting.wait(f, "Mutex.Lock")
}

// TryLock locks the mutex if nobody has, and reports whether it did. It does not suspend.
func (m *Mutex) TryLock(t *Task) bool {
	if m.owner != nil || t.check() != nil || m.home.own(t.fiber) != nil {
		return false
	}
	m.owner = t.fiber
	return true
}

// Unlock passes the mutex to the next task. It does not suspend, and may be called by any task of
// the loop. To unlock what is not locked panics, as with sync.Mutex.
func (m *Mutex) Unlock() {
	if m.owner == nil {
		panic("kettle: unlock of a Mutex that is not locked")
	}
	m.owner = m.waiting.first
	m.waiting.handOver(nil)
}

// Locked reports whether somebody has the mutex.
func (m *Mutex) Locked() bool { return m.owner != nil }
