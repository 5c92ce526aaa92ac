package kettle_test

import (
	"errors"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// breakLoop runs prepare on a loop that cannot go on as soon as prepare has returned: before any
// task that is ready by then has its turn.
func breakLoop(prepare func(s stage), t *testing.T) error {
	selector := looptest.NewSelector()
	return kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			prepare(stage{g, t})
			if err := g.Watch(7); err != nil { // so that the selector is asked
				return err
			}
			selector.Fail(looptest.OpSelect, errBroken)
			return g.Yield()
		})
	}, virtualTime(), kettle.Selector(func() loop.Selector { return selector }))
}

// TestBrokenLoopTakesNothingBack: who was handed something before has it.
func TestBrokenLoopTakesNothingBack(t *testing.T) {
	var m kettle.Mutex
	q := kettle.NewQueue[int](1)
	var locked, waiting *actor
	var got *getter
	err := breakLoop(func(s stage) {
		if err := m.Lock(s.Task); err != nil {
			t.Fatal(err)
		}
		locked, waiting, got = s.do(m.Lock), s.do(m.Lock), s.get(q)
		m.Unlock()
		q.TryPut(7)
	}, t)
	if !errors.Is(err, errBroken) {
		t.Errorf("Run returns %v", err)
	}
	if locked.err != nil || got.err != nil || got.value != 7 {
		t.Errorf("Lock gave %v, Get gave %d, %v", locked.err, got.value, got.err)
	}
	if !errors.Is(waiting.err, errBroken) {
		t.Errorf("the Lock of one who was not handed the mutex gave %v", waiting.err)
	}
}

// TestBrokenLoopAndConditions: whoever waits for a condition, or for the mutex after it, believes
// to have the mutex in the end, and unlocks it. None of them panics by that. In their deferred
// functions they can still notify each other.
func TestBrokenLoopAndConditions(t *testing.T) {
	oldest := func(first, _ *kettle.Event) *kettle.Event { return first }
	youngest := func(_, last *kettle.Event) *kettle.Event { return last }
	notifyOne := func(c *kettle.Condition) { c.Notify(1) }
	for name, one := range map[string]struct {
		gate   func(first, last *kettle.Event) *kettle.Event
		notify func(*kettle.Condition)
	}{
		"the oldest has it, one is notified":    {oldest, notifyOne},
		"the oldest has it, all are notified":   {oldest, (*kettle.Condition).NotifyAll},
		"the youngest has it, one is notified":  {youngest, notifyOne},
		"the youngest has it, all are notified": {youngest, (*kettle.Condition).NotifyAll},
	} {
		t.Run(name, func(t *testing.T) {
			var m kettle.Mutex
			c := kettle.NewCondition(&m)
			wait := func(t *kettle.Task) error {
				if err := m.Lock(t); err != nil {
					return err
				}
				defer func() {
					c.NotifyAll()
					m.Unlock()
				}()
				return c.Wait(t)
			}
			var actors []*actor
			err := breakLoop(func(s stage) {
				var first, last kettle.Event
				hold := func(e *kettle.Event) func(t *kettle.Task) error {
					return func(t *kettle.Task) error {
						if err := errors.Join(e.Wait(t), m.Lock(t)); err != nil {
							return err
						}
						defer m.Unlock()
						one.notify(c)
						return t.Sleep(1 << 62)
					}
				}
				actors = append(actors, s.do(hold(&first)), s.do(wait), s.do(wait), s.do(wait),
					s.do(hold(&last)))
				one.gate(&first, &last).Set() // that one has the mutex when the loop breaks
				s.settle()
				actors = append(actors, s.do(m.Lock))
			}, t)
			var panicked *kettle.PanicError
			if !errors.Is(err, errBroken) || errors.As(err, &panicked) {
				t.Errorf("Run returns %v", err)
			}
			for i, a := range actors {
				if !a.ended {
					t.Errorf("actor %d has not ended", i)
				}
			}
		})
	}
}
