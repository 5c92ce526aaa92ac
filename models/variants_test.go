package models_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/models"
	"github.com/kettle-go/kettle/selectors"
)

// variant is a model on one of the selectors that it can run on, on one loop or on several.
type variant struct {
	model   models.Model
	backend string // "" for a model that has no loop
	loops   int    // 0 for a model that has one at most
}

func (v variant) String() string {
	name := v.model.Name
	if v.backend != "" {
		name += "/" + v.backend
	}
	if v.loops > 1 {
		name += fmt.Sprintf("/%d loops", v.loops)
	}
	return name
}

// serial reports whether a client is served only when the one before it has left.
func (v variant) serial() bool { return v.model.Name == "blocking" }

// perClient reports whether each client has a process, so that each costs milliseconds.
func (v variant) perClient() bool { return v.model.Name == "processes" }

// forked reports whether the clients are spread over worker processes that know nothing of
// each other.
func (v variant) forked() bool { return v.model.Name == "prefork" }

// singleThreaded reports whether one thread serves all clients, so that the order of what it
// does is that of its log.
func (v variant) singleThreaded() bool {
	return !v.model.Blocking && !v.forked() && v.model.Name != "goroutines" && v.loops < 2
}

// inOrder reports whether a client is served in the turn after its bytes have come, so that its
// order among the others is known. What has come for a client is told to a ring by the thread that
// asked for it: if the loop is on another one by now, that is when the system next runs the first.
func (v variant) inOrder() bool { return v.singleThreaded() && !v.onRing() }

// onSelect reports whether the variant waits in select(2), whose descriptors end at 1,023.
func (v variant) onSelect() bool { return v.model.Name == "select" || v.backend == "select" }

// variants returns every model on every selector that it can run on, and on two loops if it can; on
// the best selector alone under -short. What differs in nothing that another one does not show is
// left out: workers on selectors that the selectors model has one of, several loops that only wait
// in poll or select, and streams on io_uring, which is uring. Under the race detector so are all
// but the best selector, and uring: which selector one goroutine waits in is no matter of races.
func variants() []variant {
	var all []variant
	backends := selectors.Candidates()
	if testing.Short() {
		backends = backends[:1]
	}
	for _, m := range models.All() {
		if !m.Backends {
			all = append(all, variant{model: m})
			continue
		}
		for i, backend := range backends {
			fast := i == 0 || backend == ring
			if m.Name == "prefork" && !fast || race.Detector() && i > 0 {
				continue
			}
			if m.Name == "streams" && backend == ring {
				continue
			}
			all = append(all, variant{model: m, backend: backend})
			if m.Loops && fast {
				all = append(all, variant{model: m, backend: backend, loops: 2})
			}
		}
	}
	return all
}

// ring is the name of the selector that a system may have and forbid.
const ring = "io_uring"

// onRing reports whether the variant is nothing without a ring.
func (v variant) onRing() bool { return v.backend == ring || v.model.Name == "uring" }

// modelsOnly returns every model once, on the selector that it runs on by default: for tests
// that take long.
func modelsOnly() []variant {
	var all []variant
	for _, m := range models.All() {
		all = append(all, variant{model: m})
	}
	return all
}

// forEach runs the test for each variant, beside each other.
func forEach(t *testing.T, list []variant, test func(t *testing.T, v variant)) {
	t.Parallel()
	for _, v := range list {
		t.Run(v.String(), func(t *testing.T) {
			if v.onRing() {
				testenv.Need(t, testenv.Rings)
			}
			t.Parallel()
			test(t, v)
		})
	}
}

// eventually waits until the condition holds, which it asks for every other millisecond.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// window lets time pass in which something is measured, or must not happen. It is no means to
// wait for anything.
func window(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}
