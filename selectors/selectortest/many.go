//go:build unix

package selectortest

import (
	"fmt"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

func manyChecks() []check {
	return []check{
		{"OneOfTwelve", oneOfTwelve},
		{"AllOfMany", allOfMany},
		{"OneAfterManyUnregistered", oneAfterManyUnregistered},
		{"AboveFDSetSize", aboveFDSetSize},
	}
}

// S26
func oneOfTwelve(f *fixture) {
	type connection struct{ r, w *end }
	var open []connection
	for range 12 {
		r, w := f.pair()
		f.watch(r, selectors.Read, nil)
		f.watch(w, selectors.Write, nil)
		open = append(open, connection{r, w})
	}
	for i := range open {
		// From the middle outwards: the order of descriptors must not matter.
		at := (i*5 + 7) % len(open)
		c := open[at]
		message := fmt.Sprint("message ", i)
		c.w.send(message)
		for fd, events := range f.find(selectors.Forever) {
			if events == selectors.Read && fd != c.r.fd {
				f.Fatalf("descriptor %d is ready, %d was written to", fd, c.r.fd)
			}
		}
		f.expect("written to", c.r, selectors.Read)
		if got := c.r.receive(); got != message {
			f.Fatalf("received %q, want %q", got, message)
		}
		f.unwatch(c.r)
		f.unwatch(c.w)
	}
	if f.sel.Len() != 0 {
		f.Errorf("Len is %d, want 0", f.sel.Len())
	}
}

// room returns how many pairs of descriptors can be opened, up to most.
func (f *fixture) room(most int) int {
	const spare = 64 // for the test itself and what else runs in the process
	return max(min(most, (sys.DescriptorLimit()-openDescriptors()-spare)/2), 0)
}

// watchable returns how many pairs of descriptors can be opened, and watched, up to most.
func (f *fixture) watchable(most int) int {
	pairs := f.room(most)
	if f.sel.Name() == "select" {
		pairs = min(pairs, (sys.FDSetSize-openDescriptors()-64)/2)
	}
	return pairs
}

// S32: one Select reports every one, however many; as many as the limits allow.
func allOfMany(f *fixture) {
	pairs := f.watchable(4000)
	f.Logf("%d pairs of descriptors", pairs)
	for range pairs {
		r, w := f.pair()
		f.watch(r, selectors.Read, nil)
		f.watch(w, selectors.Write, nil)
	}
	for range 2 {
		got := f.find(selectors.Forever)
		if len(got) != pairs {
			f.Fatalf("%d of %d writers are ready", len(got), pairs)
		}
		for fd, events := range got {
			if events != selectors.Write {
				f.Fatalf("descriptor %d is ready for %v", fd, events)
			}
		}
	}
}

// S38: what there is still to say of them hides nothing.
func oneAfterManyUnregistered(f *fixture) {
	pairs := f.watchable(4000)
	var all []*end
	for range pairs - 1 {
		a, b := f.pair()
		f.watch(a, selectors.Read, nil)
		f.watch(b, selectors.Read, nil)
		all = append(all, a, b)
	}
	last, peer := f.pair()
	f.watch(last, selectors.Read, nil)
	if got := f.find(0); len(got) != 0 {
		f.Fatalf("ready: %v", got)
	}
	for _, e := range all {
		f.unwatch(e)
	}
	peer.send("x")
	if got := f.find(selectors.Forever); len(got) != 1 || got[last.fd] != selectors.Read {
		f.Errorf("ready: %v, want descriptor %d", got, last.fd)
	}
}

// aboveFDSetSize: select says that it cannot, the others can.
func aboveFDSetSize(f *fixture) {
	if f.room(700) < 700 {
		f.Logf("the limit of %d descriptors is too low for one above 1,023", sys.DescriptorLimit())
		return
	}
	var last *end
	for last == nil || last.fd < sys.FDSetSize {
		_, last = f.pair()
	}
	if f.sel.Name() != "select" {
		f.watch(last, selectors.Write, nil)
		f.expect("a high number", last, selectors.Write)
		return
	}
	_, err := f.sel.Register(last, selectors.Write, nil)
	f.wantError("register", err, selectors.ErrTooLarge)
	if f.sel.Len() != 0 {
		f.Errorf("Len is %d, want 0", f.sel.Len())
	}
	if got := f.find(0); len(got) != 0 {
		f.Errorf("ready: %v", got)
	}
	if sel, err := f.open(); err == nil {
		// Below 1,024 there was a number left for its waker.
		sel.Close()
	}
}
