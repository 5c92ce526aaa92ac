package switching_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab/switching"
)

func TestTable(t *testing.T) {
	var b strings.Builder
	if err := switching.WriteTable(&b, []switching.Result{
		{Kind: switching.Processes, Unavailable: "there is no room"},
		{Kind: switching.Threads, NS: 2612.4, LowNS: 2599.6, HighNS: 12700, CPUNS: new(2501.0),
			KernelSwitches: new(1.004), CPU: new(0)},
		{Kind: switching.Goroutines, NS: 141, LowNS: 139, HighNS: 145.2,
			Uncounted: "nobody counts"},
		{Kind: switching.Coroutines, NS: 41.35, LowNS: 40.5, HighNS: 42, CPUNS: new(31.0),
			KernelSwitches: new(1e-5)},
		{Kind: switching.Calls, NS: 2.04, LowNS: 2, HighNS: 2.26, CPUNS: new(2.04),
			KernelSwitches: new(0.0)},
	}); err != nil {
		t.Fatal(err)
	}
	const want = `            ns per    middle half  kernel switches      CPU ns  relative to
kind        switch     of batches       per switch  per switch  a coroutine
processes      n/a            n/a              n/a         n/a          n/a
threads       2612  2600 to 12700             1.00        2501           81
goroutines     141     139 to 145              n/a         n/a          3.4
coroutines      41       40 to 42            <0.01          31          1.0
calls          2.0     2.0 to 2.3             0.00         2.0         0.07

processes: two processes on one CPU, a pipe there and one back; not measured: there is no room
threads: two threads on one CPU, a pipe there and one back (CPU 0)
goroutines: two goroutines, unbuffered channels, GOMAXPROCS=1; n/a: nobody counts
coroutines: a coroutine, resumed and yielding; the CPU was shared: go by CPU time
calls: two methods, called through an interface: no switch, the floor
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}

// TestTableWithoutCoroutines has nothing to compare with.
func TestTableWithoutCoroutines(t *testing.T) {
	var b strings.Builder
	err := switching.WriteTable(&b, []switching.Result{{Kind: switching.Calls, NS: 2, LowNS: 2,
		HighNS: 2}})
	if err != nil || !strings.Contains(b.String(), "\ncalls     2.0   2.0 to 2.0              n/a"+
		"         n/a          n/a\n") {
		t.Errorf("%v\n%s", err, b.String())
	}
}

// full is where nothing can be written.
type full struct{ error }

func (f full) Write([]byte) (int, error) { return 0, f.error }

func TestTableThatCannotBeWritten(t *testing.T) {
	f := full{errors.New("full")}
	if err := switching.WriteTable(f, nil); err != f.error {
		t.Errorf("the error is %v", err)
	}
}
