package kettle

import "time"

// Sleep suspends the task until d has passed, never less. A d of zero or less is a Yield.
func (t *Task) Sleep(d time.Duration) error {
	if d <= 0 {
		return t.Yield()
	}
	f, err := t.enter()
	if err != nil {
		return err
	}
	s := (*sleeper)(f)
	f.timer.Init(f.runtime.loop, s)
	f.timer.Reset(d)
	return f.park("sleep", s)
}

// Yield suspends the task until everybody else who is ready has had a turn.
func (t *Task) Yield() error {
	f, err := t.enter()
	if err != nil {
		return err
	}
	f.wake(nil) // giveWay, with a frame less to return through: see coro.Coro.Switch
	if !f.co.Yield() {
		f.fatal, f.state = true, running
	}
	if f.masked {
		return nil
	}
	return f.scope.cause()
}

// sleeper is a fiber as what its timer runs.
type sleeper fiber

// Run is called when the time has passed.
func (s *sleeper) Run() { (*fiber)(s).wake(nil) }

func (s *sleeper) abandon(f *fiber) { f.timer.Stop() }
