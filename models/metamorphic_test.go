package models_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/models"
)

// The same clients get the same bytes from every model, on every selector.

var verbose = models.Config{Verbose: true}

// seedVariable names the environment variable that pins the seed of the scripts.
const seedVariable = "KETTLE_SEED"

// seedOf returns the seed for a test, which a failure shows.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("%s=%q: want a number", seedVariable, text)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("to run the same script again: %s=%d", seedVariable, seed)
		}
	})
	return seed
}

// perform runs the script of the seed against the server.
func (s *server) perform(t *testing.T, v variant, script []*clientScript) {
	t.Helper()
	err := together(len(script), v.serial(), func(i int) error { return script[i].run(s.addr) })
	if err != nil {
		t.Error(err)
	}
}

// N5, N6, N9
func TestSameTranscriptFromEveryModel(t *testing.T) {
	seed := seedOf(t)
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		s.perform(t, v, newScript(seed, race.Less(10<<20, 6<<20)))
	})
}

func TestSameTranscriptWhenAnswersWait(t *testing.T) {
	seed := seedOf(t)
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Wait: 5 * time.Millisecond}})
		s.perform(t, v, newScript(seed, 200_000))
	})
}

// What all clients wait for takes as long as the longest, not as the sum: but in blocking.
func TestWaitsOverlap(t *testing.T) {
	const clients, wait = 8, 60 * time.Millisecond
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Wait: wait}})
		if v.serial() {
			began := time.Now()
			if err := together(clients, false, func(int) error {
				c, err := dial(s.addr)
				if err != nil {
					return err
				}
				defer c.Close()
				return exchange(c, []byte("tea"))
			}); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took < clients*wait {
				t.Errorf("%d waits of %v took %v, but one is after the other", clients, wait, took)
			}
			return
		}
		all, _ := s.crowd(t, clients)
		var took time.Duration
		for range 5 { // the machine may be busy, but not always
			began := time.Now()
			if err := together(clients, false, func(i int) error {
				return exchange(all[i], []byte("tea"))
			}); err != nil {
				t.Fatal(err)
			}
			if took = time.Since(began); took < clients*wait/2 {
				return
			}
		}
		t.Errorf("%d waits of %v took %v: they did not overlap", clients, wait, took)
	})
}
