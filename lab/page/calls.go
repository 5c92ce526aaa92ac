package page

import (
	"fmt"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// withCounted returns the groups of a run's visits, each with those visits besides in which system
// calls were counted under the same load. They have a saturated window only, so that their load
// has no rate.
func withCounted(set *results.Set) []*group {
	all := groups(set.Visits)
	for _, c := range groups(set.Counted) {
		for _, g := range all {
			load := g.load
			load.Rate = 0
			if g.workload == c.workload && g.server == c.server && load == c.load {
				g.counted = append(g.counted, c.visits...)
			}
		}
	}
	return all
}

// kindsOf writes the system calls of visits by kind; nothing if that is not known.
func kindsOf(visits []*results.Visit, k results.Kind) string {
	if calls := k.Calls(visits); calls != nil {
		return calls.String()
	}
	return ""
}

// calls returns a chart for each load under which system calls were counted: bars of each server,
// one for each kind.
func (v *view) calls() []*figure {
	return v.byLoad("calls-", func(s *results.Set) []*results.Visit { return s.Counted },
		func(c *claims.Chart, g *group) *claims.Chart {
			calls := results.Saturated.Calls(g.visits)
			if calls == nil {
				return c
			}
			if c == nil {
				c = newCallsChart(g)
			}
			for n, y := range calls.Numbers() {
				s := &c.Series[n]
				s.Points = append(s.Points,
					claims.Point{Label: g.server, Y: *y, Low: *y, High: *y})
			}
			return c
		})
}

// newCallsChart returns the chart of the load that a group was under, without its points.
func newCallsChart(g *group) *claims.Chart {
	c := &claims.Chart{Kind: claims.Bars, YLabel: "system calls per message"}
	c.Title = fmt.Sprintf("System calls per message under %s: %s", g.workload, describe(g.load))
	for _, name := range (results.Calls{}).Names() {
		c.Series = append(c.Series, claims.Series{Name: name})
	}
	return c
}
