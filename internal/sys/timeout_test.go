//go:build unix

package sys

import (
	"math"
	"testing"
	"time"
)

func TestTimeoutsAreRoundedUpToMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]int{
		-1: -1, math.MinInt64: -1, 0: 0, 1: 1, 999_999: 1, 1_000_000: 1, 1_000_001: 2,
		time.Second: 1000, time.Second + 1: 1001, maxTimeout: 86_400_000,
		maxTimeout + 1: 86_400_000, math.MaxInt64: 86_400_000,
	} {
		if got := timeoutMS(d); got != want {
			t.Errorf("timeoutMS(%v) is %d, want %d", d, got, want)
		}
	}
}

// TestWaitsAreRoundedUp: a wait that is early every time was rounded down. One that is early
// now and then was interrupted by a signal, as the runtime sends them to its threads.
func TestWaitsAreRoundedUp(t *testing.T) {
	waits := map[string]func(time.Duration) (int, error){
		"Poll": func(d time.Duration) (int, error) { return Poll(nil, d) },
		"Select": func(d time.Duration) (int, error) {
			return Select(0, new(FDSet), new(FDSet), d)
		},
	}
	for name, wait := range waits {
		for _, d := range []time.Duration{0, 1, 999, 1001, 200_300, 999_999, 1_000_001, 3_500_000} {
			enough := false
			for attempt := 0; attempt < 100 && !enough; attempt++ {
				start := time.Now()
				n, err := wait(d)
				enough = time.Since(start) >= d
				if n != 0 || err != nil {
					t.Fatalf("%s(%v): %d, %v", name, d, n, err)
				}
			}
			if !enough {
				t.Errorf("%s(%v) is always early", name, d)
			}
		}
	}
}

func TestSetOfDescriptors(t *testing.T) {
	var s FDSet
	for _, fd := range []int{0, 1, 63, 64, FDSetSize - 1} {
		if s.Has(fd) {
			t.Errorf("%d is in an empty set", fd)
		}
		s.Set(fd)
		if !s.Has(fd) {
			t.Errorf("%d is not in the set", fd)
		}
		s.Clear(fd)
		if s.Has(fd) {
			t.Errorf("%d is still in the set", fd)
		}
	}
}

// TestSelectEmptiesItsSets after an error: what they held would look ready.
func TestSelectEmptiesItsSets(t *testing.T) {
	w, err := NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	var read, write FDSet
	closed := w.FD()
	read.Set(closed)
	write.Set(closed)
	w.Close()
	if err := CheckOpen(closed); !BadDescriptor(err) {
		t.Fatalf("descriptor %d: %v, want EBADF", closed, err)
	}
	n, err := Select(closed+1, &read, &write, 0)
	if n != 0 || !BadDescriptor(err) {
		t.Errorf("Select: %d, %v, want EBADF", n, err)
	}
	if read.Has(closed) || write.Has(closed) {
		t.Error("the sets are not empty")
	}
}
