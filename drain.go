package kettle

import (
	"os"
	"os/signal"
	"time"
)

// A drain asks tasks to come to an end, where a cancellation makes them. Servers stop accepting,
// connections are at their end when what has arrived is read, and workers take nothing new; each by
// its own means, and each finishes what it has begun. What has not ended when the grace period is
// over is cancelled, with ErrGrace as the cause.

// Drain begins the drain of all loops of the Run. It does not suspend, and may be called from any
// goroutine. Only the first time counts.
func (t *Task) Drain(grace time.Duration) { t.fiber.runtime.config.drain(grace) }

// Draining reports whether the drain has begun. It may be called from any goroutine.
func (t *Task) Draining() bool { return t.fiber.runtime.draining.Load() }

// AwaitDrain suspends the task until the drain begins.
func (t *Task) AwaitDrain() error {
	f, err := t.enter()
	switch {
	case err != nil:
		return err
	case f.runtime.draining.Load():
		f.pass()
		return nil
	}
	return f.runtime.undrained.wait(f, "drain")
}

// drain begins the drain, if this is the first time.
func (c *config) drain(grace time.Duration) {
	if c.drained.CompareAndSwap(false, true) {
		c.tell(func(r *runtime) {
			r.draining.Store(true)
			r.undrained.handOverAll(nil)
			r.loop.After(grace, func() { r.end(ErrGrace) })
		})
	}
}

// tell runs f on each loop that runs: at once on the one that calls it.
func (c *config) tell(f func(*runtime)) {
	for _, r := range c.running() {
		if r.inside() {
			f(r)
			continue
		}
		_ = r.loop.Post(func() { f(r) }) // one that has ended has nothing to be told
	}
}

// DrainOn begins the drain when one of the signals comes. A second one cancels what is left at
// once; then the signals have their ordinary effect again.
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
		c.shared.Store(true)
		signal.Notify(drain, c.drainOn...)
	}
	if len(c.dumpOn) > 0 {
		signal.Notify(dump, c.dumpOn...)
	}
	go func() {
		defer close(served)
		for count := 0; ; {
			select {
			case <-over:
				return
			case <-dump:
				c.dumpAll(os.Stderr)
			case <-drain:
				c.drain(c.grace)
				if count++; count > 1 {
					signal.Stop(drain)
					c.tell(func(r *runtime) { r.end(ErrGrace) })
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
