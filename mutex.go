package kettle

import "errors"

// Mutex lets one task at a time into a piece of code that suspends. Code that does not suspend
// needs none: no other task of the loop runs meanwhile. The zero Mutex is unlocked.
//
// It is fair: Unlock passes it to the task that has waited longest, and no newcomer gets in
// between. It belongs to the loop whose task locks it first. Its methods are loop only.
type Mutex struct {
	home    home
	owner   *fiber
	seized  bool // from its owner, see relock
	waiting waiters
}

// Lock suspends the task until the mutex is its own. To lock it again is an error, as the task
// would wait for itself. After an error it is not locked.
func (m *Mutex) Lock(t *Task) error {
	f, err := m.home.enter(t)
	switch {
	case err != nil:
		return err
	case m.owner == f:
		return errors.New("kettle: lock a Mutex that the task has locked already")
	}
	return m.acquire(f)
}

func (m *Mutex) acquire(f *fiber) error {
	if m.owner == nil {
		m.owner = f
		f.pass()
		return nil
	}
	return m.waiting.wait(f, "Mutex.Lock")
}

// relock locks the mutex for a task that had it and will unlock it, whatever happens. Where the
// loop cannot go on, waiting is no use: it takes the mutex away from its owner, which is being
// ended too, and then there is one Unlock too many.
func (m *Mutex) relock(f *fiber) {
	if f.mask(func() error { return m.acquire(f) }) != nil {
		m.owner, m.seized = f, true
	}
}

// TryLock locks the mutex if nobody has, and reports whether it did. It does not suspend.
func (m *Mutex) TryLock(t *Task) bool {
	if t.check() != nil || m.owner != nil || m.home.own(t.fiber) != nil {
		return false
	}
	m.owner = t.fiber
	return true
}

// Unlock passes the mutex to the next task. It does not suspend, and may be called by any task of
// the loop. To unlock what is not locked panics, as with sync.Mutex.
func (m *Mutex) Unlock() {
	m.home.inside("unlock a Mutex")
	if m.owner == nil && !m.seized {
		panic("kettle: unlock of a Mutex that is not locked")
	}
	m.owner = m.waiting.first
	m.waiting.handOver(nil)
}

// Locked reports whether somebody has the mutex.
func (m *Mutex) Locked() bool { return m.owner != nil }
