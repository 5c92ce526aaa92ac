package load_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/load"
)

// near reports whether got is want, give or take a share of it.
func near(got, want, share float64) bool { return math.Abs(got-want) <= share*want }

// TestKnownServiceTime has answers take 2 ms each, one after the other: a closed loop of one
// connection can then see at most 500 per second. On a busy machine a sleep takes longer, so
// rate and latency are held to each other and only bounded by the known time.
func TestKnownServiceTime(t *testing.T) {
	const service = 2 * time.Millisecond
	addr := serve(t, serial(64, func(int) { time.Sleep(service) }))
	for _, depth := range []int{1, 4} {
		l := dial(t, load.Config{Addr: addr, Size: 64, Depth: depth})
		res := saturate(t, l, 500*time.Millisecond)
		if rate := res.Rate(); rate > 505 || rate < 100 {
			t.Errorf("depth %d: %.0f requests/s; at most 500 are possible", depth, rate)
		}
		if p50 := time.Duration(res.Report().LatencyP50); p50 < time.Duration(depth)*service {
			t.Errorf("depth %d: half the answers in %v; each takes %v", depth, p50,
				time.Duration(depth)*service)
		}
		// Little's law: what is in flight is the rate times the time each is in flight.
		if flight := res.Rate() * res.Latency.Mean() / 1e9; !near(flight, float64(depth), 0.1) {
			t.Errorf("depth %d: %.2f requests in flight by rate and latency", depth, flight)
		}
	}
}

// TestStallIsPaidByAllThatItDelays stalls a server once, for 150 ms. At 1,000 requests per
// second 150 requests are delayed by it, so about one in seven is slow. A closed loop sends
// one request in that time and hardly notices.
func TestStallIsPaidByAllThatItDelays(t *testing.T) {
	const stall = 150 * time.Millisecond
	stalling := func(at int) handler {
		return serial(64, func(k int) {
			if k == at {
				time.Sleep(stall)
			}
		})
	}
	l := dial(t, load.Config{Addr: serve(t, stalling(400)), Size: 64})
	paced := pace(t, l, 1000, time.Second)
	if p99 := time.Duration(paced.Report().LatencyP99); p99 < stall/2 {
		t.Errorf("paced: 99 %% in %v; the stall of %v delays every seventh", p99, stall)
	}
	if most := time.Duration(paced.Latency.Max()); most < stall {
		t.Errorf("paced: at most %v; the stall takes %v", most, stall)
	}
	if got := paced.Latency.TotalCount(); got < 999 || got > 1001 {
		t.Errorf("paced: %d requests were due in the window; want 1000", got)
	}
	l = dial(t, load.Config{Addr: serve(t, stalling(400)), Size: 64})
	closed := saturate(t, l, 500*time.Millisecond).Report()
	if p50 := time.Duration(closed.LatencyP50); p50 > stall/3 {
		t.Errorf("closed loop: half in %v", p50)
	}
	if closed.Requests > 2000 && time.Duration(closed.LatencyP99) > stall/2 {
		t.Errorf("closed loop: one slow request of %d is no 99th percentile", closed.Requests)
	}
}

// TestPaceIsEvenlySpaced looks at when requests arrive, and on which connection.
func TestPaceIsEvenlySpaced(t *testing.T) {
	const conns, rate = 4, 400.0
	var arrived [conns]atomic.Int64
	addr := serve(t, func(i int, c net.Conn) {
		serial(10, func(int) { arrived[i].Add(1) })(i, c)
	})
	for _, spin := range []bool{false, true} {
		l := dial(t, load.Config{Addr: addr, Conns: conns, Size: 10, Spin: spin})
		clear(arrived[:])
		res, err := l.Pace(t.Context(), rate, 0, 500*time.Millisecond, load.Hooks{})
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Latency.TotalCount(); got < 199 || got > 201 {
			t.Errorf("%d requests in half a second at %.0f/s", got, rate)
		}
		l.Close()
		addr = serve(t, func(i int, c net.Conn) {
			serial(10, func(int) { arrived[i].Add(1) })(i, c)
		})
		for i := range arrived[:conns-1] {
			if d := arrived[i].Load() - arrived[i+1].Load(); d < -1 || d > 1 {
				t.Errorf("connections %d and %d had %d requests of a difference", i, i+1, d)
			}
		}
	}
}

