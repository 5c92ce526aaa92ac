//go:build unix

package selectortest

import (
	"testing"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

func allocationChecks() []check {
	return []check{{"NoAllocation", noAllocation}}
}

// noAllocation: neither a Select that finds something, nor one that waits in vain, nor one
// that is woken, nor changing what is watched makes work for the garbage collector.
func noAllocation(f *fixture) {
	a, b := f.pair()
	f.watch(a, both, nil)
	b.send("x")
	seen := 0
	handle := func(timeout time.Duration) {
		if _, err := f.sel.Select(timeout); err != nil {
			f.Fatal(err)
		}
		for range f.sel.Ready() {
			seen++
		}
	}
	fd := any(a.fd)
	modify := func(events selectors.Events) {
		if _, err := f.sel.Modify(fd, events, nil); err != nil {
			f.Fatal(err)
		}
	}
	f.allocates("Select that finds something", func() { handle(selectors.Forever) })
	f.allocates("Select that does not wait", func() { handle(0) })
	f.allocates("Modify", func() { modify(selectors.Read); modify(both) })
	f.allocates("Unregister and Register", func() {
		_, _ = f.sel.Unregister(fd)
		_, _ = f.sel.Register(fd, both, nil)
	})
	modify(selectors.Read)
	a.drain()
	f.allocates("Select that waits in vain", func() { handle(10 * time.Microsecond) })
	f.allocates("Select that is woken", func() { f.wake(); handle(selectors.Forever) })
	if seen == 0 {
		f.Error("nothing was ever ready")
	}
}

func (f *fixture) allocates(what string, run func()) {
	f.Helper()
	if n := testing.AllocsPerRun(200, run); n != 0 {
		f.Errorf("%s: %v allocations", what, n)
	}
}
