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

// Each try waits twice as long as the one before it, up to a second.
func TestPauseBeforeReplacement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pauses []time.Duration
		last := time.Now()
		models.Restart(t.Context(), func() error {
			pauses = append(pauses, time.Since(last))
			if last = time.Now(); len(pauses) == 6 {
				return nil
			}
			return errors.New("no process to be had")
		})
		const ms = time.Millisecond
		want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1000 * ms, 1000 * ms}
		if !slices.Equal(pauses, want) {
			t.Errorf("the pauses were %v, want %v", pauses, want)
		}
	})
}

func TestNoReplacementWhileDraining(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, drain := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer drain()
		began := time.Now()
		models.Restart(ctx, func() error {
			t.Error("a worker was started")
			return nil
		})
		if took := time.Since(began); took != 50*time.Millisecond {
			t.Errorf("the drain was noticed after %v, want 50ms", took)
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
		eventually(t, "every worker is another", func() bool {
			now := s.workers(t)
			return len(now) == len(killed) && !slices.ContainsFunc(now, func(p process) bool {
				return slices.ContainsFunc(killed, func(k process) bool { return k.pid == p.pid })
			})
		})
		if served, _ := s.crowd(t, 3*limit); len(served) > limit {
			t.Errorf("%d clients were served at a time, the limit is %d", len(served), limit)
		}
	}
}
