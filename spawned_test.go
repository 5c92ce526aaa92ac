package kettle_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// spawned is a Body that notes how it ended.
type spawned struct {
	live  func(t *kettle.Task) error
	end   func()
	ended []error
}

func (s *spawned) Live(t *kettle.Task) error { return s.live(t) }

func (s *spawned) Ended(err error) {
	s.ended = append(s.ended, err)
	if s.end != nil {
		s.end()
	}
}

// TestSpawnedTasksFail, and their group does not hear of it, nor do the others in it.
func TestSpawnedTasksFail(t *testing.T) {
	errOdd := errors.New("odd")
	bodies := []*spawned{
		{live: func(*kettle.Task) error { return nil }},
		{live: func(*kettle.Task) error { return errOdd }},
		{live: func(*kettle.Task) error { panic("even") }},
		{live: func(*kettle.Task) error { runtime.Goexit(); return nil }},
		{live: func(task *kettle.Task) error { return errors.Join(task.Yield(), task.Yield()) }},
	}
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		return task.Group(func(g *kettle.Group) error {
			var err error
			for i, b := range bodies {
				err = errors.Join(err, g.Spawn(fmt.Sprint(i), b))
			}
			return err
		})
	})
	var panicked *kettle.PanicError
	for i, right := range []func(err error) bool{
		func(err error) bool { return err == nil },
		func(err error) bool { return err == errOdd },
		func(err error) bool { return errors.As(err, &panicked) && panicked.Value == "even" },
		func(err error) bool { return err == kettle.ErrGoexit },
		func(err error) bool { return err == nil },
	} {
		if ended := bodies[i].ended; len(ended) != 1 || !right(ended[0]) {
			t.Errorf("task %d was told that it ended: %v", i, ended)
		}
	}
}

// TestSpawnedBodyPanicsAtItsEnd: that is an incident, and the group still ends.
func TestSpawnedBodyPanicsAtItsEnd(t *testing.T) {
	var incidents []loop.Incident
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			return g.Spawn("one", &spawned{live: (*kettle.Task).Yield, end: func() { panic(1) }})
		})
	}, kettle.OnIncident(func(in loop.Incident) { incidents = append(incidents, in) }))
	if err != nil || len(incidents) != 1 {
		t.Errorf("Run returns %v, with the incidents %v", err, incidents)
	}
}

// TestSpawnedBodiesOfABrokenLoopPanic: that is an incident each, and the others end.
func TestSpawnedBodiesOfABrokenLoopPanic(t *testing.T) {
	var incidents []loop.Incident
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			task.EventLoop().Stop() // after this turn
			one := &spawned{live: (*kettle.Task).AwaitDrain, end: func() { panic(1) }}
			two := &spawned{live: (*kettle.Task).AwaitDrain, end: func() { panic(2) }}
			return errors.Join(g.Spawn("one", one), g.Spawn("two", two), task.AwaitDrain())
		})
	}, kettle.OnIncident(func(in loop.Incident) { incidents = append(incidents, in) }))
	if err == nil || len(incidents) != 2 || incidents[0].Stack == nil {
		t.Errorf("Run returns %v, with the incidents %v", err, incidents)
	}
}

// TestSpawnedTaskOfABrokenLoop that could not begin is told of its end all the same.
func TestSpawnedTaskOfABrokenLoop(t *testing.T) {
	b := &spawned{live: func(*kettle.Task) error { return errors.New("it has run") }}
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			task.EventLoop().Stop() // after this turn
			return errors.Join(g.Spawn("late", b), task.AwaitDrain())
		})
	})
	if err == nil || len(b.ended) != 1 || !errors.As(b.ended[0], new(*kettle.CancelError)) {
		t.Errorf("Run returns %v, and the task ended: %v", err, b.ended)
	}
}
