//go:build unix

package selectortest

import "github.com/kettle-go/kettle/selectors"

func batchChecks() []check {
	return []check{
		{"ReadyGoesOnAfterBreak", readyGoesOnAfterBreak},
		{"SelectInsideReady", selectInsideReady},
		{"CloseInsideReady", closeInsideReady},
		{"RegisterInsideReady", registerInsideReady},
		{"SelectForgetsTheLast", selectForgetsTheLast},
	}
}

// ready registers n connections, each of which is readable.
func (f *fixture) ready(n int) {
	f.Helper()
	for range n {
		a, b := f.pair()
		b.send("x")
		f.watch(a, selectors.Read, nil)
	}
}

// readyGoesOnAfterBreak: each event once, in however many loops.
func readyGoesOnAfterBreak(f *fixture) {
	f.ready(7)
	f.findCount(7)
	seen := map[int]int{}
	for range 20 {
		for key := range f.sel.Ready() {
			seen[key.FD]++
			if len(seen)%2 == 1 {
				break
			}
		}
	}
	if len(seen) != 7 {
		f.Errorf("%d of 7 events were handled", len(seen))
	}
	for fd, times := range seen {
		if times != 1 {
			f.Errorf("the event of descriptor %d was handled %d times", fd, times)
		}
	}
}

// selectInsideReady: the loop goes on with what the new Select has found.
func selectInsideReady(f *fixture) {
	f.ready(5)
	f.findCount(5)
	handled := 0
	for key := range f.sel.Ready() {
		if handled++; handled == 3 {
			f.unwatch(key.FD)
			f.findCount(4)
		}
	}
	if handled != 3+4 {
		f.Errorf("%d events were handled, want 7", handled)
	}
}

func closeInsideReady(f *fixture) {
	f.ready(5)
	f.findCount(5)
	handled := 0
	for range f.sel.Ready() {
		handled++
		if err := f.sel.Close(); err != nil {
			f.Fatal(err)
		}
	}
	if handled != 1 {
		f.Errorf("%d events were handled, though the first closed the selector", handled)
	}
}

// registerInsideReady makes the table grow while its events are handled.
func registerInsideReady(f *fixture) {
	f.ready(5)
	f.findCount(5)
	handled, more := 0, f.room(200)/5
	for range f.sel.Ready() {
		handled++
		f.ready(more)
	}
	if handled != 5 {
		f.Errorf("%d events were handled, want 5", handled)
	}
	if got, want := len(f.find(0)), 5+5*more; got != want {
		f.Errorf("%d are ready, want %d", got, want)
	}
}

func selectForgetsTheLast(f *fixture) {
	a, b := f.pair()
	b.send("x")
	f.watch(a, selectors.Read, nil)
	f.findCount(1)
	a.drain()
	if n, err := f.sel.Select(0); n != 0 || err != nil {
		f.Fatalf("Select: %d, %v", n, err)
	}
	if got := collect(f, f.sel, 0); len(got) != 0 {
		f.Errorf("forgotten events are delivered: %v", got)
	}
}
