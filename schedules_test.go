package kettle_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle"
)

// A schedule is random: a few tasks that each do one thing after another, with pauses in between,
// and somebody who cancels what they do, at any moment. The reference is told of each thing in the
// step in which it happens, and knows at once what must come of it: that is what direct hand-over
// means. So it need not know in which order the tasks have their turns.

// step is one thing that a task does.
type step struct {
	kind          int // what, as the test of each primitive understands it
	before, after int // turns that it pauses
}

// schedule is what all do.
type schedule struct {
	seed    uint64 // of the order; 0 is none
	tasks   [][]step
	cancels []step // kind is the task
}

func drawSchedule(rt *rapid.T, kinds int) schedule {
	pause := rapid.IntRange(0, 3)
	steps := func(kinds int) *rapid.Generator[[]step] {
		return rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{rapid.IntRange(0, kinds-1).Draw(rt, "kind"), pause.Draw(rt, "before"),
				pause.Draw(rt, "after")}
		}), 0, 12)
	}
	tasks := rapid.SliceOfN(steps(kinds), 1, 6).Draw(rt, "tasks")
	return schedule{rapid.Uint64().Draw(rt, "seed"), tasks, steps(len(tasks)).Draw(rt, "cancels")}
}

// reference is what a primitive should do. Its waits are known by the numbers of their tasks.
type reference interface {
	withdraw(who int) // its wait, if it is still undecided, has been cancelled
	check() error     // compares what can be seen from outside
}

// game runs a schedule.
type game struct {
	reference
	outcome []string       // of each task's wait; "" is undecided
	scopes  []*kettle.Task // of each task's wait; nil if it does not wait
	live    int
}

// decide is called by the reference when it is clear how a wait ends.
func (g *game) decide(who int, outcome string) { g.outcome[who] = outcome }

// wait has a task wait, in a scope that can be cancelled, and compares what comes of it. Arrive
// tells the reference. The outcome "ok" is success.
func (g *game) wait(t *kettle.Task, who int, s step, arrive func(),
	op func(t *kettle.Task) (string, error)) (ok bool, err error) {
	err = t.WithCancel(func(t *kettle.Task) error {
		g.outcome[who], g.scopes[who] = "", t
		defer func() { g.scopes[who] = nil }()
		pause(t, s.before) // it can be cancelled before it waits
		if g.outcome[who] == "" {
			arrive()
		}
		got, err := op(t)
		switch {
		case errors.Is(err, errGivenUp):
			got = "cancelled"
		case errors.Is(err, kettle.ErrClosed):
			got = "closed"
		case errors.Is(err, kettle.ErrBrokenBarrier):
			got = "broken"
		case err != nil:
			return err
		}
		if got != g.outcome[who] {
			return fmt.Errorf("task %d got %q, want %q", who, got, g.outcome[who])
		}
		ok = err == nil
		return g.check()
	})
	return ok, err
}

// cancel cancels a task's wait, if there is one.
func (g *game) cancel(who int) {
	if g.scopes[who] == nil || g.scopes[who].Err() != nil {
		return
	}
	if g.outcome[who] == "" {
		g.withdraw(who)
		g.outcome[who] = "cancelled"
	}
	g.scopes[who].Cancel(errGivenUp)
}

// pause gives way a few times.
func pause(t *kettle.Task, turns int) {
	for range turns {
		_ = t.Yield()
	}
}

// play runs the schedule. Do does one step of a task. In the end, those who still wait although
// nobody can run are cancelled.
func (g *game) play(s schedule, do func(t *kettle.Task, who int, s step) error) error {
	g.outcome = make([]string, len(s.tasks))
	g.scopes = make([]*kettle.Task, len(s.tasks))
	g.live = len(s.tasks)
	options := []kettle.Option{virtualTime()}
	if s.seed != 0 {
		options = append(options, kettle.Seed(s.seed))
	}
	return kettle.Run(func(t *kettle.Task) error {
		return t.Group(func(group *kettle.Group) error {
			for who, steps := range s.tasks {
				group.Go(fmt.Sprint("task ", who), func(t *kettle.Task) error {
					defer func() { g.live-- }()
					for _, s := range steps {
						if err := do(t, who, s); err != nil {
							return fmt.Errorf("%+v: %w", s, err)
						}
						pause(t, s.after)
					}
					return nil
				})
			}
			for _, s := range s.cancels {
				pause(group.Task, s.before+s.after)
				g.cancel(s.kind)
			}
			return g.end(group.Task)
		})
	}, options...)
}

