package models_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/meter"
	"github.com/kettle-go/kettle/models"
)

// idleServer is a server that has nothing to do.
type idleServer struct {
	*server
	variant
	clients []string // how they are
	before  meter.Sample
	used    float64 // share of a CPU
}

// newIdleServer starts a server with a client for each of the words. Answers wait longer than
// the test takes, if at all.
func newIdleServer(t *testing.T, v variant, wait time.Duration, clients ...string) *idleServer {
	t.Helper()
	s := &idleServer{variant: v, clients: clients}
	s.server = start(t, v, launch{Config: models.Config{Verbose: true, Wait: wait}})
	for _, how := range clients {
		c := s.connect(t)
		switch how {
		case "silent":
			ask(t, c, "and now nothing")
			continue
		case "not reading":
			flood := sendAside(c, noise(1, 1<<20), 64, nil)
			t.Cleanup(func() { <-flood.done })
			t.Cleanup(func() { reset(c) })
			continue
		}
		say(t, c, []byte(how))
		if how == "finished" {
			c.CloseWrite()
			expect(t, c, []byte(how)) // and does not close its end
			continue
		}
		eventually(t, "the request is received", func() bool {
			return s.log.count(`: "`+how+`"`) == 1
		})
		if how == "gone" {
			reset(c)
		} else {
			c.CloseWrite()
		}
	}
	return s
}

// A client that has half-closed, is silent, does not read, or has left while its answer waits
// must not cost CPU time. Each is ready, for ever, for something that nobody wants of it.
func TestNoSpinAfterHalfClose(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Proc)
	var idle []*idleServer
	for _, v := range variants() {
		switch {
		case v.model.Name == "polling": // whose nature it is
		case v.serial():
			idle = append(idle, newIdleServer(t, v, 0, "silent"),
				newIdleServer(t, v, 0, "finished"), newIdleServer(t, v, 0, "not reading"),
				newIdleServer(t, v, patience, "gone"),
				newIdleServer(t, v, patience, "half-closed"))
		default:
			idle = append(idle, newIdleServer(t, v, 0, "silent", "finished", "not reading"),
				newIdleServer(t, v, patience, "half-closed", "gone"))
		}
	}
	// Whatever spins does so all the time; a server that has just been started does not.
	const share = 0.05
	for range 6 {
		for _, s := range idle {
			s.before = s.sample(t)
		}
		window(t.Context(), time.Second)
		var busy []*idleServer
		for _, s := range idle {
			u := s.sample(t).Since(s.before)
			if s.used = u.CPU.Seconds() / u.Elapsed.Seconds(); s.used > share {
				busy = append(busy, s)
				continue
			}
			s.kill(t)
		}
		if idle = busy; len(idle) == 0 {
			return
		}
	}
	for _, s := range idle {
		t.Errorf("%v uses %.1f %% of a CPU; its clients are: %s", s.variant, 100*s.used,
			strings.Join(s.clients, ", "))
	}
}