// TestServerThatDoesNotKeepUp is asked for ten times what it can do.
func TestServerThatDoesNotKeepUp(t *testing.T) {
	addr := serve(t, serial(64, func(int) { time.Sleep(10 * time.Millisecond) }))
	l := dial(t, load.Config{Addr: addr, Size: 64, Timeout: 50 * time.Millisecond})
	res, err := l.Pace(t.Context(), 1000, 0, 200*time.Millisecond, load.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Latency.TotalCount(); got < 199 || got > 201 {
		t.Errorf("%d latencies; want those of all 200 requests that were due", got)
	}
	if res.Unanswered < 160 || res.Silent != 1 || res.Requests > 21 {
		t.Errorf("%d unanswered, %d silent, %d answered", res.Unanswered, res.Silent, res.Requests)
	}
	if p50 := time.Duration(res.Report().LatencyP50); p50 < 100*time.Millisecond {
		t.Errorf("half the requests waited %v only", p50)
	}
}

func TestHooksAreTheEndsOfTheWindow(t *testing.T) {
	l := dial(t, load.Config{Addr: serve(t, upper), Conns: 2})
	var start, end time.Time
	hooks := load.Hooks{
		Start: func(now time.Time) { start = now; time.Sleep(20 * time.Millisecond) },
		End:   func(now time.Time) { end = now },
	}
	phases := map[string]func() (*load.Result, error){
		"closed": func() (*load.Result, error) {
			return l.Saturate(t.Context(), 30*time.Millisecond, 50*time.Millisecond, hooks)
		},
		"paced": func() (*load.Result, error) {
			return l.Pace(t.Context(), 1000, 30*time.Millisecond, 50*time.Millisecond, hooks)
		},
	}
	for name, run := range phases {
		begun := time.Now()
		res, err := run()
		if err != nil {
			t.Fatal(err)
		}
		if d := start.Sub(begun); d < 30*time.Millisecond {
			t.Errorf("%s: Start after %v; the warm-up takes 30 ms", name, d)
		}
		// The 20 ms of the hook are in neither: the window begins when it returns.
		if d := end.Sub(start) - res.Elapsed; d < 20*time.Millisecond {
			t.Errorf("%s: %v between the hooks, %v measured", name, end.Sub(start), res.Elapsed)
		}
		if res.Elapsed < 50*time.Millisecond {
			t.Errorf("%s: %v measured; want 50 ms", name, res.Elapsed)
		}
	}
}

// TestSlowHookHoldsUpTheSchedule takes 200 ms in the hook, at 1,000 requests per second: what
// was due meanwhile is due later, and not sent in one burst into the window.
func TestSlowHookHoldsUpTheSchedule(t *testing.T) {
	var sent atomic.Int64
	l := dial(t, load.Config{Addr: serve(t, serial(64, func(int) { sent.Add(1) }))})
	res, err := l.Pace(t.Context(), 1000, 10*time.Millisecond, 300*time.Millisecond, load.Hooks{
		Start: func(time.Time) { time.Sleep(200 * time.Millisecond) }})
	if err != nil {
		t.Fatal(err)
	}
	if n := res.Latency.TotalCount(); n < 299 || n > 301 {
		t.Errorf("%d requests in 300 ms", n)
	}
	if n := sent.Load(); n > 310+100 {
		t.Errorf("%d requests in 310 ms and a hook", n)
	}
}

func TestReportIsJSON(t *testing.T) {
	l := dial(t, load.Config{Addr: serve(t, upper), Conns: 2, Depth: 3})
	res := saturate(t, l, 20*time.Millisecond)
	text, err := json.Marshal(res.Report())
	if err != nil {
		t.Fatal(err)
	}
	var back load.Report
	if err := json.Unmarshal(text, &back); err != nil || back != res.Report() {
		t.Errorf("%s: %v", text, err)
	}
	if back.Rate <= 0 || back.LatencyP50 <= 0 || back.LatencyP999 < back.LatencyP50 ||
		back.LatencyMax < back.LatencyP999 || back.Served != 2 || back.Depth != 3 {
		t.Errorf("%s", text)
	}
	if runtime.GOOS == "linux" && (back.GeneratorShare <= 0 || back.GeneratorShare > 1.05) {
		t.Errorf("the generator used %.2f of a CPU", back.GeneratorShare)
	}
}

func TestCancellationEndsEveryPhase(t *testing.T) {
	addr := serve(t, upper)
	phases := map[string]func(context.Context, *load.Load) error{
		"greet": func(ctx context.Context, l *load.Load) error {
			_, err := l.Greet(ctx, time.Minute)
			return err
		},
		"saturate": func(ctx context.Context, l *load.Load) error {
			_, err := l.Saturate(ctx, 0, time.Minute, load.Hooks{})
			return err
		},
		"pace": func(ctx context.Context, l *load.Load) error {
			_, err := l.Pace(ctx, 100, 0, time.Minute, load.Hooks{})
			return err
		},
		"idle": func(ctx context.Context, l *load.Load) error {
			_, err := l.Idle(ctx, time.Minute)
			return err
		},
	}
	for name, run := range phases {
		for _, backend := range load.Backends() {
			t.Run(name+"/"+backend, func(t *testing.T) {
				to := addr
				if name == "greet" {
					to = serve(t, func(int, net.Conn) { <-t.Context().Done() })
				}
				l := dial(t, load.Config{Addr: to, Conns: 4, Backend: backend})
				begun := time.Now()
				err := run(within(t, 50*time.Millisecond), l)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("err = %v", err)
				}
				if d := time.Since(begun); d > time.Second {
					t.Errorf("ended %v after the cancellation", d-50*time.Millisecond)
				}
				if name == "greet" {
					return
				}
				// What was under way is waited for, and the load is as good as new.
				if n, err := l.Greet(t.Context(), 5*time.Second); n != 4 || err != nil {
					t.Errorf("Greet afterwards = %d, %v", n, err)
				}
				check(t, saturate(t, l, 10*time.Millisecond), 4)
			})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load.Dial(ctx, load.Config{Addr: addr}); !errors.Is(err, context.Canceled) {
		t.Errorf("Dial with a cancelled context: %v", err)
	}
}

func TestNothingIsAllocatedPerMessage(t *testing.T) {
	testenv.NotShort(t)
	addr := serve(t, upper) // allocates per connection only, too
	l := dial(t, load.Config{Addr: addr, Conns: 10})
	var before, after runtime.MemStats
	hooks := load.Hooks{
		Start: func(time.Time) { runtime.ReadMemStats(&before) },
		End:   func(time.Time) { runtime.ReadMemStats(&after) },
	}
	for name, run := range map[string]func() (*load.Result, error){
		"closed": func() (*load.Result, error) {
			return l.Saturate(t.Context(), 50*time.Millisecond, 200*time.Millisecond, hooks)
		},
		"paced": func() (*load.Result, error) {
			return l.Pace(t.Context(), 5000, 50*time.Millisecond, 200*time.Millisecond, hooks)
		},
	} {
		res, err := run()
		if err != nil {
			t.Fatal(err)
		}
		allocs := float64(after.Mallocs-before.Mallocs) / float64(res.Requests)
		if allocs > 0.05 {
			t.Errorf("%s: %.3f allocations per message", name, allocs)
		}
	}
}
