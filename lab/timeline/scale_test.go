package timeline

import (
	"fmt"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestScale: whatever there is to be seen, time goes on from the left edge to the right, each span
// has its share at the least, and without spans all time passes equally.
func TestScale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "length"))
		spans := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) span {
			from := time.Duration(rapid.Int64Range(-10, int64(length)+10).Draw(t, "from"))
			return span{from, from + time.Duration(rapid.Int64Range(0, 1e6).Draw(t, "lasts"))}
		}), 0, 40).Draw(t, "spans")
		const share = 0.01 // that of all of them is less than the half
		s := newScale(length, spans, share)
		if s.of(-1) != 0 || s.of(length+2) != 1 {
			t.Fatalf("the edges are at %v and %v", s.of(-1), s.of(length+2))
		}
		last := 0.0
		for i := range 101 {
			x := s.of(length * time.Duration(i) / 100)
			if x < last || x > 1 {
				t.Fatalf("at %d per cent of the time it is %v, and was %v", i, x, last)
			}
			last = x
		}
		for _, span := range spans {
			if wide := s.of(span.to) - s.of(span.from); wide < share-1e-6 {
				t.Fatalf("from %v to %v there is %v, want %v", span.from, span.to, wide, share)
			}
		}
		if last := s.x[len(s.x)-1]; math.Abs(last-1) > 1e-6 {
			t.Fatalf("the right edge is at %v", last)
		}
	})
	even := newScale(time.Second, nil, 0.01)
	for i := range 11 {
		if x := even.of(time.Second * time.Duration(i) / 10); math.Abs(x-float64(i)/10) > 1e-9 {
			t.Errorf("with nothing to be seen, %d tenths of the time are at %v", i, x)
		}
	}
}

// TestManySpansLeaveRoom for the rest.
func TestManySpansLeaveRoom(t *testing.T) {
	var spans []span
	for i := range 1000 {
		spans = append(spans, span{time.Duration(i), time.Duration(i) + 1})
	}
	s := newScale(time.Second, spans, 0.01)
	if x := s.of(2000); x < 0.4 || x > 0.6 {
		t.Errorf("what is to be seen ends at %v, want the half", x)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		length time.Duration
		most   int
		want   string
	}{
		{0, 5, "[0s]"},
		{55 * time.Millisecond, 6, "[0s 10ms 20ms 30ms 40ms 50ms]"},
		{130 * time.Millisecond, 8, "[0s 20ms 40ms 60ms 80ms 100ms 120ms]"},
		{130 * time.Millisecond, 4, "[0s 50ms 100ms]"},
		{10 * time.Millisecond, 3, "[0s 5ms 10ms]"},
		{90 * time.Microsecond, 5, "[0s 20µs 40µs 60µs 80µs]"},
		{2500 * time.Millisecond, 3, "[0s 1s 2s]"},
	} {
		if got := fmt.Sprint(ticks(c.length, c.most)); got != c.want {
			t.Errorf("%v in %d: %s, want %s", c.length, c.most, got, c.want)
		}
	}
}

// TestCutLeavesOutWhatSaysLeast first, and counts it.
func TestCutLeavesOutWhatSaysLeast(t *testing.T) {
	var all []Event
	for range 4 {
		all = append(all, Event{Op: opRead, N: 1}, Event{Op: opTask}, Event{Op: opWait, N: 1},
			Event{Op: opRead, Tries: 5})
	}
	for most, want := range map[int]map[string]int{
		16: {"read": 4, "task": 4, "wait": 4, "tries": 4},
		15: {"read": 4, "wait": 4, "tries": 4},
		8:  {"read": 4, "wait": 4},
		7:  {"read": 4},
		3:  {"read": 3},
	} {
		r := &Recording{Events: append([]Event(nil), all...), LeftOut: 1}
		r.cut(most)
		got := make(map[string]int)
		for _, e := range r.Events {
			if e.Tries > 0 {
				e.Op = "tries"
			}
			got[e.Op]++
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("at most %d: there are %v, want %v", most, got, want)
		}
		if r.LeftOut != 1+16-len(r.Events) {
			t.Errorf("at most %d: %d are left out", most, r.LeftOut)
		}
	}
}
