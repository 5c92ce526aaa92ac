package uring_test

import (
	"sync/atomic"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

// TestEndRightBehindTheLastBytes, which have come together before the kernel receives: it must be
// told, whatever kind of socket it is.
func TestEndRightBehindTheLastBytes(t *testing.T) {
	for _, name := range []string{"unix", "TCP"} {
		for _, armed := range []bool{true, false} {
			r := open(t, uring.Config{})
			for range 50 {
				a, b := pair(t)
				if name == "TCP" {
					a, b = connection(t)
				}
				c := &client{}
				if armed {
					r.Receive(a, c)
					settle(t, r)
				}
				// The loop's thread must not be in the kernel meanwhile.
				var sent atomic.Bool
				go func() {
					defer sent.Store(true)
					send(t, b, []byte("x"))
					if err := sys.Shutdown(b, sys.ShutdownWrite); err != nil {
						t.Error(err)
					}
				}()
				for !sent.Load() {
					continue
				}
				if !armed {
					r.Receive(a, c)
				}
				drive(t, r, "the end comes over "+name, func() bool { return c.ended == 1 })
				if string(c.bytes) != "x" {
					t.Errorf("received %q", c.bytes)
				}
			}
		}
	}
}
