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
// one all of them.
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
			v.Figure = fmt.Sprintf("blocking served %.0f of %d", got.Median, n)
			v.Status = row.Status
		case got == nil:
			row.Why = why(visits)
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

// memoryGrows judges whether processes and threads serve all, and take memory for each.
func memoryGrows(e *evidence) Verdict {
	sizes := e.sizes("growth", byConns)
	if len(sizes) == 0 {
		return notMeasured("growth was not run")
	}
	var v Verdict
	chart := Chart{Kind: Lines, Title: "Memory of all connections together",
		XLabel: "connections", YLabel: "KiB", XLog: true, YLog: true,
		Models: []string{"processes", "threads"}}
	for _, name := range e.servers("growth") {
		if name == "blocking" {
			continue
		}
		series := Series{Name: name}
		var each *results.Estimate
		var last []*results.Visit
		for _, n := range sizes {
			visits := e.of("growth", name, conns(n))
			if est := estimate(visits, memory); est != nil {
				each, last = est, visits
				series.addTotal(n, est)
			} else if each == nil {
				last = visits
			}
		}
		row := Row{Server: name, Figures: []Figure{measured("memory per connection", each, bytes)}}
		switch name {
		case "threads":
			row.Status = above(each, threadBytes)
		case "processes":
			row.Status = above(each, processBytes)
		}
		if each == nil {
			row.Why = why(last)
		}
		if row.Status != "" && each != nil {
			v.Figure = join(v.Figure, name+" "+bytes(each.Median))
		}
		if len(series.Points) > 0 {
			chart.Series = append(chart.Series, series)
		}
		v.Rows = append(v.Rows, row)
	}
	v.Status, v.Why = all(v.Rows)
	if v.Figure != "" {
		v.Figure += " for each connection"
	}
	v.Charts = []Chart{chart}
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
	if text == "" {
		return more
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
	sizes := e.sizes("growth", byConns)
	if len(sizes) == 0 {
		return notMeasured("growth was not run")
	}
	var v Verdict
	chart := Chart{Kind: Lines, Title: "Switches of threads for each message, all connections busy",
		XLabel: "connections", YLabel: "switches/message", XLog: true,
		Models: []string{"threads", "selectors"}}
	for _, name := range e.servers("growth") {
		if name == "blocking" {
			continue
		}
		series := Series{Name: name}
		var most *results.Estimate
		var last []*results.Visit
		for _, n := range sizes {
			last = e.of("growth", name, conns(n))
			if est := estimate(last, switches(results.Saturated)); est != nil {
				most = est
				series.add("", float64(n), est)
			}
		}
		row := Row{Server: name, Figures: []Figure{measured("switches/message", most, number)}}
		switch name {
		case "processes", "threads":
			row.Status = above(most, manySwitches)
		case "selectors", "streams", "protocol", "coroutines":
			row.Status = below(most, fewSwitches)
		}
		if row.Status == NotMeasured {
			row.Why = why(last)
		}
		if most != nil && row.Status != "" {
			v.Figure = join(v.Figure, name+" "+number(most.Median))
		}
		if len(series.Points) > 0 {
			chart.Series = append(chart.Series, series)
		}
		v.Rows = append(v.Rows, row)
	}
	v.Status, v.Why = all(v.Rows)
	if v.Figure != "" {
		v.Figure += " switches/message"
	}
	v.Charts = []Chart{chart}
	return v
}
