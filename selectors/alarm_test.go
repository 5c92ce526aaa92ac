//go:build unix

package selectors

import (
	"sync/atomic"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
)

// TestAlarmRingsAsLongAsItSaysSo lets a wake-up and the answer to an earlier one meet at every
// point of each other. Whatever their order, an alarm that takes itself for ringing can be
// heard: or it would never ring again.
func TestAlarmRingsAsLongAsItSaysSo(t *testing.T) {
	a, err := newAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	rounds := int64(30_000)
	if testing.Short() {
		rounds = 3000
	}
	var round atomic.Int64
	begin, done := make(chan struct{}), make(chan error)
	go func() {
		defer close(done)
		for range begin {
			// A different delay each time: the answer takes two system calls.
			for range round.Load() % 2000 {
				round.Load()
			}
			done <- a.wake()
		}
	}()
	for i := range rounds {
		round.Store(i)
		if err := a.wake(); err != nil {
			t.Fatal(err)
		}
		begin <- struct{}{}
		a.answer()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		fds := []sys.PollFD{{Fd: int32(a.FD()), Events: sys.PollIn}}
		n, err := sys.Poll(fds, 0)
		if err != nil || n == 0 && a.ringing.Load() {
			t.Fatalf("round %d: the alarm takes itself for ringing, but is silent: %v", i, err)
		}
		a.answer()
	}
	close(begin)
	<-done
}
