package synthetic

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAnswersLeaveInOrderAndNeverTooEarly, nor in a stall.
func TestAnswersLeaveInOrderAndNeverTooEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		upTo := func(most time.Duration, name string) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(most)).Draw(t, name))
		}
		b := Behaviour{Size: 1, Delay: upTo(time.Second, "delay"),
			Interval: upTo(time.Second, "interval"), Stall: upTo(time.Second, "stall")}
		if b.Stall > 0 {
			b.Period = b.Stall + 1 + upTo(time.Second, "rest")
		}
		if err := b.Validate(); err != nil {
			t.Fatal(err)
		}
		came, before := time.Duration(0), never
		for range 20 {
			came += upTo(time.Second/2, "later")
			at := b.leaves(came, before)
			least := max(came+b.Delay, before+b.Interval)
			if at < least || at > least+b.Stall {
				t.Fatalf("it comes at %v and leaves at %v; the one before left at %v", came, at,
					before)
			}
			if b.Period > 0 && at%b.Period < b.Stall {
				t.Fatalf("it leaves at %v, in a stall", at)
			}
			before = at
		}
	})
}

// TestStallsByTheTriangle: what waits for the end of a stall is a triangle over time. Its base and
// height are the stall, so that the mean and the number that waits longer than some time follow.
func TestStallsByTheTriangle(t *testing.T) {
	const rate, period, stall = 10_000, 500 * time.Millisecond, 100 * time.Millisecond
	b := Behaviour{Size: 1, Stall: stall, Period: period}
	got := b.paced(rate, 3*rate*int(period/time.Millisecond)/1000)
	if len(got) != 3*5000 {
		t.Fatalf("%d latencies in three periods", len(got))
	}
	want := time.Duration(float64(stall) * float64(stall) / 2 / float64(period))
	if off := mean(got) - want; off < 0 || off > 100*time.Microsecond {
		t.Errorf("the mean is %v, the triangle's %v", mean(got), want)
	}
	for _, than := range []time.Duration{0, 10 * time.Millisecond, 99 * time.Millisecond, stall} {
		want := 3 * int((stall-than).Seconds()*rate)
		if n := count(got, than); n < want || n > want+3 {
			t.Errorf("%d wait for longer than %v, by arithmetic %d", n, than, want)
		}
	}
	for share, want := range map[float64]time.Duration{1: stall, 0.9: 50 * time.Millisecond,
		0.8: 0, 0.5: 0} {
		if off := quantile(got, share) - want; off < -time.Millisecond || off > time.Millisecond {
			t.Errorf("the quantile %v is %v, by arithmetic %v", share, quantile(got, share), want)
		}
	}
}

// TestQueuesByTheRecurrence: where answers have to keep apart, a stall is worked off at that rate.
func TestQueuesByTheRecurrence(t *testing.T) {
	b := Behaviour{Size: 1, Interval: 500 * time.Microsecond, Stall: 100 * time.Millisecond,
		Period: time.Second}
	got := b.paced(1000, 1000)
	// 100 have come, and 1 comes for each 2 that leave: after 100 ms more all are as before.
	if n := count(got, 0); n < 198 || n > 202 {
		t.Errorf("%d are delayed, by arithmetic 200", n)
	}
	steady := Behaviour{Size: 1, Delay: 7 * time.Millisecond, Interval: time.Millisecond}
	for _, latency := range steady.paced(1000, 100) {
		if latency != steady.Delay {
			t.Errorf("a latency of %v where nothing queues", latency)
		}
	}
}

func TestImpossibleBehaviours(t *testing.T) {
	for want, b := range map[string]Behaviour{
		"requests of 0 bytes":          {},
		"requests of 2000000 bytes":    {Size: 2_000_000},
		"a time cannot be negative":    {Size: 1, Delay: -1},
		"a stall of 2s in each 1s":     {Size: 1, Stall: 2 * time.Second, Period: time.Second},
		"a stall of 1s in each 0s":     {Size: 1, Stall: time.Second},
		"a stall of 1s in each 1s: it": {Size: 1, Stall: time.Second, Period: time.Second},
	} {
		if err := b.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", b, err, want)
		}
		if err := b.Serve(t.Context(), "127.0.0.1:0", nil, nil); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("serving %+v: %v, want %q", b, err, want)
		}
	}
}
