package synthetic

import (
	"fmt"
	"time"

	"github.com/kettle-go/kettle/lab/results"
)

// The bounds that figures are held to.
const (
	ofRates     = 0.01 // and of what is in flight
	ofLatencies = 0.05 // and of how many are delayed
)

// delayed is from which latency on a request counts as one that a stall has delayed.
const delayed = 10 * time.Millisecond

// subjects returns what the lab is checked on.
func subjects() []*subject {
	return []*subject{
		// There are so many in flight that the server has enough to do while the load generator is
		// held up for a while.
		{name: "steady", conns: 100, rate: 500, warmup: 200 * time.Millisecond,
			window: time.Second, figures: steady,
			server: Behaviour{Size: 64, Delay: 50 * time.Millisecond,
				Interval: time.Millisecond}},
		{name: "stalling", conns: 1, rate: 2000, warmup: 100 * time.Millisecond,
			window: 600 * time.Millisecond, figures: stalling,
			server: Behaviour{Size: 64, Stall: 100 * time.Millisecond,
				Period: 300 * time.Millisecond}},
	}
}

// steady returns the figures of a server that always answers.
func steady(s subject, v *results.Visit) []Figure {
	closed := fmt.Sprintf("closed loop, %d in flight, one answered each %v", s.conns,
		s.server.Interval)
	fixed := fmt.Sprintf("%.0f/s, each answered after %v", s.rate, s.server.Delay)
	n := float64(s.conns)
	return []Figure{
		{closed, "messages/s", v.Saturated.Rate, 1 / s.server.Interval.Seconds(), ofRates},
		{closed, "p50, ms", nanos(v.Saturated.LatencyP50), n * ms(s.server.Interval), ofLatencies},
		{closed, "rate × mean latency", v.Saturated.Rate * v.Saturated.LatencyMean / 1e9, n,
			ofRates},
		{fixed, "messages/s", v.Paced.Rate, s.rate, ofRates},
		{fixed, "p50, ms", nanos(v.Paced.LatencyP50), ms(s.server.Delay), ofLatencies},
	}
}

// stalling returns the figures of a server that sometimes does not answer for a while.
func stalling(s subject, v *results.Visit) []Figure {
	fixed := fmt.Sprintf("%.0f/s, none answered for %v in each %v", s.rate, s.server.Stall,
		s.server.Period)
	closed := "closed loop, 1 in flight, the same stalls"
	want := s.server.paced(s.rate, int(s.rate*s.window.Seconds()))
	return []Figure{
		{fixed, "messages/s", v.Paced.Rate, s.rate, ofRates},
		{fixed, "p99.9, ms", nanos(v.Paced.LatencyP999), ms(quantile(want, 0.999)), ofLatencies},
		{fixed, "p99, ms", nanos(v.Paced.LatencyP99), ms(quantile(want, 0.99)), ofLatencies},
		{fixed, "mean, ms", nanos(v.Paced.LatencyMean), ms(mean(want)), ofLatencies},
		{fixed, fmt.Sprintf("delayed by over %v", delayed), above(v.Paced, delayed),
			float64(count(want, delayed)), ofLatencies},
		{closed, "slowest, ms", nanos(v.Saturated.LatencyMax), ms(s.server.Stall), ofLatencies},
		{closed, "p99.9, ms", nanos(v.Saturated.LatencyP999), ms(s.server.Stall) / 2, 0},
	}
}

// ms returns a time in milliseconds.
func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// nanos returns nanoseconds in milliseconds.
func nanos[T int64 | float64](ns T) float64 { return float64(ns) / 1e6 }

// above returns how many latencies of a window are greater than one.
func above(w *results.Window, least time.Duration) float64 {
	var n int64
	for _, bar := range w.Latency.Distribution() {
		if bar.From > least.Nanoseconds() {
			n += bar.Count
		}
	}
	return float64(n)
}
