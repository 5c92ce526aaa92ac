package load_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// TestAnswersThatAwaitTheHookAreNotCounted: a server answers all that is under way while the
// hook runs, and nothing that it is sent after that. The window that follows has no answer.
func TestAnswersThatAwaitTheHookAreNotCounted(t *testing.T) {
	const conns, depth = 4, 8
	phases := map[string]func(context.Context, *load.Load, load.Hooks) (*load.Result, error){
		"closed": func(ctx context.Context, l *load.Load, h load.Hooks) (*load.Result, error) {
			return l.Saturate(ctx, 20*time.Millisecond, 50*time.Millisecond, h)
		},
		"paced": func(ctx context.Context, l *load.Load, h load.Hooks) (*load.Result, error) {
			return l.Pace(ctx, 20_000, 20*time.Millisecond, 50*time.Millisecond, h)
		},
	}
	for name, phase := range phases {
		for _, backend := range load.Backends() {
			var silent atomic.Bool
			over := make(chan struct{})
			addr := serve(t, serial(64, func(int) {
				if silent.Load() {
					<-over
				}
			}))
			l := dial(t, load.Config{Addr: addr, Conns: conns, Depth: depth, Backend: backend})
			res, err := phase(t.Context(), l, load.Hooks{
				Start: func(time.Time) {
					time.Sleep(100 * time.Millisecond) // the server has long answered
					silent.Store(true)
				},
				End: func(time.Time) { close(over) },
			})
			if err != nil {
				t.Fatalf("%s, %s: %v", name, backend, err)
			}
			if res.Requests != 0 || res.Bytes != 0 || res.Served != 0 {
				t.Errorf("%s, %s: %d answers, %d bytes, %d connections in a silent window", name,
					backend, res.Requests, res.Bytes, res.Served)
			}
			if name == "closed" && res.Latency.TotalCount() != 0 {
				t.Errorf("%s: %d latencies without an answer", backend, res.Latency.TotalCount())
			}
		}
	}
}

// TestNoLatencyContainsTheHook: the request that follows an answer that has waited for the hook
// is sent after it.
func TestNoLatencyContainsTheHook(t *testing.T) {
	const held = 300 * time.Millisecond
	l := dial(t, load.Config{Addr: serve(t, upper), Conns: 4, Depth: 2})
	hooks := load.Hooks{Start: func(time.Time) { time.Sleep(held) }}
	res, err := l.Saturate(t.Context(), 20*time.Millisecond, 50*time.Millisecond, hooks)
	if err != nil {
		t.Fatal(err)
	}
	if most := time.Duration(res.Latency.Max()); most >= held {
		t.Errorf("a latency of %v after a hook of %v", most, held)
	}
}