// end has all tasks end.
func (g *game) end(t *kettle.Task) error {
	for g.live > 0 {
		before, waiting := g.live, 0
		if err := t.Sleep(time.Nanosecond); err != nil { // until nobody can run
			return err
		}
		for who := range g.scopes {
			if g.scopes[who] != nil {
				waiting++
			}
			g.cancel(who)
		}
		if waiting == 0 && g.live == before && g.live > 0 {
			return errors.New("there are tasks that neither wait nor end")
		}
	}
	return g.check()
}

// queueOf are tasks that wait, in order.
type queueOf []int

func (q *queueOf) pop() (who int, ok bool) {
	if len(*q) == 0 {
		return 0, false
	}
	who = (*q)[0]
	*q = (*q)[1:]
	return who, true
}

func (q *queueOf) remove(who int) (at int) {
	if at = slices.Index(*q, who); at >= 0 {
		*q = slices.Delete(*q, at, at+1)
	}
	return at
}

// permits is the reference of Mutex and Semaphore.
type permits struct {
	*game
	free    int
	waiting queueOf
	seen    func() int // how many are free
}

func (p *permits) arrive(who int) {
	if p.free > 0 {
		p.free--
		p.decide(who, "ok")
		return
	}
	p.waiting = append(p.waiting, who)
}

func (p *permits) release() {
	if who, ok := p.waiting.pop(); ok {
		p.decide(who, "ok")
		return
	}
	p.free++
}

func (p *permits) withdraw(who int) { p.waiting.remove(who) }

func (p *permits) check() error {
	if got := p.seen(); got != p.free {
		return fmt.Errorf("%d are free, want %d", got, p.free)
	}
	return nil
}

// do takes a permit, keeps it for some turns, and gives it back.
func (p *permits) do(l lock) func(*kettle.Task, int, step) error {
	return func(t *kettle.Task, who int, s step) error {
		if s.kind == 0 {
			want, got := p.free > 0, l.try(t)
			if got != want {
				return fmt.Errorf("trying gives %v, want %v", got, want)
			}
			if !got {
				return nil
			}
			p.free--
		} else {
			ok, err := p.wait(t, who, s, func() { p.arrive(who) },
				func(t *kettle.Task) (string, error) { return "ok", l.acquire(t) })
			if err != nil || !ok {
				return err
			}
		}
		pause(t, s.after)
		p.release()
		l.release()
		return p.check()
	}
}

// TestSchedulesOfLocks: whoever comes first has it first, and nobody who was cancelled has it.
func TestSchedulesOfLocks(t *testing.T) { // K10
	t.Run("Mutex", rapid.MakeCheck(func(rt *rapid.T) {
		var m kettle.Mutex
		p := &permits{free: 1, seen: func() int {
			if m.Locked() {
				return 0
			}
			return 1
		}}
		p.game = &game{reference: p}
		err := p.play(drawSchedule(rt, 4), p.do(lock{m.Lock, m.TryLock, m.Unlock, nil}))
		if err != nil {
			rt.Fatal(err)
		}
	}))
	t.Run("Semaphore", rapid.MakeCheck(func(rt *rapid.T) {
		n := rapid.IntRange(1, 3).Draw(rt, "permits")
		sem := kettle.NewSemaphore(n)
		p := &permits{free: n, seen: sem.Available}
		p.game = &game{reference: p}
		try := func(*kettle.Task) bool { return sem.TryAcquire() }
		err := p.play(drawSchedule(rt, 4), p.do(lock{sem.Acquire, try, sem.Release, nil}))
		if err != nil {
			rt.Fatal(err)
		}
	}))
}
