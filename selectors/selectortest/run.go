//go:build unix

package selectortest

import (
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// A check holds one promise.
type check struct {
	name string
	run  func(*fixture)
}

// Run runs the suite on the selectors that open returns, a new one each time. It takes a few
// seconds, sends the process signals, and uses as many descriptors as its limit allows, up
// to 8,000, so it must not run beside other tests. It blocks until all is done.
func Run(t *testing.T, open func() (*selectors.Selector, error)) {
	t.Helper()
	sel, err := open()
	if err != nil {
		t.Fatalf("open the selector: %v", err)
	}
	if err := sel.Close(); err != nil { // Go's own poller has its descriptors from now on
		t.Fatalf("close the selector: %v", err)
	}
	for _, c := range slices.Concat(tableChecks(), fileChecks(), waitingChecks(),
		readinessChecks(), manyChecks(), staleChecks(), batchChecks(), wakeupChecks(),
		allocationChecks(), modelChecks(), dispatchingChecks()) {
		t.Run(c.name, func(t *testing.T) {
			noDescriptorLeft(t)
			f := newFixture(t, open)
			defer AtOnce(f.sel)()
			c.run(f)
		})
	}
}

// AtOnce has sel tell at once of what has become ready, for a test that does not wait for it: until
// the function that it returns is called, the goroutine keeps its thread. What becomes ready is on
// its way to io_uring through the thread that has registered it, and if that is another one by now,
// a Select that does not wait may come too early.
func AtOnce(sel *selectors.Selector) (undo func()) {
	if sel.Name() != "io_uring" {
		return func() {}
	}
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// fixture is one test, and the selector that it looks at.
type fixture struct {
	*testing.T
	sel  *selectors.Selector
	open func() (*selectors.Selector, error)
}

func newFixture(t *testing.T, open func() (*selectors.Selector, error)) *fixture {
	f := &fixture{T: t, open: open}
	f.sel = f.another()
	return f
}

// another returns one more selector, which is closed at the end of the test.
func (f *fixture) another() *selectors.Selector {
	f.Helper()
	sel, err := f.open()
	if err != nil {
		f.Fatalf("open the selector: %v", err)
	}
	f.Cleanup(func() {
		if err := sel.Close(); err != nil {
			f.Errorf("close: %v", err)
		}
	})
	return sel
}

// watch registers file, which must succeed.
func (f *fixture) watch(file any, events selectors.Events, data any) selectors.Key {
	f.Helper()
	key, err := f.sel.Register(file, events, data)
	if err != nil {
		f.Fatalf("register: %v", err)
	}
	return key
}

// unwatch unregisters file, which must succeed.
func (f *fixture) unwatch(file any) {
	f.Helper()
	if _, err := f.sel.Unregister(file); err != nil {
		f.Fatalf("unregister: %v", err)
	}
}

// find returns what one Select finds, with the entries of a descriptor put together. It
// fails if a bit comes twice, or is none that was asked for.
func (f *fixture) find(timeout time.Duration) map[int]selectors.Events {
	f.Helper()
	n, err := f.sel.Select(timeout)
	if err != nil {
		f.Fatalf("Select(%v): %v", timeout, err)
	}
	return collect(f, f.sel, n)
}

// collect goes through Ready; no more than most entries may come.
func collect(t failer, sel *selectors.Selector, most int) map[int]selectors.Events {
	t.Helper()
	found := map[int]selectors.Events{}
	entries := 0
	for key, events := range sel.Ready() {
		entries++
		if events == 0 || events&^key.Events != 0 {
			t.Fatalf("descriptor %d, watched for %v, is ready for %v", key.FD, key.Events, events)
		}
		if found[key.FD]&events != 0 {
			t.Fatalf("descriptor %d: %v is reported twice", key.FD, found[key.FD]&events)
		}
		found[key.FD] |= events
	}
	if entries > most {
		t.Fatalf("Select returned %d, Ready went through %d", most, entries)
	}
	return found
}

// expect fails unless a Select that does not wait finds events for e; 0 means nothing.
func (f *fixture) expect(what string, e *end, events selectors.Events) {
	f.Helper()
	if got := f.find(0)[e.fd]; got != events {
		f.Fatalf("%s: ready for %v, want %v", what, got, events)
	}
}

// await is expect for what the kernel may take a moment to arrive at.
func (f *fixture) await(what string, e *end, events selectors.Events) {
	f.Helper()
	var got selectors.Events
	for range 1000 {
		if got = f.find(10 * time.Millisecond)[e.fd]; got == events {
			return
		}
	}
	f.Fatalf("%s: ready for %v, want %v", what, got, events)
}

// noDescriptorLeft fails the test if the process has more descriptors at its end. The check
// is the first cleanup to be registered, so it runs after all others.
func noDescriptorLeft(t *testing.T) {
	before := openDescriptors()
	t.Cleanup(func() {
		if after := openDescriptors(); after > before {
			t.Errorf("%d descriptors are left open", after-before)
		}
	})
}

// openDescriptors counts the descriptors of the process; 0 where no directory lists them.
func openDescriptors() int {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
