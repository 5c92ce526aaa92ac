package models_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/models"
)

// The server's end may come between any two lines of a loop. These tests have it come each time
// that the loop looks whether it has: a loop that looks twice in a turn, and finds two answers,
// must not do half of what they ask for.

// lookedAt is a context that is cancelled when its error is asked for the n-th time.
type lookedAt struct {
	context.Context
	cancel context.CancelFunc
	left   atomic.Int64
}

func newLookedAt(t *testing.T, n int64) *lookedAt {
	ctx, cancel := context.WithCancel(t.Context())
	c := &lookedAt{Context: ctx, cancel: cancel}
	c.left.Store(n)
	return c
}

func (c *lookedAt) Err() error {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
	return c.Context.Err()
}

func TestDrainBeginsAtAnyLook(t *testing.T) {
	forEach(t, inProcess(), func(t *testing.T, v variant) {
		for n := range int64(30) {
			ctx := newLookedAt(t, n+1)
			serveOneClient(t, v, ctx, t.Context(), 0, ctx.cancel)
		}
	})
}

func TestGraceEndsAtAnyLook(t *testing.T) {
	forEach(t, inProcess(), func(t *testing.T, v variant) {
		for n := range int64(20) {
			ctx, cancel := context.WithCancel(t.Context())
			over := newLookedAt(t, n+1)
			serveOneClient(t, v, ctx, over, time.Hour, func() {
				cancel()
				over.cancel()
			})
		}
	})
}

// The drain has begun, and an answer waits, when the loop looks at the grace.
func TestGraceEndsAtAnyLookOfDrain(t *testing.T) {
	forEach(t, inProcess(), func(t *testing.T, v variant) {
		for n := range int64(20) {
			ctx, cancel := context.WithCancel(t.Context())
			over := newLookedAt(t, 1000)
			serveOneClient(t, v, ctx, over, time.Hour, func() {
				over.left.Store(n + 1)
				cancel()
				window(t.Context(), 5*time.Millisecond)
				over.cancel()
			})
		}
	})
}

// inProcess returns the variants that have one loop in one process.
func inProcess() []variant {
	var some []variant
	for _, v := range variants() {
		if v.singleThreaded() && !v.forked() {
			some = append(some, v)
		}
	}
	return some
}

// serveOneClient has a server serve one client until the contexts end it, or end does.
func serveOneClient(t *testing.T, v variant, ctx, over context.Context, wait time.Duration,
	end func()) {
	t.Helper()
	addrs, served := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		served <- v.model.ServeUntil(ctx, over, models.Config{Addr: "127.0.0.1:0", Wait: wait,
			Backend: v.backend, Loops: v.loops, Ready: func(a net.Addr) { addrs <- a }})
	}()
	select {
	case addr := <-addrs:
		if c, err := net.Dial("tcp", addr.String()); err == nil {
			defer c.Close()
			buf := make([]byte, 16)
			c.Write([]byte("hello"))
			if wait == 0 {
				c.Read(buf) // the answer, or the end
			}
		}
	case err := <-served:
		served <- err
	}
	end()
	select {
	case err := <-served:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(patience):
		t.Fatal("the server goes on")
	}
}
