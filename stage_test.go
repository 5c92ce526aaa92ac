package kettle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// stage is where a test lets tasks, its actors, do one thing each, in an order that the test
// decides. Time stands still while any of them can run: what waits for ever ends with ErrStuck.
type stage struct {
	*kettle.Group
	t testing.TB
}

// actor is a task that does one thing.
type actor struct {
	scope *kettle.Task
	err   error // what came of it
	ended bool
}

var errGivenUp = errors.New("the test gives it up")

// onStage runs play in a group of its own, once in order and a few times in shuffled orders.
// Whoever still waits when play returns is cancelled.
func onStage(t *testing.T, play func(t *testing.T, s stage)) {
	t.Helper()
	seed := looptest.Seed(t)
	seeds := rand.New(rand.NewPCG(seed, 1))
	for round := range 5 {
		options := []kettle.Option{virtualTime()}
		name := "in order"
		if round > 0 {
			seed := seeds.Uint64()
			name = fmt.Sprintf("shuffled %d", round)
			options = append(options, kettle.Seed(seed))
		}
		t.Run(name, func(t *testing.T) { onStageOnce(t, play, options...) })
	}
}

func onStageOnce(t *testing.T, play func(t *testing.T, s stage), options ...kettle.Option) {
	t.Helper()
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			play(t, stage{g, t})
			g.Cancel(errGivenUp)
			return nil
		})
	}, options...)
	if err != nil && !errors.Is(err, errGivenUp) {
		t.Error(err)
	}
}

func virtualTime() kettle.Option {
	return kettle.Clock(func() loop.Clock { return looptest.NewClock() })
}

// do has an actor do something, and returns when it has done it or waits.
func (s stage) do(f func(t *kettle.Task) error) *actor {
	a := &actor{}
	if err := s.Go("actor", func(t *kettle.Task) error {
		return t.WithCancel(func(t *kettle.Task) error {
			a.scope = t
			a.err = f(t)
			a.ended = true
			return nil
		})
	}); err != nil {
		s.t.Error(err)
	}
	s.settle()
	return a
}

// settle returns when nobody can run any more.
func (s stage) settle() {
	if err := s.Sleep(time.Nanosecond); err != nil {
		s.t.Error(err)
	}
}

// giveUp cancels what the actor does. The actor learns of it in the next turn.
func (a *actor) giveUp() { a.scope.Cancel(errGivenUp) }

// want compares what came of an actor's deed, once nobody can run any more. A nil err is success.
func (s stage) want(who string, a *actor, err error) {
	s.t.Helper()
	s.settle()
	if !a.ended {
		s.t.Errorf("%s still waits, want %v", who, err)
	} else if !errors.Is(a.err, err) {
		s.t.Errorf("%s got %v, want %v", who, a.err, err)
	}
}

// wantWaiting says that actors still wait.
func (s stage) wantWaiting(who string, actors ...*actor) {
	s.t.Helper()
	s.settle()
	for i, a := range actors {
		if a.ended {
			s.t.Errorf("%s %d does not wait, but got %v", who, i, a.err)
		}
	}
}

// mustPanic says that a misuse is not let pass.
func mustPanic(t testing.TB, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}
