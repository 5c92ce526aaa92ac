package loop_test

import (
	"bytes"
	"errors"
	"log"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

var errBroken = errors.New("broken")

// breaks panics, and its name must be in the stack of that.
func breaks() { panic(errBroken) }

// TestPhaseGoesOnAfterAPanic, each one, in the same turn, also if the panic is the last of it.
func TestPhaseGoesOnAfterAPanic(t *testing.T) {
	for name, add := range map[string]func(*world, func()){
		"soon":  func(w *world, f func()) { w.Soon(f) },
		"posts": func(w *world, f func()) { must(t, w.Post(f)) },
		"timers": func(w *world, f func()) {
			w.After(0, f)
		},
		"events": func(w *world, f func()) {
			fd := w.kernel.Len()
			must(t, w.OnReadable(fd, f))
			w.kernel.SetReady(fd, selectors.Read)
		},
	} {
		for _, seed := range []uint64{0, looptest.Seed(t)} { // 0 is not shuffled
			w := newWorld(t, func(c *loop.Config) {
				if seed != 0 {
					c.Order = looptest.Order(seed)
				}
			})
			for range 3 {
				add(w, breaks)
				add(w, w.say("ran"))
				add(w, breaks)
			}
			w.turn()
			w.expect(name, "ran", "ran", "ran")
			if len(w.incidents) != 6 {
				t.Errorf("%s: %d incidents of 6", name, len(w.incidents))
			}
			for _, in := range w.incidents {
				var broken *loop.PanicError
				if in.What != "run a callback" || !errors.As(in.Err, &broken) ||
					!errors.Is(in.Err, errBroken) || !bytes.Contains(in.Stack, []byte(".breaks(")) {
					t.Errorf("%s: %s: %v\n%s", name, in.What, in.Err, in.Stack)
				}
			}
			w.incidents = nil
		}
	}
}

// TestPanicOfTheReader leaves the writer of the same descriptor to the next turn at the latest.
func TestPanicOfTheReader(t *testing.T) {
	w := newWorld(t, nil)
	must(t, w.OnReadable(3, func() { w.StopReading(3); breaks() }), w.OnWritable(3, w.say("write")))
	w.kernel.SetReady(3, both)
	w.turn()
	w.turn()
	if !slices.Contains(w.log, "write") || len(w.incidents) != 1 {
		t.Errorf("%q, %d incidents", w.log, len(w.incidents))
	}
	w.incidents = nil
}

// TestTimerThatSetsItselfAndPanics has one turn as any other: the phase does not begin anew.
func TestTimerThatSetsItselfAndPanics(t *testing.T) {
	w := newWorld(t, nil)
	var timer *loop.Timer
	timer = w.After(0, func() {
		timer.Reset(-time.Second)
		breaks()
	})
	for turn := range 3 {
		w.turn()
		if len(w.incidents) != turn+1 {
			t.Fatalf("%d incidents after %d turns", len(w.incidents), turn+1)
		}
	}
	w.incidents = nil
}

// T23: an own handler, one that panics, none, and none while what logs panics: the loop survives.
func TestHandlersOfIncidents(t *testing.T) {
	var told int
	var logged bytes.Buffer
	for name, c := range map[string]struct {
		handler func(loop.Incident)
		logger  slog.Handler
	}{
		"an own one":      {func(loop.Incident) { told++ }, brokenLogger{}},
		"one that panics": {func(loop.Incident) { told++; breaks() }, brokenLogger{}},
		"none":            {nil, slog.NewTextHandler(&logged, nil)},
		"none, no log":    {nil, brokenLogger{}},
	} {
		quietly(t, c.logger, func() {
			w := newWorld(t, func(config *loop.Config) { config.OnIncident = c.handler })
			w.Soon(breaks)
			w.Soon(w.say("goes on"))
			w.turn()
			w.expect(name, "goes on")
		})
	}
	if told != 2 {
		t.Errorf("%d incidents were told to handlers", told)
	}
	for _, want := range []string{"run a callback", "broken", "breaks"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log does not contain %q: %s", want, &logged)
		}
	}
}

// quietly runs f while slog logs with a handler, and standard error is nothing.
func quietly(t *testing.T, logger slog.Handler, f func()) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	must(t, err)
	stderr, before, flags, output := os.Stderr, slog.Default(), log.Flags(), log.Writer()
	os.Stderr = null
	slog.SetDefault(slog.New(logger))
	defer func() {
		os.Stderr = stderr
		slog.SetDefault(before)
		log.SetFlags(flags) // the default logger of slog changes that of log for good
		log.SetOutput(output)
		null.Close()
	}()
	f()
}

// brokenLogger panics where it should log.
type brokenLogger struct{ slog.Handler }

// TestValuesOfPanics that are no errors.
func TestValuesOfPanics(t *testing.T) {
	w := newWorld(t, nil)
	w.Soon(func() { panic("a word") })
	w.Soon(func() { panic(nil) })
	w.turn()
	for i, want := range []string{"panic: a word", "panic: panic called with nil"} {
		if got := w.incidents[i].Err.Error(); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := errors.Unwrap(w.incidents[0].Err); err != nil {
		t.Errorf("a word is no error: %v", err)
	}
	w.incidents = nil
}
