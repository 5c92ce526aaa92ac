package loop_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

const both = selectors.Read | selectors.Write

// watchCalls returns what the loop has told its selector to watch.
func (w *world) watchCalls() []string {
	return slices.DeleteFunc(w.kernel.Calls(),
		func(call string) bool { return strings.HasPrefix(call, "select") })
}

// T13: a second callback takes the place of the first, and leaves alone that of the other event.
// What is taken away is told.
func TestCallbacksOfADescriptorAreReplaced(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.OnReadable(3, w.say("old")), w.OnWritable(3, w.say("write")),
		w.OnReadable(3, w.say("read")))
	w.kernel.SetReady(3, both)
	w.turn()
	w.expect("both", "read", "write")
	if !w.StopReading(3) || w.StopReading(3) {
		t.Error("StopReading does not say whether there was something to stop")
	}
	w.turn()
	w.expect("without reading", "write")
	if !w.StopWriting(3) || w.StopWriting(3) || w.StopWriting(4) || w.StopReading(-1) {
		t.Error("StopWriting does not say whether there was something to stop")
	}
	w.turn()
	w.expect("without both")
	want := []string{"register 3 read", "modify 3 read|write", "modify 3 write", "unregister 3"}
	if got := w.watchCalls(); !slices.Equal(got, want) {
		t.Errorf("the selector was told %q, want %q", got, want)
	}
}

// TestOneRunnerForBothEvents runs once for each.
func TestOneRunnerForBothEvents(t *testing.T) {
	w := newWorld(t, nil)
	c := &counter{}
	must(t, w.Watch(3, both, c))
	w.kernel.SetReady(3, both)
	w.turn()
	w.kernel.SetReady(3, selectors.Write)
	w.turn()
	if c.count != 3 {
		t.Errorf("it ran %d times", c.count)
	}
}

// T14: a callback that is taken away by another one of the same batch does not run, and one that
// takes its place has nothing to do with what was found before.
func TestCallbacksStopEachOther(t *testing.T) {
	for _, seed := range []uint64{0, looptest.Seed(t)} { // 0 is not shuffled
		w := newWorld(t, func(c *loop.Config) {
			if seed != 0 {
				c.Order = looptest.Order(seed)
			}
		})
		const many = 9
		for fd := range many {
			must(t, w.OnReadable(fd, func() {
				w.say("ran")()
				for other := range many {
					w.StopReading(other)
					if other%2 == 0 {
						must(t, w.OnReadable(other, w.say("new")))
					}
				}
			}))
			w.kernel.SetReady(fd, selectors.Read)
		}
		w.turn()
		w.expect("the first turn", "ran")
		if got := w.Stats().Events; got != 1 {
			t.Errorf("%d events were counted", got)
		}
		w.turn()
		w.expect("the second turn", "new", "new", "new", "new", "new")
	}
}

// TestReaderStopsTheWriter of the same descriptor, which is ready for both.
func TestReaderStopsTheWriter(t *testing.T) {
	for _, order := range []*rand.Rand{nil, looptest.Order(looptest.Seed(t))} {
		w := newWorld(t, func(c *loop.Config) { c.Order = order })
		must(t, w.OnReadable(3, func() {
			w.say("read")()
			w.StopWriting(3)
		}), w.OnWritable(3, w.say("write")))
		w.kernel.SetReady(3, both)
		w.turn()
		w.expect("both are ready", "read")
		must(t, w.OnReadable(3, func() {
			w.say("read")()
			w.StopReading(3)
		}), w.OnWritable(3, w.say("write")))
		w.turn()
		w.expect("reading stops itself", "read", "write")
	}
}

// TestRefusalInTheReader takes away the writer of the same descriptor too, at once.
func TestRefusalInTheReader(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.OnReadable(3, func() { w.StopReading(3) }), w.OnWritable(3, w.say("write")))
	w.kernel.SetReady(3, both)
	w.kernel.Fail(looptest.OpModify, errRefused)
	w.turn()
	w.expect("callbacks")
	if len(w.incidents) != 1 {
		t.Errorf("%d incidents", len(w.incidents))
	}
	w.incidents = nil
}

