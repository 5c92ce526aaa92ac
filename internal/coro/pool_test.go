package coro_test

import (
	"runtime"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
)

// life resumes a coroutine to its end and gives it back.
func life(t *testing.T, p *coro.Pool, body func(*coro.Coro)) {
	t.Helper()
	c := p.New(coro.Func(body))
	for c.Resume() {
	}
	p.Put(c)
}

// TestPoolReusesGoroutines of bodies that returned or panicked; Goexit takes its goroutine along.
func TestPoolReusesGoroutines(t *testing.T) {
	pool := coro.Pool{Max: 1}
	defer pool.Close()
	for _, e := range endings() {
		var first, second *coro.Coro
		life(t, &pool, func(c *coro.Coro) {
			first = c
			c.Yield()
			e.body()
		})
		exits := e.goexit || e.name == "panic while Goexit is under way"
		if want := 1; exits {
			if pool.Len() != 0 {
				t.Errorf("after %s the pool keeps a coroutine without a goroutine", e.name)
			}
		} else if pool.Len() != want {
			t.Errorf("after %s the pool keeps %d coroutines, want %d", e.name, pool.Len(), want)
		}
		life(t, &pool, func(c *coro.Coro) {
			second = c
			if c.Failure() != nil {
				t.Errorf("after %s the next body finds the failure %v", e.name, c.Failure())
			}
			if !c.Yield() {
				t.Errorf("after %s the next body is stopped", e.name)
			}
			if c.Goroutine() != sys.Goroutine() {
				t.Errorf("after %s the next body has the goroutine of another", e.name)
			}
		})
		if (first == second) == exits {
			t.Errorf("after %s the coroutine is the same for the next body: %v", e.name,
				first == second)
		}
	}
}

// goroutines returns how many there are, when those that Goexit has taken along have ended.
func goroutines(t *testing.T) int {
	t.Helper()
	if err := goleak.Find(goleak.IgnoreAnyFunction("iter.Pull[...].func1")); err != nil {
		t.Fatal(err)
	}
	return runtime.NumGoroutine()
}

// TestPoolIsBounded: it keeps Max coroutines, the others end with their bodies.
func TestPoolIsBounded(t *testing.T) {
	const most = 3
	pool := coro.Pool{Max: most}
	var all []*coro.Coro
	for range 2 * most {
		c := pool.New(coro.Func(func(c *coro.Coro) { c.Yield() }))
		c.Resume()
		all = append(all, c)
	}
	before := goroutines(t)
	for i, c := range all {
		c.Resume()
		pool.Put(c)
		if want := min(i+1, most); pool.Len() != want {
			t.Errorf("%d were given back, %d are kept, want %d", i+1, pool.Len(), want)
		}
	}
	if ended := before - runtime.NumGoroutine(); ended != most {
		t.Errorf("%d goroutines have ended, want %d", ended, most)
	}
	pool.Close()
	if ended := before - runtime.NumGoroutine(); ended != 2*most || pool.Len() != 0 {
		t.Errorf("after Close %d goroutines have ended, want %d; %d are kept", ended, 2*most,
			pool.Len())
	}
	life(t, &pool, func(c *coro.Coro) { c.Yield() })
	pool.Close()
}

// TestStoppedCoroutinesOfAPool can be given back in every state, and are not kept.
func TestStoppedCoroutinesOfAPool(t *testing.T) {
	pool := coro.Pool{Max: 1}
	before := goroutines(t)
	for _, resumes := range []int{0, 1} {
		for _, used := range []bool{false, true} {
			if used { // its goroutine has had a body before
				life(t, &pool, func(*coro.Coro) {})
			}
			bodies := 0
			c := pool.New(coro.Func(func(c *coro.Coro) {
				for bodies++; c.Yield(); {
				}
			}))
			for range resumes {
				c.Resume()
			}
			c.Stop()
			pool.Put(c)
			if bodies != resumes || pool.Len() != 0 {
				t.Errorf("resumed %d times, then stopped: %d bodies began, %d are kept", resumes,
					bodies, pool.Len())
			}
		}
	}
	if after := runtime.NumGoroutine(); after != before {
		t.Errorf("%d goroutines are left", after-before)
	}
}

// TestGivingBackALiveCoroutine is a mistake that would hand it to two bodies.
func TestGivingBackALiveCoroutine(t *testing.T) {
	pool := coro.Pool{Max: 1}
	c := pool.New(coro.Func(func(c *coro.Coro) { c.Yield() }))
	c.Resume()
	defer c.Stop()
	defer func() {
		if recover() == nil || pool.Len() != 0 {
			t.Error("the pool took back a coroutine that has not ended")
		}
	}()
	pool.Put(c)
}

// TestManyLivesLeaveNothing: 10,000 coroutines that end in all ways, that are stopped in the
// middle, and that are stopped before they begin, with a pool and without.
func TestManyLivesLeaveNothing(t *testing.T) {
	const many = 10_000
	pool := coro.Pool{Max: 16}
	begun, ended := 0, 0
	ways := slices.Concat(endings(), []ending{{name: "stopped"}, {name: "not begun"}})
	for i := range many {
		way := ways[i%len(ways)]
		body := coro.Func(func(c *coro.Coro) {
			begun++
			defer func() { ended++ }()
			if c.Yield() {
				way.body()
			}
		})
		make := func() *coro.Coro { return coro.New(body) }
		if i%2 == 0 {
			make = func() *coro.Coro { return pool.New(body) }
		}
		c := make()
		if way.name != "not begun" {
			c.Resume()
		}
		if way.body != nil && c.Resume() {
			t.Fatalf("%s is not the end", way.name)
		}
		c.Stop()
		if i%2 == 0 {
			pool.Put(c)
		}
	}
	want := many - many/len(ways)
	if begun != want || ended != want {
		t.Errorf("%d bodies began and %d ended, want %d", begun, ended, want)
	}
	pool.Close()
	// That no goroutine is left is for TestMain: those of Goexit end by themselves.
}

// BenchmarkPooledLife is BenchmarkLife with a pool.
func BenchmarkPooledLife(b *testing.B) {
	b.ReportAllocs()
	pool := coro.Pool{Max: 1}
	defer pool.Close()
	body := coro.Func(func(c *coro.Coro) { c.Yield() })
	for b.Loop() {
		c := pool.New(body)
		c.Resume()
		c.Resume()
		pool.Put(c)
	}
}
