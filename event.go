package kettle

// Event is something that tasks wait for and that happens once: when it is set all of them go on,
// and so does whoever comes later, until it is cleared. The zero Event is not set.
//
// It belongs to the loop whose task waits for it first. Its methods are loop only.
type Event struct {
	home    home
	set     bool
	waiting waiters
}

// Wait suspends the task until the event is set. It does not if it is set already.
func (e *Event) Wait(t *Task) error {
	f, err := e.home.enter(t)
	switch {
	case err != nil:
		return err
	case e.set:
		f.pass()
		return nil
	}
	return e.waiting.wait(f, "Event.Wait")
}

// Set sets the event. Whoever waits for it goes on, also if it is cleared before that one has had
// its turn. It does not suspend.
func (e *Event) Set() {
	e.home.inside("set an Event")
	e.set = true
	e.waiting.handOverAll(nil)
}

// Clear has those who come from now on wait for the next Set. It does not suspend.
func (e *Event) Clear() {
	e.home.inside("clear an Event")
	e.set = false
}

// IsSet reports whether the event is set.
func (e *Event) IsSet() bool { return e.set }
