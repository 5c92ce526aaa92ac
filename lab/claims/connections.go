package claims

import (
	"fmt"
	"slices"

	"github.com/kettle-go/kettle/lab/results"
)

func conns(n int) func(results.Load) bool {
	return func(l results.Load) bool { return l.Conns == n }
}

func byConns(l results.Load) int { return l.Conns }

// oneAtATime judges whether the blocking server has served one client, of several, and each other
// model all of them.
func oneAtATime(e *evidence) Verdict {
	var v Verdict
	chart := Chart{Kind: Bars, Title: "Clients that got an answer", YLabel: "clients",
		Models: []string{"blocking"}}
	sizes := slices.DeleteFunc(e.sizes("growth", byConns), func(n int) bool { return n < 2 })
	if len(sizes) == 0 {
		return notMeasured("growth was not run")
	}
	n := sizes[0]
	series := Series{Name: fmt.Sprintf("of %d", n)}
	seen := false
	for _, name := range e.servers("growth") {
		visits := e.of("growth", name, conns(n))
		got := estimate(visits, served)
		row := Row{Server: name, Figures: []Figure{
			measured(fmt.Sprintf("served of %d", n), got, whole)}}
		switch {
		case name == "blocking" && got == nil:
			return notMeasured("blocking: %s", why(visits))
		case name == "blocking":
			seen = true
			row.Status = holdsIf(got.Low == 1 && got.High == 1)
			v.Figure = join(fmt.Sprintf("blocking served %.0f of %d", got.Median, n), v.Figure)
			v.and(row.Status, "")
		case got == nil:
			row.Why = why(visits)
		case got.Low < float64(n) && e.Model(name) != nil:
			row.Status = DoesNotHold
			v.Figure = join(v.Figure, fmt.Sprintf("%s %.0f", name, got.Low))
			v.and(row.Status, "")
		}
		series.add(name, 0, got)
		v.Rows = append(v.Rows, row)
	}
	if !seen {
		return notMeasured("the model blocking was not visited")
	}
	chart.Series = []Series{series}
	v.Charts = []Chart{chart}
	return v
}

// What a connection takes at least if a process, or a thread, is its own: a stack for Go's code on
// a thread is 8 KiB, with what the runtime keeps of the thread and its system stack, and a process
// has a runtime of its own.
const (
	threadBytes  = 16 << 10
	processBytes = 256 << 10
)

// grown is what a server has shown as its connections grew: a figure at each number of them.
type grown struct {
	name  string
	asked int                 // the most connections
	at    []int               // connections, where there is the figure
	each  []*results.Estimate // the figure there
	last  []*results.Visit    // with the most connections
}

// most returns the figure with the most connections, nil if there is none.
func (g grown) most() *results.Estimate {
	if len(g.each) == 0 {
		return nil
	}
	return g.each[len(g.each)-1]
}

// growing returns what each server has shown, but for blocking, which serves one.
func (e *evidence) growing(figure func(*results.Visit) *float64) []grown {
	var all []grown
	for _, name := range e.servers("growth") {
		if name == "blocking" {
			continue
		}
		g := grown{name: name}
		for _, n := range e.sizes("growth", byConns) {
			visits := e.of("growth", name, conns(n))
			if len(visits) == 0 {
				continue
			}
			g.asked, g.last = n, visits
			if est := estimate(g.last, figure); est != nil {
				g.at, g.each = append(g.at, n), append(g.each, est)
			}
		}
		all = append(all, g)
	}
	return all
}

// grew judges each server by its figure with the most connections, where judge has something to say
// of it, and draws how all of them have come there.
func grew(servers []grown, name string, show unit, judge func(grown) Status,
	draw func(*Series, int, *results.Estimate), chart Chart) Verdict {
	if len(servers) == 0 {
		return notMeasured("growth was not run")
	}
	var v Verdict
	for _, g := range servers {
		row := Row{Server: g.name, Figures: []Figure{measured(name, g.most(), show)},
			Status: judge(g), rests: g.last}
		if g.most() == nil {
			row.Why = why(g.last)
		} else if row.Status != "" {
			v.Figure = join(v.Figure, g.name+" "+show(g.most().Median))
			if n := g.at[len(g.at)-1]; n < g.asked {
				v.Figure += fmt.Sprintf(" (of %d)", n)
			}
		}
		series := Series{Name: g.name}
		for i, n := range g.at {
			draw(&series, n, g.each[i])
		}
		if len(series.Points) > 0 {
			chart.Series = append(chart.Series, series)
		}
		v.Rows = append(v.Rows, row)
	}
	v.Status, v.Why = all(v.Rows, []string{"processes", "threads"})
	v.Charts = []Chart{chart}
	return v
}

// memoryGrows judges whether processes and threads serve all, and take memory for each.
func memoryGrows(e *evidence) Verdict {
	v := grew(e.growing(memory), "memory per connection", bytes, func(g grown) Status {
		switch g.name {
		case "threads":
			return above(g.most(), threadBytes)
		case "processes":
			return above(g.most(), processBytes)
		}
		return ""
	}, (*Series).addTotal, Chart{Kind: Lines, Title: "Memory of all connections together",
		XLabel: "connections", YLabel: "KiB", XLog: true, YLog: true,
		Models: []string{"processes", "threads"}})
	if v.Figure != "" {
		v.Figure += " for each connection"
	}
	return v
}

// addTotal adds what n connections take together, in KiB. What cannot be shown on a logarithmic
// axis, as it is not more than nothing, is left out.
func (s *Series) addTotal(n int, each *results.Estimate) {
	total := func(x float64) float64 { return max(x*float64(n)/(1<<10), 1) }
	if each.Median > 0 {
		s.Points = append(s.Points, Point{X: float64(n), Y: total(each.Median),
			Low: total(each.Low), High: total(each.High)})
	}
}

func join(text, more string) string {
	switch {
	case text == "":
		return more
	case more == "":
		return text
	}
	return text + ", " + more
}

// Switches of threads for each message, with every connection busy, that tell the two kinds apart.
const (
	manySwitches = 0.5
	fewSwitches  = 0.1
)

// switchesGrow judges whether a process or thread for each connection is switched to for about each
// message, and a loop is not.
func switchesGrow(e *evidence) Verdict {
	v := grew(e.growing(switches(results.Saturated)), "switches/message", number,
		func(g grown) Status {
			switch g.name {
			case "processes", "threads":
				return above(g.most(), manySwitches)
			case "selectors", "streams", "protocol", "coroutines":
				return below(g.most(), fewSwitches)
			}
			return ""
		},
		func(s *Series, n int, each *results.Estimate) { s.add("", float64(n), each) },
		Chart{Kind: Lines, Title: "Switches of threads for each message, all connections busy",
			XLabel: "connections", YLabel: "switches/message", XLog: true,
			Models: []string{"threads", "selectors"}})
	if v.Figure != "" {
		v.Figure += " switches/message"
	}
	return v
}
