//go:build unix

package selectortest

import (
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

func wakeupChecks() []check {
	return []check{
		{"WakeBeforeSelect", wakeBeforeSelect},
		{"WakeDuringSelect", wakeDuringSelect},
		{"WakesAreOne", wakesAreOne},
		{"WakeAndEventTogether", wakeAndEventTogether},
		{"WakeDoesNotStarve", wakeDoesNotStarve},
		{"WakeFromMany", wakeFromMany},
		{"NoWakeIsLost", noWakeIsLost},
		{"WakeBesideClose", wakeBesideClose},
	}
}

// wake calls Wake, which must succeed.
func (f *fixture) wake() {
	f.Helper()
	if err := f.sel.Wake(); err != nil {
		f.Fatal(err)
	}
}

// wakeBeforeSelect: whatever its time-out, the next Select does not wait; the one after does.
func wakeBeforeSelect(f *fixture) {
	a, _ := f.pair()
	f.watch(a, selectors.Read, nil)
	for _, timeout := range []time.Duration{0, -1, time.Minute, selectors.Forever} {
		f.wake()
		if got, took := f.timed(timeout); len(got) != 0 || took > 30*time.Second {
			f.Fatalf("Select(%v): %v after %v", timeout, got, took)
		}
		f.waits()
	}
}

// waits fails unless a Select with nothing ready takes its time.
func (f *fixture) waits() {
	f.Helper()
	const timeout = 3 * time.Millisecond
	if got, took := f.timed(timeout); len(got) != 0 || took < timeout {
		f.Fatalf("Select(%v): %v after %v", timeout, got, took)
	}
}

// S30: another goroutine ends a long wait.
func wakeDuringSelect(f *fixture) {
	for _, timeout := range []time.Duration{30 * time.Second, selectors.Forever} {
		for range 20 {
			woken := make(chan error)
			go func() { woken <- f.sel.Wake() }()
			if got, took := f.timed(timeout); len(got) != 0 || took > 15*time.Second {
				f.Fatalf("Select(%v): %v after %v", timeout, got, took)
			}
			if err := <-woken; err != nil {
				f.Fatal(err)
			}
		}
	}
	f.waits()
}

func wakesAreOne(f *fixture) {
	for range 10_000 { // more than a pipe holds
		f.wake()
	}
	if got := f.find(selectors.Forever); len(got) != 0 {
		f.Errorf("ready: %v", got)
	}
	f.waits()
}

// wakeAndEventTogether: neither hides the other, and the waker is no event.
func wakeAndEventTogether(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	b.send("x")
	for range 10 {
		f.wake()
		if n, err := f.sel.Select(selectors.Forever); n != 1 || err != nil {
			f.Fatalf("Select: %d, %v, want 1", n, err)
		}
		if got := collect(f, f.sel, 1); got[a.fd] != selectors.Read {
			f.Fatalf("ready: %v", got)
		}
	}
	a.drain()
	f.find(0) // an event may come before a wake-up, which then belongs to the next Select
	f.waits()
}

// wakeDoesNotStarve: with a wake-up before each and every Select, I/O is still reported.
func wakeDoesNotStarve(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	stop, stopped := make(chan struct{}), make(chan error)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := f.sel.Wake(); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for i := range 200 {
		b.send("x")
		for f.find(time.Minute)[a.fd] != selectors.Read {
			continue
		}
		if got := a.receive(); got != "x" {
			f.Fatalf("message %d is %q", i, got)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		f.Error(err)
	}
}

// wakeFromMany counts work that is handed over with a wake-up: none may be left behind.
func wakeFromMany(f *fixture) {
	const goroutines, each = 8, 500
	var mu sync.Mutex
	work := 0
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range each {
				mu.Lock()
				work++
				mu.Unlock()
				if err := f.sel.Wake(); err != nil {
					f.Error(err)
				}
			}
		})
	}
	for done := 0; done < goroutines*each; {
		if _, took := f.timed(time.Minute); took > 30*time.Second {
			f.Errorf("after %d pieces of work a wake-up was lost", done)
			break
		}
		mu.Lock()
		done += work
		work = 0
		mu.Unlock()
	}
	group.Wait()
}

// noWakeIsLost lets two selectors wake each other by turns; if one wake-up is lost, both wait.
func noWakeIsLost(f *fixture) {
	turns := 20_000
	if testing.Short() {
		turns = 2000
	}
	other := f.another()
	failed := make(chan error, 1)
	turn := func(me, you *selectors.Selector, first bool) error {
		for range turns {
			if first {
				if err := you.Wake(); err != nil {
					return err
				}
			}
			start := time.Now()
			if _, err := me.Select(time.Minute); err != nil {
				return err
			}
			if time.Since(start) > 30*time.Second {
				return errors.New("a wake-up was lost")
			}
			if !first {
				if err := you.Wake(); err != nil {
					return err
				}
			}
		}
		return nil
	}
	go func() { failed <- turn(other, f.sel, false) }()
	if err := turn(f.sel, other, true); err != nil {
		f.Error(err)
	}
	if err := <-failed; err != nil {
		f.Error(err)
	}
}

// wakeBesideClose: a late wake-up is an error, and never reaches a descriptor that has the
// number of the closed waker.
func wakeBesideClose(f *fixture) {
	for range 100 {
		sel, err := f.open()
		if err != nil {
			f.Fatal(err)
		}
		var group sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range cap(begun) {
			group.Go(func() {
				begun <- struct{}{}
				for {
					if err := sel.Wake(); err != nil {
						if !errors.Is(err, selectors.ErrClosed) {
							f.Error(err)
						}
						return
					}
					runtime.Gosched() // with one processor, it is the closing goroutine's turn
				}
			})
		}
		<-begun
		if _, err := sel.Select(time.Minute); err != nil {
			f.Error(err)
		}
		if err := sel.Close(); err != nil {
			f.Error(err)
		}
		group.Wait()
	}
}
