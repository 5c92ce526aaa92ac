package looptest_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

const both = selectors.Read | selectors.Write

var errRefused = errors.New("refused")

// found returns what Ready goes through.
func found(s *looptest.Selector) (list []looptest.Event) {
	for key, events := range s.Ready() {
		list = append(list, looptest.Event{FD: key.FD, Events: events})
	}
	return list
}

// expectSelect selects without waiting, and compares what is found.
func expectSelect(t *testing.T, s *looptest.Selector, want ...looptest.Event) {
	t.Helper()
	n, err := s.Select(0)
	if got := found(s); err != nil || n != len(want) || !slices.Equal(got, want) {
		t.Errorf("found %v (%d, %v), want %v", got, n, err, want)
	}
}

// TestScriptComesBeforeWhatIsReady, a step for each Select, in the order of the steps and of what
// they find.
func TestScriptComesBeforeWhatIsReady(t *testing.T) {
	s := looptest.NewSelector()
	for _, fd := range []int{1, 7, 1 << 30} {
		_, err := s.Register(fd, selectors.Read, nil)
		must(t, err)
		s.SetReady(fd, both)
	}
	s.SetReady(7, 0)
	called := false
	s.Script(
		looptest.Step{},
		looptest.Step{Before: func() {
			called = true
			s.SetReady(1, 0)
		}, Ready: []looptest.Event{{FD: 7, Events: both}, {FD: 3, Events: both},
			{FD: 1, Events: selectors.Write}, {FD: 1, Events: selectors.Read}}},
		looptest.Step{Err: errRefused, Ready: []looptest.Event{{FD: 7, Events: both}}},
	)
	expectSelect(t, s)
	expectSelect(t, s, looptest.Event{FD: 7, Events: selectors.Read},
		looptest.Event{FD: 1, Events: selectors.Read})
	if n, err := s.Select(0); n != 0 || !errors.Is(err, errRefused) || found(s) != nil || !called {
		t.Errorf("a step that fails: %d, %v", n, err)
	}
	for range 2 {
		expectSelect(t, s, looptest.Event{FD: 1 << 30, Events: selectors.Read})
	}
}

// TestEventsOfAnotherRegistrationAreLeftOut, in the middle of a batch.
func TestEventsOfAnotherRegistrationAreLeftOut(t *testing.T) {
	s := looptest.NewSelector()
	for fd := range 5 {
		_, err := s.Register(fd, both, "old")
		must(t, err)
		s.SetReady(fd, both)
	}
	n, err := s.Select(0)
	var got []looptest.Event
	for key, events := range s.Ready() {
		got = append(got, looptest.Event{FD: key.FD, Events: events})
		if key.FD != 0 {
			continue
		}
		_, errGone := s.Unregister(1)
		_, errOld := s.Unregister(2)
		_, errNew := s.Register(2, both, "new")
		_, errLess := s.Modify(3, selectors.Write, "less")
		must(t, errGone, errOld, errNew, errLess)
	}
	want := []looptest.Event{{FD: 0, Events: both}, {FD: 3, Events: selectors.Write},
		{FD: 4, Events: both}}
	if n != 5 || err != nil || !slices.Equal(got, want) {
		t.Errorf("%d, %v: %v, want %v", n, err, got, want)
	}
}

// TestEachFailureIsOne, of the next call that nothing else is wrong with.
func TestEachFailureIsOne(t *testing.T) {
	s := looptest.NewSelector()
	_, err := s.Register(1, selectors.Read, nil)
	must(t, err)
	for op, call := range map[looptest.Op]func() error{
		looptest.OpRegister: func() error { _, err := s.Register(2, both, nil); return err },
		looptest.OpModify:   func() error { _, err := s.Modify(1, both, nil); return err },
		looptest.OpSelect:   func() error { _, err := s.Select(time.Hour); return err },
		looptest.OpWake:     s.Wake,
	} {
		s.Fail(op, errRefused)
		_, errTwice := s.Register(1, both, nil)
		_, errUnknown := s.Modify(3, both, nil)
		_, errSame := s.Modify(1, selectors.Read, "the kernel is not asked")
		if err := call(); !errors.Is(err, errRefused) {
			t.Errorf("%s: %v", op, err)
		}
		if op == looptest.OpModify {
			_, errSame = s.Register(1, selectors.Read, nil) // it was taken away
		}
		if errTwice == nil || errUnknown == nil || errSame != nil {
			t.Errorf("%s: %v, %v, %v", op, errTwice, errUnknown, errSame)
		}
		must(t, s.Wake()) // so that Select does not wait
		must(t, call())
		_, _ = s.Unregister(2)
		_, err := s.Modify(1, selectors.Read, nil)
		must(t, err)
	}
	s.Fail(looptest.OpClose, errRefused)
	if err := s.Close(); !errors.Is(err, errRefused) {
		t.Errorf("close: %v", err)
	}
	must(t, s.Close())
}

