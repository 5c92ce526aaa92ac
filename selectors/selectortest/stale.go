//go:build unix

package selectortest

import (
	"math/rand/v2"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

func staleChecks() []check {
	return []check{
		{"NumberReusedInTheBatch", numberReusedInTheBatch},
		{"UnregisteredInTheBatch", unregisteredInTheBatch},
		{"RegisteredAnewInTheBatch", registeredAnewInTheBatch},
		{"NoLongerWatchedFor", noLongerWatchedFor},
		{"DuplicateLivesOn", duplicateLivesOn},
		{"DuplicateDoesNotHideOthers", duplicateDoesNotHideOthers},
	}
}

// tagged is one connection, which knows when it was made: nothing is ever sent to the
// connections that come later.
type tagged struct {
	*end
	peer  *end
	quiet bool // nothing was sent to it
}

// numberReusedInTheBatch closes connections whose events are pending, and gives their numbers
// to new ones to which nobody has sent anything: whoever hears of those has been misled.
func numberReusedInTheBatch(f *fixture) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 5))
		var all []*tagged
		for range 2 + random.IntN(12) {
			a, b := f.pair()
			b.send("x")
			c := &tagged{end: a, peer: b}
			f.watch(a.fd, selectors.Read, c)
			all = append(all, c)
		}
		f.findCount(len(all))
		for key := range f.sel.Ready() {
			if key.Data.(*tagged).quiet {
				f.Fatalf("seed %d: the new owner of descriptor %d got a stale event", seed, key.FD)
			}
			at := random.IntN(len(all))
			all[at] = f.succeed(all[at], random.IntN(2) == 0)
		}
		for _, c := range all {
			f.unwatch(c.fd)
			c.close()
			c.peer.close()
		}
	}
}

// succeed replaces a connection by one with the same number.
func (f *fixture) succeed(c *tagged, unregisterFirst bool) *tagged {
	f.Helper()
	fd := c.fd
	if unregisterFirst {
		f.unwatch(fd)
	}
	c.close()
	c.peer.close()
	if !unregisterFirst {
		f.unwatch(fd)
	}
	a, b := f.replace(fd)
	next := &tagged{a, b, true}
	f.watch(fd, selectors.Read, next)
	return next
}

// findCount selects, and expects that n are ready.
func (f *fixture) findCount(n int) {
	f.Helper()
	if got, err := f.sel.Select(selectors.Forever); got != n || err != nil {
		f.Fatalf("Select: %d, %v, want %d", got, err, n)
	}
}

func unregisteredInTheBatch(f *fixture) {
	var all []*end
	for range 10 {
		a, b := f.pair()
		b.send("x")
		f.watch(a, selectors.Read, nil)
		all = append(all, a)
	}
	f.findCount(len(all))
	seen := 0
	for key := range f.sel.Ready() {
		seen++
		for _, e := range all {
			if e != key.File {
				_, _ = f.sel.Unregister(e)
			}
		}
	}
	if seen != 1 || f.sel.Len() != 1 {
		f.Errorf("the first of %d unregistered the others, but %d were handled", len(all), seen)
	}
}

// registeredAnewInTheBatch: a new registration begins with nothing, and the next Select
// finds what there is.
func registeredAnewInTheBatch(f *fixture) {
	a, b := f.pair()
	f.watch(a, both, "old")
	b.send("x")
	if _, err := f.sel.Select(selectors.Forever); err != nil {
		f.Fatal(err)
	}
	f.unwatch(a)
	f.watch(a, both, "new")
	for key, events := range f.sel.Ready() {
		f.Errorf("the new registration %+v got an old event, %v", key, events)
	}
	f.expect("selected anew", a, both)
}

// noLongerWatchedFor takes interest away while its event is pending.
func noLongerWatchedFor(f *fixture) {
	a, b := f.pair()
	b.send("x")
	for _, keep := range []selectors.Events{selectors.Read, selectors.Write} {
		f.watch(a, both, nil)
		if _, err := f.sel.Select(selectors.Forever); err != nil {
			f.Fatal(err)
		}
		if _, err := f.sel.Modify(a, keep, nil); err != nil {
			f.Fatal(err)
		}
		if got := collect(f, f.sel, 2); got[a.fd] != keep {
			f.Errorf("watched for %v only, ready for %v", keep, got[a.fd])
		}
		f.unwatch(a)
	}
	f.watch(a, selectors.Read, nil)
	f.findCount(1)
	if _, err := f.sel.Modify(a, selectors.Write, nil); err != nil {
		f.Fatal(err)
	}
	if got := collect(f, f.sel, 1); len(got) != 0 {
		f.Errorf("no longer watched for reading, but ready for %v", got[a.fd])
	}
}

// orphan registers a descriptor, closes it while a duplicate keeps the socket alive, and
// unregisters it: epoll goes on reporting it. It returns the number and the peer.
func (f *fixture) orphan() (fd int, peer *end) {
	f.Helper()
	a, b := f.pair()
	duplicate, err := syscall.Dup(a.fd)
	if err != nil {
		f.Fatal(err)
	}
	alive := &end{f, duplicate}
	f.Cleanup(alive.close)
	fd = a.fd
	f.watch(fd, both, nil)
	a.close()
	f.unwatch(fd)
	b.send("x")
	return fd, b
}

// duplicateLivesOn: what cannot be stopped is not delivered. A Select with a time-out ends
// when that has passed, and a wake-up ends one without.
func duplicateLivesOn(f *fixture) {
	fd, _ := f.orphan()
	const timeout = 20 * time.Millisecond
	if got, took := f.timed(timeout); len(got) != 0 || took < timeout || took > timeout+late {
		f.Errorf("Select(%v): %v after %v", timeout, got, took)
	}
	woken := make(chan error)
	go func() { woken <- f.sel.Wake() }()
	if got := f.find(selectors.Forever); len(got) != 0 {
		f.Errorf("ready: %v", got)
	}
	if err := <-woken; err != nil {
		f.Error(err)
	}
	heir, peer := f.replace(fd)
	f.watch(heir, selectors.Read, nil)
	f.expect("the number's heir, with nothing sent", heir, 0)
	peer.send("x")
	f.expect("the number's heir", heir, selectors.Read)
}

func duplicateDoesNotHideOthers(f *fixture) {
	for range 100 { // more than one system call reports
		f.orphan()
	}
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	b.send("x")
	for range 5 {
		got := f.find(selectors.Forever)
		if len(got) != 1 || got[a.fd] != selectors.Read {
			f.Fatalf("ready: %v, want descriptor %d", got, a.fd)
		}
	}
}
