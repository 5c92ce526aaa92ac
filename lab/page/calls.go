package page

import (
	"cmp"
	"fmt"
	"slices"

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
	type key struct {
		workload string
		load     results.Load
	}
	var order []key
	charts := make(map[key][]*claims.Chart)
	for i, r := range v.runs {
		all := groups(r.Set.Counted)
		slices.SortStableFunc(all, func(a, b *group) int {
			return v.serverOrder(a.server) - v.serverOrder(b.server)
		})
		for _, g := range all {
			calls := results.Saturated.Calls(g.visits)
			if calls == nil {
				continue
			}
			k := key{g.workload, g.load}
			if charts[k] == nil {
				order = append(order, k)
				charts[k] = make([]*claims.Chart, len(v.runs))
			}
			if charts[k][i] == nil {
				charts[k][i] = newCallsChart(g)
			}
			for n, y := range calls.Numbers() {
				s := &charts[k][i].Series[n]
				s.Points = append(s.Points, claims.Point{Label: g.server, Y: *y, Low: *y, High: *y})
			}
		}
	}
	slices.SortStableFunc(order, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.workload, b.workload), compareLoads(a.load, b.load))
	})
	var figures []*figure
	for _, k := range order {
		figures = append(figures, v.newChart(v.anchor("calls-"+k.workload), charts[k]))
	}
	return figures
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
