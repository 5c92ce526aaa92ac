//go:build unix

package sys_test

import (
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

func readable(t *testing.T, fd int) bool {
	t.Helper()
	fds := []sys.PollFD{{Fd: int32(fd), Events: sys.PollIn}}
	n, err := sys.Poll(fds, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n == 1
}

// TestWakerIsAFlag: any number of wake-ups, more than the pipe holds, are one.
func TestWakerIsAFlag(t *testing.T) {
	w, err := sys.NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, wakes := range []int{0, 1, 63, 64, 65, 200_000} {
		for range wakes {
			if err := w.Wake(); err != nil {
				t.Fatal(err)
			}
		}
		if got := readable(t, w.FD()); got != (wakes > 0) {
			t.Errorf("after %d wake-ups readable is %v", wakes, got)
		}
		w.Drain()
		if readable(t, w.FD()) {
			t.Errorf("readable after %d wake-ups and a drain", wakes)
		}
	}
	if n := testing.AllocsPerRun(100, func() { _ = w.Wake(); w.Drain() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWakerFromManyGoroutines(t *testing.T) {
	w, err := sys.NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 1000 {
				if err := w.Wake(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	fds := []sys.PollFD{{Fd: int32(w.FD()), Events: sys.PollIn}}
	for range 100 {
		if n, err := sys.Poll(fds, time.Millisecond); n > 0 {
			w.Drain()
		} else if err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	if err := w.Wake(); err != nil || !readable(t, w.FD()) {
		t.Errorf("the last wake-up: %v", err)
	}
}