// TestRefusedRegistrationLeavesNothing.
func TestRefusedRegistrationLeavesNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.kernel.Fail(looptest.OpRegister, errRefused)
	err := w.OnReadable(3, w.say("read"))
	if !errors.Is(err, errRefused) || !strings.HasPrefix(err.Error(), "loop: register") {
		t.Errorf("the error is %v", err)
	}
	if w.StopReading(3) || !w.Idle() {
		t.Error("the descriptor is watched")
	}
	must(t, w.OnReadable(3, w.say("read")))
}

var errRefused = errors.New("refused")

// TestRefusedChangeEndsBoth: the kernel does not watch the descriptor any more, so the loop does
// not either, and says so.
func TestRefusedChangeEndsBoth(t *testing.T) {
	w := newWorld(t, nil)
	gone := func(what string) {
		t.Helper()
		if _, known := w.kernel.Key(3); known || !w.Idle() || w.StopReading(3) || w.StopWriting(3) {
			t.Errorf("%s: the descriptor is still watched", what)
		}
	}
	must(t, w.OnReadable(3, w.say("read")))
	w.kernel.Fail(looptest.OpModify, errRefused)
	if err := w.OnWritable(3, w.say("write")); !errors.Is(err, errRefused) {
		t.Errorf("the error is %v", err)
	}
	gone("OnWritable")
	must(t, w.OnReadable(3, w.say("read")), w.OnWritable(3, w.say("write")))
	w.kernel.Fail(looptest.OpModify, errRefused)
	if !w.StopReading(3) {
		t.Error("StopReading says that there was nothing to stop")
	}
	gone("StopReading")
	if len(w.incidents) != 1 || !errors.Is(w.incidents[0].Err, errRefused) ||
		!strings.Contains(w.incidents[0].Err.Error(), "descriptor 3 is not watched for write") {
		t.Errorf("incidents: %v", w.incidents)
	}
	w.incidents = nil
	must(t, w.OnReadable(3, w.say("anew")))
	w.kernel.SetReady(3, both)
	w.turn()
	w.expect("watched anew", "anew")
}

func TestWrongWatchesAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.OnReadable(3, w.say("read")))
	for what, c := range map[string]struct {
		fd     int
		events selectors.Events
		runner loop.Runner
		want   error
	}{
		"no events":           {3, 0, &counter{}, selectors.ErrInvalidEvents},
		"no events, a new fd": {4, 0, &counter{}, selectors.ErrInvalidEvents},
		"unknown events":      {3, 9, &counter{}, selectors.ErrInvalidEvents},
		"a negative fd":       {-1, selectors.Read, &counter{}, selectors.ErrInvalidFD},
		"nothing to run":      {3, selectors.Read, nil, nil},
	} {
		err := w.Watch(c.fd, c.events, c.runner)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.kernel.SetReady(3, both)
	w.turn()
	w.expect("what was watched before", "read")
	if w.kernel.Len() != 1 {
		t.Errorf("%d descriptors are registered", w.kernel.Len())
	}
}

// TestManyDescriptors, with numbers far apart.
func TestManyDescriptors(t *testing.T) {
	w := newWorld(t, nil)
	var want []string
	for _, fd := range []int{0, 1, 63, 64, 65, 1000, 100_000} {
		must(t, w.OnReadable(fd, w.say(fmt.Sprint(fd))))
		w.kernel.SetReady(fd, selectors.Read)
		want = append(want, fmt.Sprint(fd))
	}
	w.turn()
	w.expect("all are ready", want...)
	if got := w.Stats(); got.Watched != len(want) || got.Events != uint64(len(want)) {
		t.Errorf("%+v", got)
	}
}