// TestSelectWaits as long as it may, and not longer than there is a reason.
func TestSelectWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := looptest.NewSelector()
		_, err := s.Register(1, selectors.Read, nil)
		must(t, err)
		const ever = selectors.Forever
		for name, c := range map[string]struct {
			timeout, want time.Duration
			end           func() // called after a second
			n             int
			err           error
		}{
			"a time-out":          {time.Minute, time.Minute, func() {}, 0, nil},
			"no time":             {0, 0, func() {}, 0, nil},
			"less than none":      {-1, 0, func() {}, 0, nil},
			"not what is watched": {time.Minute, time.Minute, func() { s.SetReady(1, 2) }, 0, nil},
			"readiness":           {ever, time.Second, func() { s.SetReady(1, both) }, 1, nil},
			"a wake-up":           {ever, time.Second, func() { _ = s.Wake() }, 0, nil},
			"a failure": {ever, time.Second,
				func() { s.Fail(looptest.OpSelect, errRefused) }, 0, errRefused},
		} {
			var all sync.WaitGroup
			all.Go(func() {
				time.Sleep(time.Second)
				c.end()
			})
			begun := time.Now()
			n, err := s.Select(c.timeout)
			if took := time.Since(begun); n != c.n || !errors.Is(err, c.err) || took != c.want {
				t.Errorf("%s: %d, %v after %v; want %d, %v after %v", name, n, err, took, c.n,
					c.err, c.want)
			}
			all.Wait()
			s.SetReady(1, 0)
			_, _ = s.Select(0) // answers a wake-up that came too late
		}
	})
}

// TestWakeUpsAreOneUntilOneIsAnswered, also by a step of the script.
func TestWakeUpsAreOneUntilOneIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := looptest.NewSelector()
		for _, script := range [][]looptest.Step{nil, {{}}} {
			s.Script(script...)
			must(t, s.Wake(), s.Wake(), s.Wake())
			begun := time.Now()
			for range 2 {
				_, err := s.Select(time.Second)
				must(t, err)
			}
			if took := time.Since(begun); took != time.Second {
				t.Errorf("two Selects, with a wake-up for one, took %v", took)
			}
		}
		if s.Wakes() != 6 {
			t.Errorf("%d wake-ups of 6", s.Wakes())
		}
	})
}

// TestAwaitSleep waits for the next sleep, not for one that was ended already.
func TestAwaitSleep(t *testing.T) {
	s := looptest.NewSelector()
	done := make(chan int)
	go func() {
		sleeps := 0
		for {
			if _, err := s.Select(selectors.Forever); err != nil {
				done <- sleeps
				return
			}
			sleeps++
		}
	}()
	for range 1000 {
		if !s.AwaitSleep() {
			t.Fatal("the selector is closed")
		}
		must(t, s.Wake())
	}
	s.AwaitSleep()
	s.Fail(looptest.OpSelect, errRefused)
	if sleeps := <-done; sleeps != 1000 {
		t.Errorf("1000 wake-ups have ended %d sleeps", sleeps)
	}
	must(t, s.Close())
	if s.AwaitSleep() {
		t.Error("a closed selector sleeps")
	}
}

func TestCallsAreNoted(t *testing.T) {
	s := looptest.NewSelector()
	_, errRegister := s.Register(3, both, "data")
	_, errModify := s.Modify(3, selectors.Read, "data")
	key, known := s.Key(3)
	if key.Data != "data" || key.Events != selectors.Read || !known || s.Len() != 1 {
		t.Errorf("%+v, %v of %d", key, known, s.Len())
	}
	_, errUnregister := s.Unregister(3)
	if _, known := s.Key(3); known || s.Len() != 0 {
		t.Error("it is still registered")
	}
	_, errSelect := s.Select(10 * time.Millisecond)
	must(t, errRegister, errModify, errUnregister, errSelect, s.Wake())
	_, errSelect = s.Select(selectors.Forever)
	must(t, errSelect, s.Close())
	want := []string{"register 3 read|write", "modify 3 read", "unregister 3", "select 10ms",
		"wake", "select forever", "close"}
	if got := s.Calls(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	timeouts := []time.Duration{10 * time.Millisecond, selectors.Forever}
	if got := s.Timeouts(); !slices.Equal(got, timeouts) {
		t.Errorf("%v, want %v", got, timeouts)
	}
}
