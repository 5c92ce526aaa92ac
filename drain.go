package kettle

import (
	"os"
	"os/signal"
	"time"
)

// A drain asks tasks to come to an end, where a cancellation makes them. Servers stop accepting,
// connections are at their end when what has arrived is read, and workers take nothing new; each by
// its own means, and each finishes what it has begun. What has not ended when the grace period is over
// is cancelled, with ErrGrace as the cause.

// Drain begins the drain of all loops of the Run. It does not suspend. Only the first time counts.
func (t *Task) Drain(grace time.Duration) {
	own := t.fiber.runtime
	for _, r := range own.config.running() {
		_ = r.loop.Post(func() { r.drain(grace) }) // one that has ended has nothing to drain
	}
}

// Draining reports whether the drain has begun. Loop only.
func (t *Task) Draining() bool { return t.fiber.runtime.draining }

// AwaitDrain suspends the task until the drain begins.
func (t *Task) AwaitDrain() error {
	f, err := t.enter()
	switch {
	case err != nil:
		return err
	case f.runtime.draining:
		f.pass()
		return nil
	}
	return f.runtime.undrained.wait(f, "drain")
}

func (r *runtime) drain(grace time.Duration) {
	if r.draining {
		return
	}
	r.draining = true
	r.undrained.handOverAll(nil)
	r.loop.After(grace, func() { r.end(ErrGrace) })
}

// DrainOn begins the drain when one of the signals comes. A second one cancels what is left at once;
// then the signals have their ordinary effect again.
func DrainOn(grace time.Duration, signals ...os.Signal) Option {
	return func(c *config) { c.drainOn, c.grace = signals, grace }
}

// DumpOn writes Dump to standard error when one of the signals comes, such as SIGQUIT.
func DumpOn(signals ...os.Signal) Option { return func(c *config) { c.dumpOn = signals } }

// signals serves the signals of the options until stop is called.
func (c *config) signals() (stop func()) {
	over, served := make(chan struct{}), make(chan struct{})
	drain, dump := make(chan os.Signal, 2), make(chan os.Signal, 1)
	if len(c.drainOn) > 0 {
		signal.Notify(drain, c.drainOn...)
	}
	if len(c.dumpOn) > 0 {
		signal.Notify(dump, c.dumpOn...)
	}
	go func() {
		defer close(served)
		more := drain
		for graces := []time.Duration{c.grace, 0}; ; {
			select {
			case <-over:
				return
			case <-dump:
				c.dumpAll(os.Stderr)
			case <-more:
				c.drainAll(graces[0])
				if graces = graces[1:]; len(graces) == 0 {
					signal.Stop(drain)
					more = nil
				}
			}
		}
	}()
	return func() {
		signal.Stop(drain)
		signal.Stop(dump)
		close(over)
		<-served
	}
}

// drainAll begins the drain, or with a grace of 0 ends what one has left.
func (c *config) drainAll(grace time.Duration) {
	for _, r := range c.running() {
		_ = r.loop.Post(func() {
			if r.drain(grace); grace == 0 {
				r.end(ErrGrace)
			}
		})
	}
}
