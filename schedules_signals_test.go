package kettle_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle"
)

// flag is the reference of Event.
type flag struct {
	*game
	e       kettle.Event
	set     bool
	waiting queueOf
}

func (f *flag) withdraw(who int) { f.waiting.remove(who) }

func (f *flag) check() error {
	if f.e.IsSet() != f.set {
		return fmt.Errorf("the event is set: %v, want %v", f.e.IsSet(), f.set)
	}
	return nil
}

func (f *flag) do(t *kettle.Task, who int, s step) error {
	switch s.kind {
	case 0:
		f.set = true
		for who, ok := f.waiting.pop(); ok; who, ok = f.waiting.pop() {
			f.decide(who, "ok")
		}
		f.e.Set()
	case 1:
		f.set = false
		f.e.Clear()
	default:
		_, err := f.wait(t, who, s, func() {
			if f.set {
				f.decide(who, "ok")
			} else {
				f.waiting = append(f.waiting, who)
			}
		}, func(t *kettle.Task) (string, error) { return "ok", f.e.Wait(t) })
		return err
	}
	return f.check()
}

func TestSchedulesOfEvents(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &flag{}
		f.game = &game{reference: f}
		if err := f.play(drawSchedule(rt, 6), f.do); err != nil {
			rt.Fatal(err)
		}
	})
}

// meeting is the reference of Barrier.
type meeting struct {
	*game
	b       *kettle.Barrier
	broken  bool
	waiting queueOf
}

func (m *meeting) withdraw(who int) { m.waiting.remove(who) }

func (m *meeting) check() error {
	if m.b.Waiting() != len(m.waiting) || m.b.Broken() != m.broken {
		return fmt.Errorf("%d wait, broken %v, want %d, %v", m.b.Waiting(), m.b.Broken(),
			len(m.waiting), m.broken)
	}
	return nil
}

func (m *meeting) arrive(who int) {
	if m.broken {
		m.decide(who, "broken")
		return
	}
	if m.waiting = append(m.waiting, who); len(m.waiting) == m.b.Parties() {
		for i, who := range m.waiting {
			m.decide(who, fmt.Sprint("number ", i))
		}
		m.waiting = nil
	}
}

func (m *meeting) breakOff() {
	for who, ok := m.waiting.pop(); ok; who, ok = m.waiting.pop() {
		m.decide(who, "broken")
	}
}

func (m *meeting) do(t *kettle.Task, who int, s step) error {
	switch s.kind {
	case 0:
		m.breakOff()
		m.broken = false
		m.b.Reset()
	case 1:
		if s.before+s.after < 5 { // rarely
			break
		}
		m.breakOff()
		m.broken = true
		m.b.Abort()
	default:
		_, err := m.wait(t, who, s, func() { m.arrive(who) },
			func(t *kettle.Task) (string, error) {
				i, err := m.b.Wait(t)
				return fmt.Sprint("number ", i), err
			})
		return err
	}
	return m.check()
}

// TestSchedulesOfBarriers: the numbers of a round are all different, and a round is over when the
// last task comes, whatever happens afterwards.
func TestSchedulesOfBarriers(t *testing.T) { // K12
	rapid.Check(t, func(rt *rapid.T) {
		m := &meeting{b: kettle.NewBarrier(rapid.IntRange(1, 4).Draw(rt, "parties"))}
		m.game = &game{reference: m}
		if err := m.play(drawSchedule(rt, 10), m.do); err != nil {
			rt.Fatal(err)
		}
	})
}

// bell is the reference of Condition. When those who were notified have the mutex again depends on
// the order of turns: what is compared is who is notified, and that nobody has the mutex at the
// same time.
type bell struct {
	*game
	m       kettle.Mutex
	c       *kettle.Condition
	holder  int // has the mutex; -1 is nobody
	waiting queueOf
}

func (b *bell) withdraw(who int) { b.waiting.remove(who) }

func (b *bell) check() error { return nil }

func (b *bell) takes(who int) error {
	if b.holder >= 0 {
		return fmt.Errorf("task %d has the mutex, and so has task %d", who, b.holder)
	}
	b.holder = who
	return nil
}

func (b *bell) do(t *kettle.Task, who int, s step) error {
	if err := b.m.Lock(t); err != nil {
		return err
	}
	defer func() {
		b.holder = -1
		b.m.Unlock()
	}()
	if err := b.takes(who); err != nil {
		return err
	}
	pause(t, s.after)
	switch s.kind {
	case 0, 1:
		for range s.kind + 1 {
			if who, ok := b.waiting.pop(); ok {
				b.decide(who, "ok")
			}
		}
		b.c.Notify(s.kind + 1)
	case 2:
		for who, ok := b.waiting.pop(); ok; who, ok = b.waiting.pop() {
			b.decide(who, "ok")
		}
		b.c.NotifyAll()
	default:
		_, err := b.wait(t, who, s, func() { b.waiting = append(b.waiting, who) },
			func(t *kettle.Task) (string, error) {
				b.holder = -1
				err := b.c.Wait(t)
				if both := b.takes(who); both != nil {
					return "", both
				}
				return "ok", err
			})
		return err
	}
	return nil
}

// TestSchedulesOfConditions: a notification goes to whoever has waited longest and was not
// cancelled before, and all come back with the mutex.
func TestSchedulesOfConditions(t *testing.T) { // K11
	rapid.Check(t, func(rt *rapid.T) {
		b := &bell{holder: -1}
		b.c = kettle.NewCondition(&b.m)
		b.game = &game{reference: b}
		if err := b.play(drawSchedule(rt, 7), b.do); err != nil {
			rt.Fatal(err)
		}
	})
}
