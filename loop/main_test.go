package loop_test

import (
	"fmt"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a loop without a kernel and without time. What its callbacks say is the log.
type world struct {
	testing.TB
	*loop.Loop
	clock     *looptest.Clock
	kernel    *looptest.Selector
	log       []string
	incidents []loop.Incident
}

// newWorld returns a world whose loop is closed at the end of the test. Incidents that the test
// does not take out of the world fail it.
func newWorld(t testing.TB, change func(*loop.Config)) *world {
	w := &world{TB: t, clock: looptest.NewClock(), kernel: looptest.NewSelector()}
	c := loop.Config{Clock: w.clock, Selector: w.kernel,
		OnIncident: func(in loop.Incident) { w.incidents = append(w.incidents, in) }}
	if change != nil {
		change(&c)
	}
	w.Loop = newLoop(t, c)
	t.Cleanup(func() {
		for _, in := range w.incidents {
			t.Errorf("incident: %s: %v", in.What, in.Err)
		}
	})
	return w
}

func newLoop(t testing.TB, c loop.Config) *loop.Loop {
	t.Helper()
	l, err := loop.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// say returns a callback that puts a word into the log.
func (w *world) say(word string) func() { return func() { w.log = append(w.log, word) } }

// run runs the loop until it is stopped.
func (w *world) run() {
	w.Helper()
	if err := w.Run(); err != nil {
		w.Fatal(err)
	}
}

// turn runs one turn, which does not wait.
func (w *world) turn() {
	w.Helper()
	w.Stop()
	w.run()
}

// expect compares the log, and begins another one.
func (w *world) expect(what string, want ...string) {
	w.Helper()
	if !slices.Equal(w.log, want) {
		w.Errorf("%s: %q, want %q", what, w.log, want)
	}
	w.log = nil
}

// must fails the test if there is an error.
func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// numbers returns "0" up to n.
func numbers(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

// postStep returns a Select during which another goroutine posts.
func postStep(w *world, f func()) looptest.Step {
	return looptest.Step{Before: func() {
		done := make(chan error)
		go func() { done <- w.Post(f) }()
		must(w, <-done)
	}}
}
