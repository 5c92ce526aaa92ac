//go:build unix

package selectortest

import (
	"errors"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

func dispatchingChecks() []check {
	return []check{
		{"DispatchRandomScripts", dispatchRandomScripts},
		{"DispatchSeesTheEnd", dispatchSeesTheEnd},
		{"DispatchSeesWhatFollowsUrgentData", dispatchSeesWhatFollowsUrgentData},
		{"DispatchSeesWhatIsRegistered", dispatchSeesWhatIsRegistered},
		{"DispatchGoesRound", dispatchGoesRound},
		{"DispatchKeepsTime", dispatchKeepsTime},
		{"DispatchIsWoken", dispatchIsWoken},
		{"DispatchBesideWriters", dispatchBesideWriters},
		{"DispatchAlone", dispatchAlone},
		{"DispatchEndsByClose", dispatchEndsByClose},
		{"DispatchEndsByGoexit", dispatchEndsByGoexit},
	}
}

// script is a selectors.Turns made of functions.
type script struct {
	next    func(found int) (time.Duration, bool)
	drained func(fd int) bool
}

func (s script) Next(found int) (time.Duration, bool) { return s.next(found) }
func (s script) Drained(fd int) bool                  { return s.drained != nil && s.drained(fd) }

// dispatched is a Dispatch that looks like a Select: each Select lets it go on until Next is
// called, in which it stops. A Dispatch may call Next early, and for nothing.
type dispatched struct {
	timeout time.Duration
	err     error
	next    func() (int, bool)
	stop    func()
}

// dispatch begins a Dispatch, which ends with the test, or by stop.
func dispatch(sel *selectors.Selector, drained func(fd int) bool) *dispatched {
	d := &dispatched{err: errors.New("the Dispatch has ended")}
	d.next, d.stop = iter.Pull(func(yield func(int) bool) {
		d.err = sel.Dispatch(script{func(found int) (time.Duration, bool) {
			more := yield(found)
			return d.timeout, more
		}, drained})
	})
	d.next() // the first call of Next is before any wait
	return d
}

// Select waits once.
func (d *dispatched) Select(timeout time.Duration) (int, error) {
	d.timeout = timeout
	found, more := d.next()
	if !more {
		return 0, d.err
	}
	return found, nil
}

// dispatchRandomScripts is randomScripts in one Dispatch. Its reader calls a descriptor drained
// after a receive that got less than there was room for, as everyone does, though the end of the
// stream may come behind that. A wait for what is ready already must find it without end: it has
// ten seconds.
func dispatchRandomScripts(f *fixture) {
	f.scripts(func(t *rapid.T, m *model) {
		m.reads = true
		d := dispatch(m.sel, m.drained)
		defer d.stop()
		actions := m.actions()
		actions["select"] = func(t *rapid.T) { m.dispatchOnce(t, d) }
		t.Repeat(actions)
	})
}

// drained says what a reader would.
func (m *model) drained(fd int) bool {
	for _, w := range m.open {
		if w.mine.fd == fd {
			return w.short
		}
	}
	return true
}

// dispatchOnce is selectAll on a Dispatch, which may call Next for nothing.
func (m *model) dispatchOnce(t *rapid.T, d *dispatched) {
	want := m.want()
	timeout := duration(0)
	if len(want) > 0 || m.woken {
		timeout = 10 * time.Second
	}
	for begun := time.Now(); ; {
		n, err := d.Select(timeout)
		if err != nil {
			t.Fatalf("dispatch: %v", err)
		}
		got, took := collect(t, m.sel, n), time.Since(begun)
		for fd := range got {
			m.told(fd)
		}
		if maps.Equal(got, want) && took < late {
			break
		}
		if len(got) > 0 || took >= late {
			t.Fatalf("ready: %v after %v, want %v", got, took, want)
		}
	}
	m.woken = false
}

// told notes that a descriptor was reported: what was said of it before counts no more.
func (m *model) told(fd int) {
	for _, w := range m.open {
		if w.mine.fd == fd {
			w.short = false
		}
	}
}

// all is the drained of a reader that leaves nothing.
func all(int) bool { return true }

// finds fails unless a wait finds e ready for events, soon.
func (f *fixture) finds(what string, d *dispatched, e *end, events selectors.Events) {
	f.Helper()
	begun := time.Now()
	n, err := d.Select(10 * time.Second)
	if err != nil {
		f.Fatalf("%s: %v", what, err)
	}
	if got, took := collect(f, f.sel, n), time.Since(begun); got[e.fd] != events || took > late {
		f.Fatalf("%s: ready: %v after %v", what, got, took)
	}
}

// S39: dispatchSeesTheEnd of a stream, which comes while it waits: with the last bytes, or after
// them.
func dispatchSeesTheEnd(f *fixture) {
	d := dispatch(f.sel, all)
	defer d.stop()
	for i := range 100 {
		ends := f.pair
		if i%2 == 0 {
			ends = f.tcp
		}
		mine, peer := ends()
		f.watch(mine, selectors.Read, nil)
		if n, err := d.Select(time.Millisecond); n != 0 || err != nil {
			f.Fatalf("%d, %v before anything was sent", n, err)
		}
		ended := make(chan error)
		go func() {
			peer.send("last")
			ended <- sys.Shutdown(peer.fd, sys.ShutdownWrite)
		}()
		f.finds("the last bytes", d, mine, selectors.Read)
		if n, err := sys.TryRecv(mine.fd, make([]byte, 64)); n != 4 || err != nil {
			f.Fatalf("%d, %v", n, err)
		}
		f.finds("the end", d, mine, selectors.Read)
		if err := <-ended; err != nil {
			f.Fatal(err)
		}
		f.unwatch(mine)
		mine.close()
		peer.close()
	}
}

// S39: dispatchSeesWhatFollowsUrgentData: a receive stops in front of it, as if that were all.
func dispatchSeesWhatFollowsUrgentData(f *fixture) {
	d := dispatch(f.sel, all)
	defer d.stop()
	mine, peer := f.tcp()
	f.watch(mine, selectors.Read, nil)
	for range 20 {
		if n, err := d.Select(time.Millisecond); n != 0 || err != nil {
			f.Fatalf("%d, %v before anything was sent", n, err)
		}
		sent := make(chan error)
		go func() {
			peer.send("ab")
			err := syscall.Sendto(peer.fd, []byte("!"), syscall.MSG_OOB, nil)
			peer.send("cd")
			sent <- err
		}()
		var got []byte
		for len(got) < 4 {
			f.finds("the rest of "+string(got), d, mine, selectors.Read)
			buf := make([]byte, 64)
			n, err := sys.TryRecv(mine.fd, buf)
			if err != nil && !sys.WouldBlock(err) {
				f.Fatal(err)
			}
			got = append(got, buf[:max(n, 0)]...)
		}
		if err := <-sent; err != nil || string(got) != "abcd" {
			f.Fatalf("%q, %v", got, err)
		}
	}
}

// S39: dispatchSeesWhatIsRegistered, or modified, and is ready already, while everything else is
// drained.
func dispatchSeesWhatIsRegistered(f *fixture) {
	d := dispatch(f.sel, all)
	defer d.stop()
	for range 3 {
		a, b := f.pair()
		b.send("x")
		f.watch(a, selectors.Read, nil)
		f.finds("registered", d, a, selectors.Read)
		if _, err := f.sel.Modify(a, selectors.Write, nil); err != nil {
			f.Fatal(err)
		}
		f.finds("modified", d, a, selectors.Write)
		if _, err := f.sel.Modify(a, selectors.Read, nil); err != nil {
			f.Fatal(err)
		}
		f.finds("modified again", d, a, selectors.Read)
		a.drain()
	}
}

// S40: dispatchGoesRound: of very many that stay ready none is reported again before all are,
// though some may be at a time.
func dispatchGoesRound(f *fixture) {
	const rounds = 3
	times := map[int]int{}
	for range f.watchable(1000) {
		a, b := f.pair()
		b.send("x")
		f.watch(a, selectors.Read, nil)
		times[a.fd] = 0
	}
	if len(times) == 0 {
		f.Logf("there is no room for a descriptor")
		return
	}
	d := dispatch(f.sel, nil)
	defer d.stop()
	for least := 0; least < rounds; {
		n, err := d.Select(10 * time.Second)
		if err != nil {
			f.Fatal(err)
		}
		for fd := range collect(f, f.sel, n) {
			times[fd]++
		}
		counts := slices.Sorted(maps.Values(times))
		least = counts[0]
		if most := counts[len(counts)-1]; most > least+1 {
			f.Fatalf("one of %d is reported %d times, and another one %d times", len(counts), most,
				least)
		}
	}
}

// dispatchKeepsTime: no wait is shorter than it was asked for, and each one ends.
func dispatchKeepsTime(f *fixture) {
	const ms = time.Millisecond
	timeouts := []time.Duration{ms, 0, 3 * ms, -1, 20 * ms, time.Microsecond}
	var waited []time.Duration
	var begun time.Time
	err := f.sel.Dispatch(script{next: func(found int) (time.Duration, bool) {
		if found != 0 {
			f.Errorf("found %d of nothing", found)
		}
		if !begun.IsZero() {
			waited = append(waited, time.Since(begun))
		}
		begun = time.Now()
		if len(waited) == len(timeouts) {
			return 0, false
		}
		return timeouts[len(waited)], true
	}})
	if err != nil {
		f.Fatal(err)
	}
	for i, took := range waited {
		if took < timeouts[i] || took > timeouts[i]+late {
			f.Errorf("it waited %v of %v", took, timeouts[i])
		}
	}
}

// dispatchIsWoken: a wake-up ends the wait, the one that goes on or the next, whatever else happens
// meanwhile.
func dispatchIsWoken(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	d := dispatch(f.sel, all)
	defer d.stop()
	var wakers sync.WaitGroup
	defer wakers.Wait()
	for i := range 300 {
		begun := time.Now()
		wakers.Go(f.wake)
		if i%3 == 0 {
			b.send("x")
		}
		if _, err := d.Select(time.Minute); err != nil || time.Since(begun) > late {
			f.Fatalf("turn %d: %v after %v", i, err, time.Since(begun))
		}
		a.drain()
		wakers.Wait()
		if i%7 == 0 { // what may be left of the wake-up must not matter
			if _, err := d.Select(0); err != nil {
				f.Fatal(err)
			}
		}
	}
	for tries := 0; ; tries++ { // one may end early by what is left of a wake-up
		begun := time.Now()
		if _, err := d.Select(3 * time.Millisecond); err != nil || tries == 3 {
			f.Fatalf("no wait takes its time: %v", err)
		}
		if time.Since(begun) >= 3*time.Millisecond {
			break
		}
	}
}

// dispatchBesideWriters: nothing gets lost of what comes at any moment, for a reader that receives
// everything that there is, or a part.
func dispatchBesideWriters(f *fixture) {
	const connections, messages = 4, 500
	readers := map[int]*end{}
	short := map[int]bool{}
	left := connections * messages
	var writers sync.WaitGroup
	defer writers.Wait()
	for range connections {
		a, b := f.pair()
		f.watch(a, selectors.Read, nil)
		readers[a.fd] = a
		writers.Go(func() {
			for i := range messages {
				for {
					if _, err := sys.TrySend(b.fd, []byte("x")); err == nil {
						break
					}
					runtime.Gosched()
				}
				if i%3 == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	buf := make([]byte, 64)
	err := f.sel.Dispatch(script{func(int) (time.Duration, bool) {
		for key := range f.sel.Ready() {
			short[key.FD] = false
			room := buf[:1+left%len(buf)]
			n, err := sys.TryRecv(readers[key.FD].fd, room)
			left -= max(n, 0)
			short[key.FD] = err == nil && n < len(room)
		}
		return late, left > 0
	}, func(fd int) bool { return short[fd] }})
	if err != nil {
		f.Fatal(err)
	}
}

// dispatchAlone: nobody waits in the midst of a wait.
func dispatchAlone(f *fixture) {
	err := f.sel.Dispatch(script{next: func(int) (time.Duration, bool) {
		if _, err := f.sel.Select(time.Hour); !errors.Is(err, selectors.ErrDispatching) {
			f.Errorf("Select in a Dispatch: %v", err)
		}
		if _, err := f.sel.Select(0); err != nil {
			f.Errorf("Select that does not wait: %v", err)
		}
		if err := f.sel.Dispatch(script{}); !errors.Is(err, selectors.ErrDispatching) {
			f.Errorf("Dispatch in a Dispatch: %v", err)
		}
		return 0, false
	}})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := f.sel.Select(time.Millisecond); err != nil {
		f.Errorf("Select after a Dispatch: %v", err)
	}
}

// dispatchEndsByClose, and the selector is closed then.
func dispatchEndsByClose(f *fixture) {
	before := openDescriptors()
	sel := f.another()
	calls := 0
	err := sel.Dispatch(script{next: func(int) (time.Duration, bool) {
		if calls++; calls == 3 {
			if err := sel.Close(); err != nil {
				f.Error(err)
			}
		}
		return 0, true
	}})
	if !errors.Is(err, selectors.ErrClosed) || calls != 3 {
		f.Errorf("%v after %d calls", err, calls)
	}
	if err := sel.Dispatch(script{}); !errors.Is(err, selectors.ErrClosed) {
		f.Errorf("Dispatch of what is closed: %v", err)
	}
	if after := openDescriptors(); after != before {
		f.Errorf("%d descriptors are open, %d before", after, before)
	}
}

// dispatchEndsByGoexit of its goroutine, and another one can go on.
func dispatchEndsByGoexit(f *fixture) {
	a, b := f.pair()
	f.watch(a, selectors.Read, nil)
	var gone sync.WaitGroup
	gone.Go(func() {
		calls := 0
		_ = f.sel.Dispatch(script{next: func(int) (time.Duration, bool) {
			if calls++; calls == 3 {
				runtime.Goexit()
			}
			return 0, true
		}})
	})
	gone.Wait()
	b.send("x")
	f.await("the next", a, selectors.Read)
}
