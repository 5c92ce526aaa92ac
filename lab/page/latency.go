package page

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// quantiles are those that a curve of latencies has points at, in percent.
func quantiles() []float64 {
	return []float64{0, 25, 50, 75, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.98, 99.99}
}

// latencies returns a chart for each load at a fixed rate: percentile curves of all servers that
// were under it.
func (v *view) latencies() []*figure {
	return v.byLoad("latency-", func(s *results.Set) []*results.Visit { return s.Visits },
		func(c *claims.Chart, g *group) *claims.Chart {
			points := g.percentiles()
			if len(points) == 0 {
				return c
			}
			if c == nil {
				c = &claims.Chart{Kind: claims.Percentiles, XLog: true, YLog: true,
					Title:  latencyTitle(g.workload, g.load),
					XLabel: "percentile", YLabel: "latency, µs"}
			}
			c.Series = append(c.Series, claims.Series{Name: g.server, Points: points})
			return c
		})
}

// byLoad returns a chart for each load, from the visits of each run; its name begins so. Draw adds
// a server to the chart that there is so far, which is nil at first, and stays so while no server
// has something to show.
func (v *view) byLoad(name string, of func(*results.Set) []*results.Visit,
	draw func(*claims.Chart, *group) *claims.Chart) []*figure {
	type key struct {
		workload string
		load     results.Load
	}
	var order []key
	charts := make(map[key][]*claims.Chart)
	for i, r := range v.runs {
		all := groups(of(r.Set))
		slices.SortStableFunc(all, func(a, b *group) int {
			return v.serverOrder(a.server) - v.serverOrder(b.server)
		})
		for _, g := range all {
			k := key{g.workload, g.load}
			known := charts[k]
			if known == nil {
				known = make([]*claims.Chart, len(v.runs))
			}
			if known[i] = draw(known[i], g); known[i] == nil {
				continue
			}
			if charts[k] == nil {
				order = append(order, k)
				charts[k] = known
			}
		}
	}
	slices.SortStableFunc(order, func(a, b key) int {
		return cmp.Or(slices.Index(v.Visits.Workloads, a.workload)-
			slices.Index(v.Visits.Workloads, b.workload), compareLoads(a.load, b.load))
	})
	var figures []*figure
	for _, k := range order {
		figures = append(figures, v.newChart(v.anchor(name+k.workload), charts[k]))
	}
	return figures
}

// latencyTitle names the load that a chart of latencies is of.
func latencyTitle(workload string, load results.Load) string {
	if workload == "" {
		return "Latency: " + describe(load)
	}
	return fmt.Sprintf("Latency under %s: %s", workload, describe(load))
}

// percentiles returns the curve of a server's latencies at the fixed rate: for each quantile the
// median over the rounds, with its interval.
func (g *group) percentiles() []claims.Point {
	var rounds []*results.Latencies
	for _, v := range g.visits {
		if v.Paced != nil && v.Paced.Latency != nil && v.Paced.Latency.TotalCount() > 0 {
			rounds = append(rounds, v.Paced.Latency)
		}
	}
	var points []claims.Point
	for _, q := range quantiles() {
		var values []float64
		for _, l := range rounds {
			if float64(l.TotalCount())*(100-q) >= 100 { // one value at least lies above it
				values = append(values, float64(l.ValueAtQuantile(q))/1e3)
			}
		}
		if len(values) == 0 || len(values) < len(rounds) {
			break
		}
		e := results.NewEstimate(values)
		points = append(points, claims.Point{X: 100 / (100 - q), Y: e.Median, Low: e.Low,
			High: e.High})
	}
	return points
}
