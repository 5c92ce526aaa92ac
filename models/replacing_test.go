package models_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// How prefork replaces a worker that has ended.

// Each pause is twice as long as the one before it, up to ten seconds, until a worker has lived
// longer than that.
func TestPauseBeforeReplacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var pauses []time.Duration
		last := time.Now()
		models.Keep(ctx, func() error {
			pauses = append(pauses, time.Since(last).Round(time.Millisecond))
			switch len(pauses) {
			case 4:
				window(ctx, time.Second) // which is not long
			case 9:
				window(ctx, time.Minute)
			case 11:
				stop()
			}
			last = time.Now()
			return errors.New("it has crashed")
		})
		const ms = time.Millisecond
		want := []time.Duration{0, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms,
			6400 * ms, 10_000 * ms, 100 * ms, 200 * ms}
		if !slices.Equal(pauses, want) {
			t.Errorf("the pauses were %v, want %v", pauses, want)
		}
	})
}

func TestNoReplacementWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, drain := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer drain()
		began, started := time.Now(), 0
		models.Keep(ctx, func() error {
			started++
			return errors.New("it has crashed")
		})
		if took := time.Since(began); started != 1 || took != 50*time.Millisecond {
			t.Errorf("%d workers were started, the drain was noticed after %v, want 50ms", started,
				took)
		}
	})
}

func TestReplacementHasTheSameLimit(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Proc)
	limit := 2 * runtime.NumCPU()
	for _, v := range modelsOnly() {
		if !v.forked() {
			continue
		}
		s := start(t, v, launch{Config: models.Config{MaxConns: limit}})
		killed := s.workers(t)
		for _, p := range killed {
			if err := sys.Kill(p.pid); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "every worker is another", func() bool { return s.replaced(t, killed) })
		if served, _ := s.crowd(t, 3*limit); len(served) != limit {
			t.Errorf("%d clients were served at a time, the limit is %d", len(served), limit)
		}
	}
}

// replaced reports whether there are as many workers as were killed, and none of those is left,
// be it to be reaped.
func (s *server) replaced(t *testing.T, killed []process) bool {
	now := s.workers(t)
	return len(now) == len(killed) && !slices.ContainsFunc(now, func(p process) bool {
		return slices.ContainsFunc(killed, func(k process) bool { return k.pid == p.pid })
	})
}
