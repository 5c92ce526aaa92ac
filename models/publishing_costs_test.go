package models_test

import (
	"context"
	"io"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// On a loop nothing is allocated for a line or for a delivery, to whoever reads.
func TestNoAllocationPerDelivery(t *testing.T) {
	const clients, lines = 20, 400
	loops := slices.DeleteFunc(publishers(t), func(v variant) bool {
		return v.model.Name == "goroutines" || v.loops > 1
	})
	for _, v := range loops { // not beside each other, as the whole process is counted
		t.Run(v.String(), func(t *testing.T) {
			testenv.Need(t, testenv.Unix)
			if v.onRing() {
				testenv.Need(t, testenv.Rings)
			}
			all := publishInside(t, v, clients)
			line := []byte("the same line again and again, which is what all get\n")
			got := make([]byte, len(line))
			publish := func(n int) {
				for range n {
					say(t, all[0], line)
					for _, c := range all {
						if _, err := io.ReadFull(c, got); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			publish(10)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			publish(lines)
			runtime.ReadMemStats(&after)
			if n := after.Mallocs - before.Mallocs; n > lines/2 {
				t.Errorf("%d allocations for %d deliveries of %d lines", n, lines*clients, lines)
			}
		})
	}
}

// publishInside runs a server in this process until the test ends, and returns clients that it
// knows.
func publishInside(t *testing.T, v variant, clients int) []*net.TCPConn {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- v.model.Serve(ctx, models.Config{Addr: "127.0.0.1:0", Service: "publish",
			Backend: v.backend, Ready: func(a net.Addr) { ready <- a }})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var addr net.Addr
	select {
	case addr = <-ready:
	case err := <-ended:
		ended <- err
		t.Fatal("the server has ended")
	}
	var all []*net.TCPConn
	for range clients {
		c, err := dial(addr.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		c.SetDeadline(time.Now().Add(2 * patience))
		all = append(all, c)
		say(t, c, []byte("x\n"))
		for _, c := range all {
			if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}
