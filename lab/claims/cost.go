package claims

import (
	"slices"

	"github.com/kettle-go/kettle/lab/results"
)

// The same cost is one that differs by less than this factor.
const sameCost = 1.25

// sameAsCallbacks judges whether a message costs streams about what it costs selectors.
func sameAsCallbacks(e *evidence) Verdict {
	base := e.of("storm", "selectors", nil)
	if len(base) == 0 {
		return notMeasured("the model selectors was not visited in storm")
	}
	var v Verdict
	chart := Chart{Kind: Bars, Title: "CPU for a message, relative to selectors, all connections " +
		"busy", YLabel: "times selectors", Limit: new(sameCost),
		Models: []string{"selectors", "streams"}}
	series := Series{Name: "relative to selectors"}
	curves := Chart{Kind: Percentiles, Title: "Latency at the fixed rate, by percentile",
		XLabel: "percentile", YLabel: "ms", XLog: true, YLog: true}
	for _, name := range e.servers("storm") {
		visits := e.of("storm", name, nil)
		r := ratio(visits, base, cpu(results.Saturated))
		row := Row{Server: name, Figures: []Figure{
			measured("CPU/message", estimate(visits, cpu(results.Saturated)), micros),
			measured("times selectors", r, number),
			measured("messages/s", estimate(visits, rate), whole),
		}}
		if name == "streams" {
			row.Status = within(between(r), sameCost)
			if row.Status == TooClose {
				row.Why = undecided(r)
				v.Why = row.Why
			}
			v.Status = row.Status
			v.Figure = "streams " + row.Figures[1].WithSpread() + " times selectors"
			if r == nil {
				row.Why = why(visits)
				v.Why = row.Why
			} else {
				row.rests = slices.Concat(base, visits)
			}
		}
		series.add(name, 0, r)
		if c := percentiles(name, visits); len(c.Points) > 0 {
			curves.Series = append(curves.Series, c)
		}
		v.Rows = append(v.Rows, row)
	}
	if v.Status == "" {
		return notMeasured("the model streams was not visited in storm")
	}
	chart.Series = []Series{series}
	v.Charts = []Chart{chart, curves}
	return v
}

// within is the status of the claim that a ratio is neither above a factor nor below its inverse.
func within(r *results.Estimate, factor float64) Status {
	switch {
	case r == nil:
		return NotMeasured
	case r.High <= factor && r.Low >= 1/factor:
		return Holds
	case r.Low > factor || r.High < 1/factor:
		return DoesNotHold
	}
	return TooClose
}

// percentiles returns the latencies of all rounds together, in ms, each at 1/(1-q) of its quantile
// q: 10 is the 90th percentile, 1000 the 99.9th.
func percentiles(name string, visits []*results.Visit) Series {
	s := Series{Name: name}
	all := merged(visits, results.Paced)
	if all == nil {
		return s
	}
	for _, x := range []float64{1.25, 2, 4, 10, 20, 40, 100, 200, 400, 1000, 2000, 4000, 10_000} {
		if float64(all.TotalCount()) < x {
			break
		}
		y := float64(all.ValueAtQuantile(100*(1-1/x))) / 1e6
		s.Points = append(s.Points, Point{X: x, Y: y, Low: y, High: y})
	}
	return s
}

// merged returns the latencies of the windows of a kind together; nil if there are none.
func merged(visits []*results.Visit, k results.Kind) *results.Latencies {
	var all *results.Latencies
	for _, v := range visits {
		if w := v.Window(k); w != nil {
			all = all.Plus(w.Latency)
		}
	}
	return all
}
