package switching_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/switching"
)

// short is how long a kind is measured.
const short = 20 * time.Millisecond

// measured measures a kind, and checks that the figures are possible.
func measured(t testing.TB, kind switching.Kind) switching.Result {
	t.Helper()
	r, err := switching.Measure(t.Context(), kind, short)
	if err != nil {
		t.Fatal(err)
	}
	if r.Kind != kind || kind.Summary() == "" {
		t.Errorf("%s: the result is of %q", kind, r.Kind)
	}
	if r.Unavailable != "" {
		if runtime.GOOS == "linux" {
			t.Errorf("%s: unavailable: %s", kind, r.Unavailable)
		}
		return r
	}
	elapsed := time.Duration(r.ElapsedNS)
	if r.Switches < int64(2*r.Batches) || r.Batches < 5 || elapsed < short ||
		r.NS <= 0 || r.LowNS > r.NS || r.HighNS < r.NS {
		t.Errorf("%s: %+v", kind, r)
	}
	return r
}

// TestEachKindIsMeasured, and leaves the process as it was.
func TestEachKindIsMeasured(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	for _, kind := range switching.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			r := measured(t, kind)
			if after := runtime.GOMAXPROCS(0); after != before {
				t.Errorf("GOMAXPROCS is %d, and was %d", after, before)
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var same switching.Result
			if err := json.Unmarshal(text, &same); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, same); diff != "" {
				t.Errorf("from %s (-before +after):\n%s", text, diff)
			}
		})
	}
}

// TestWhoIsSwitchedByTheKernel is counted and not timed. On one CPU there is no other way from
// one thread to another, and none at all between parties of the same thread.
func TestWhoIsSwitchedByTheKernel(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	for kind, once := range map[switching.Kind]bool{
		switching.Processes: true, switching.Threads: true,
		switching.Pipe: false, switching.Goroutines: false, switching.Tasks: false,
		switching.Coroutines: false, switching.Callbacks: false, switching.Calls: false,
	} {
		t.Run(string(kind), func(t *testing.T) {
			r := measured(t, kind)
			if r.Uncounted != "" || r.KernelSwitches == nil || r.CPUNS == nil {
				t.Fatalf("not counted: %q", r.Uncounted)
			}
			low, high := 0.0, 0.25 // other programs want the CPU now and then
			if once {
				low, high = 0.98, 2
			}
			if n := *r.KernelSwitches; n < low || n > high {
				t.Errorf("%.3f kernel switches per switch, want %.2f to %.2f", n, low, high)
			}
			if n := *r.Voluntary + *r.Involuntary; n < *r.KernelSwitches*0.999 ||
				n > *r.KernelSwitches*1.001 {
				t.Errorf("%v voluntary and %v involuntary ones are not %v", *r.Voluntary,
					*r.Involuntary, *r.KernelSwitches)
			}
			if *r.CPUNS <= 0 {
				t.Errorf("%v ns of CPU time", *r.CPUNS)
			}
		})
	}
}

// TestMeasuringIsCancelled in the middle, for whatever reason.
func TestMeasuringIsCancelled(t *testing.T) {
	enough := errors.New("enough")
	for _, kind := range switching.Kinds() {
		t.Run(string(kind), func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := time.AfterFunc(short, func() { cancel(enough) })
			defer stop.Stop()
			r, err := switching.Measure(ctx, kind, time.Hour)
			if r.Unavailable != "" {
				return
			}
			want := fmt.Sprintf("measure %s: enough", kind)
			if !errors.Is(err, enough) || err.Error() != want {
				t.Errorf("the error is %v, want %s", err, want)
			}
		})
	}
}

func TestImpossibleMeasurements(t *testing.T) {
	const all = "there is processes, threads, pipe, goroutines, tasks, coroutines, callbacks, calls"
	for _, c := range []struct {
		kind switching.Kind
		d    time.Duration
		want string
	}{
		{"sofas", short, `measure switches: unknown kind "sofas": ` + all},
		{"", short, `measure switches: unknown kind "": ` + all},
		{switching.Calls, 0, "measure calls for 0s: it must be more than nothing"},
		{switching.Threads, -short, "measure threads for -20ms: it must be more than nothing"},
	} {
		r, err := switching.Measure(t.Context(), c.kind, c.d)
		if err == nil || err.Error() != c.want || r != (switching.Result{}) {
			t.Errorf("Measure(%q, %v): %v, %+v, want %q", c.kind, c.d, err, r, c.want)
		}
	}
}

func TestKindsAreFoundByName(t *testing.T) {
	for _, kind := range switching.Kinds() {
		if got, err := switching.Lookup(string(kind)); got != kind || err != nil {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
	if got, err := switching.Lookup("Calls"); got != "" || err == nil ||
		!strings.HasPrefix(err.Error(), `unknown kind "Calls": there is `) {
		t.Errorf("an unknown one: %q, %v", got, err)
	}
	if text := switching.Kind("sofas").Summary(); text != "" {
		t.Errorf("the summary of an unknown kind is %q", text)
	}
}

// BenchmarkSwitch has every kind beside each other, as the tests measure it:
//
//	go test -run '^$' -bench Switch -count 10 ./lab/switching | benchstat -col /kind -
func BenchmarkSwitch(b *testing.B) {
	for _, kind := range switching.Kinds() {
		b.Run("kind="+string(kind), func(b *testing.B) {
			var switches, elapsed int64
			var kernel float64
			for b.Loop() {
				r := measured(b, kind)
				switches += r.Switches
				elapsed += r.ElapsedNS
				if r.KernelSwitches != nil {
					kernel += *r.KernelSwitches * float64(r.Switches)
				}
			}
			if switches > 0 {
				b.ReportMetric(float64(elapsed)/float64(switches), "ns/switch")
				b.ReportMetric(kernel/float64(switches), "kernel-switches/switch")
			}
		})
	}
}
