package kettle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// A scenario is a play of a few tasks that ends by itself. It is played once to count the moments
// of its waits: that a task begins to wait, that it parks, and that it is woken. Then it is played
// again for each of these moments, with a cancellation there: of the whole scenario, and of
// nothing but what the task that waits is in. In between the scheduling is in order, or shuffled
// by a seed.
//
// Whenever the cancellation comes, the play must end (time is virtual, so that what waits for ever
// ends with ErrStuck), with no other error than the cancellation, and leave no task, timer or
// goroutine. What else must hold the scenario says itself.
//
// To have the waits of something new tried, add a line to the table.
type scenario struct {
	name string
	play func() play
}

// play is one performance, with a state of its own.
type play struct {
	// body is the play. It must be able to do without any of its tasks, as each may be cancelled
	// alone: who others wait for says so when it ends, however it does.
	body func(g *kettle.Group) error

	// holds is asked at the end, on the loop. Nil is that nothing else must hold.
	holds func() error

	timers int // that are left
}

// scenarios is the table: everything that waits is in one of them.
func scenarios() []scenario {
	return []scenario{
		{"Sleep and Yield", sleepScenario},
		{"WithTimeout", timeoutScenario},
		{"Shield", shieldScenario},
		{"nested groups", groupScenario},
		{"Start", startScenario},
		{"AwaitDrain", drainScenario},
		{"Blocking", blockingScenario},
		{"Submit", submitScenario},
		{"Mutex", mutexScenario},
		{"Event", eventScenario},
		{"Semaphore", semaphoreScenario},
		{"Condition", conditionScenario},
		{"Barrier", barrierScenario},
		{"Queue", queueScenario},
		{"Queue.Join", joinScenario},
		{"Future", futureScenario},
		{"Gather", gatherScenario},
		{"Race", raceScenario},
		{"AsCompleted", completedScenario},
		{"Receive", receiveScenario},
		{"Send", sendScenario},
		{"WaitQueue", waitQueueScenario},
	}
}

// errHere is the cause of the cancellation that is tried.
var errHere = errors.New("cancelled here")

// K10, K11, K12, K13: and everything else that can wait, cancelled at every moment.
func TestCancellationAtEveryWait(t *testing.T) {
	const shuffles = 3
	seeds := rand.New(rand.NewPCG(looptest.Seed(t), 2))
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			for round := range 1 + shuffles {
				name, options := "in order", []kettle.Option(nil)
				if round > 0 {
					seed := seeds.Uint64()
					name, options = fmt.Sprintf("seed %d", seed), []kettle.Option{kettle.Seed(seed)}
				}
				moments, err := s.perform(never, false, options...)
				if moments == 0 || err != nil {
					t.Fatalf("%s, without a cancellation: %d waits, %v", name, moments, err)
				}
				for k := 1; k <= moments; k++ {
					if _, err := s.perform(k, false, options...); err != nil {
						t.Fatalf("%s, everything cancelled at moment %d: %v", name, k, err)
					}
					if _, err := s.perform(k, true, options...); err != nil {
						t.Fatalf("%s, one task cancelled at moment %d: %v", name, k, err)
					}
				}
			}
		})
	}
}

// never is a moment that does not come.
const never = -1

// perform plays a scenario with a cancellation at the k-th moment, of one task or of all, and
// returns how many moments there were, and what went wrong.
func (s scenario) perform(k int, one bool, options ...kettle.Option) (moments int, _ error) {
	var scope *kettle.Task // while the play lasts
	var incidents []error
	observe := kettle.Observe(func(task *kettle.Task, woken bool) {
		if scope == nil {
			return
		}
		if moments++; moments != k {
			return
		}
		target := scope
		if one {
			target = task
		}
		if !woken {
			target.Cancel(errHere)
			return
		}
		// The next thing that happens, before the task runs.
		task.Soon(func() { target.Cancel(errHere) })
	})
	p := s.play()
	err := kettle.Run(func(task *kettle.Task) error {
		err := task.WithCancel(func(task *kettle.Task) error {
			scope = task
			defer func() { scope = nil }()
			return task.Group(p.body)
		})
		if !onlyHere(err) {
			return fmt.Errorf("the play ends with: %w", err)
		}
		err = task.Yield()
		if p.holds != nil {
			err = errors.Join(err, p.holds())
		}
		return errors.Join(err, want("tasks left", task.Tasks(), 1), task.Yield(),
			want("timers left", task.Stats().Timers, p.timers))
	}, append(options, virtualTime(), observe, kettle.OnIncident(func(in loop.Incident) {
		incidents = append(incidents, fmt.Errorf("incident: %s: %w", in.What, in.Err))
	}))...)
	return moments, errors.Join(append(incidents, err)...)
}

// onlyHere reports whether there is nothing in an error but the cancellation that was tried.
func onlyHere(err error) bool {
	var panicked *kettle.PanicError
	if errors.As(err, &panicked) {
		return false
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range joined.Unwrap() {
			if !onlyHere(err) {
				return false
			}
		}
		return true
	}
	return err == nil || errors.Is(err, errHere)
}

// TestHarnessSeesMistakes: each of the things that it looks for makes it fail.
func TestHarnessSeesMistakes(t *testing.T) {
	lost := 0
	for name, p := range map[string]play{
		"another error": {body: func(g *kettle.Group) error { _ = g.Yield(); return errOne }},
		"a panic":       {body: func(g *kettle.Group) error { _ = g.Yield(); return explode(1) }},
		"it is stuck":   {body: func(g *kettle.Group) error { return g.AwaitDrain() }},
		"something does not hold": {
			body:  func(g *kettle.Group) error { return g.Yield() },
			holds: func() error { return errOne },
		},
		"something is lost by the cancellation": {
			body: func(g *kettle.Group) error {
				lost++
				err := g.Sleep(1)
				if err == nil {
					lost--
				}
				return err
			},
			holds: func() error { return want("lost", lost, 0) },
		},
	} {
		found := false
		s := scenario{name, func() play { return p }}
		for k := range 4 {
			_, err := s.perform(k, false)
			found = found || err != nil
		}
		if !found {
			t.Errorf("the harness does not see that %s", name)
		}
	}
}
