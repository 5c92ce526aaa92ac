package claims

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kettle-go/kettle/lab/results"
)

func byIdle(l results.Load) int { return l.Idle }

func idles(n int) func(results.Load) bool {
	return func(l results.Load) bool { return l.Idle == n }
}

// What tells a server that uses the CPU while it waits from one that does not: shares of one CPU.
const (
	busyIdle  = 0.5
	quietIdle = 0.01
)

// waitingIsFree judges whether a server uses no CPU while all its connections are silent. That of
// one that polls is another claim's.
func waitingIsFree(e *evidence) Verdict {
	names := e.servers("idle")
	if len(names) == 0 {
		return notMeasured("idle was not run")
	}
	v := Verdict{}
	series := Series{Name: "CPU while idle"}
	var most *results.Estimate
	var who string
	for _, name := range names {
		visits := e.of("idle", name, nil)
		used := estimate(visits, idleCPU)
		row := Row{Server: name, Figures: []Figure{measured("CPU while idle", used, percent)}}
		series.add(name, 0, scaled(used, 100))
		if name != "polling" && e.Model(name) != nil { // of other servers nothing was claimed
			row.Status = below(used, quietIdle)
			if used == nil {
				row.Why = why(visits)
			} else if most == nil || used.Median > most.Median {
				most, who = used, name
			}
		}
		v.Rows = append(v.Rows, row)
	}
	v.Status, v.Why = all(v.Rows)
	if most != nil {
		v.Figure = fmt.Sprintf("at most %s of a CPU (%s)", percent(most.Median), who)
	}
	v.Charts = []Chart{{Kind: Bars, Title: "CPU that is used while every connection is silent",
		YLabel: "% of one CPU", Limit: new(100 * quietIdle), Series: []Series{series},
		Models: []string{"polling", "streams"}}}
	return v
}

// scaled returns an estimate in another unit.
func scaled(e *results.Estimate, factor float64) *results.Estimate {
	if e == nil {
		return nil
	}
	s := *e
	s.Median, s.Low, s.High = factor*e.Median, factor*e.Low, factor*e.High
	return &s
}

// crowdOf is what a message costs beside silent connections, relative to none: the chart of it, and
// the ratio at the largest crowd of each server.
type crowdOf struct {
	name  string
	asked int               // silent connections of the largest crowd
	most  int               // of the largest with a figure
	ratio *results.Estimate // of the cost of a message to that without silent ones
	alone *results.Estimate // µs
	cost  *results.Estimate // µs, at the largest crowd
	line  Series
	none  []*results.Visit // without silent ones
	last  []*results.Visit // beside the largest crowd
}

func (e *evidence) crowdOf(name string, k results.Kind) crowdOf {
	c := crowdOf{name: name, line: Series{Name: name}}
	alone := e.of("crowd", name, idles(0))
	c.alone = estimate(alone, cpu(k))
	c.none, c.last = alone, alone
	for _, n := range e.sizes("crowd", byIdle) {
		visits := e.of("crowd", name, idles(n))
		if len(visits) == 0 {
			continue
		}
		if n > 0 {
			c.asked, c.last = n, visits
		}
		est := estimate(visits, cpu(k))
		if est == nil {
			continue
		}
		c.line.add("", float64(n+100), est)
		if n > 0 {
			c.most, c.cost = n, est
			c.ratio = ratio(visits, alone, cpu(k))
		}
	}
	return c
}

// judged is what a claim has become whose limit the ratio is above, or not. Beside fewer than were
// asked for a message costs less: that it is above there is evidence, that it is not is none.
func (c crowdOf) judged(judge func(*results.Estimate, float64) Status, limit float64) (Status,
	string) {
	r := between(c.ratio)
	status := judge(r, limit)
	switch {
	case r != nil && c.most < c.asked && !(r.Low > limit):
		return NotMeasured, fmt.Sprintf("beside %d silent: %s", c.asked, why(c.last))
	case status == TooClose:
		return status, undecided(r)
	}
	return status, ""
}

// row is the row of a server, and what its figure is in a line.
func (c crowdOf) row() Row {
	r := Row{Server: c.name, Figures: []Figure{
		measured("CPU/message alone", c.alone, micros),
		measured("CPU/message in the crowd", c.cost, micros),
		measured("times as much", c.ratio, number),
		counted("silent connections", c.most),
	}}
	switch {
	case c.alone == nil:
		r.Why = why(c.none)
	case c.ratio == nil:
		r.Why = why(c.last)
	}
	r.rests = slices.Concat(c.none, c.last)
	return r
}

func (c crowdOf) text() string {
	if c.ratio == nil {
		return ""
	}
	return fmt.Sprintf("%s %s as much beside %d silent", c.name, times(c.ratio.Median), c.most)
}

const crowdTitle = "CPU for a message of 100 connections, beside silent ones"

// crowded judges the servers of the crowd that a claim is about.
func (e *evidence) crowded(about []string, k results.Kind,
	judge func(*results.Estimate, float64) Status, limit float64) Verdict {
	if len(e.servers("crowd")) == 0 {
		return notMeasured("crowd was not run")
	}
	var v Verdict
	chart := Chart{Kind: Lines, Title: crowdTitle, XLabel: "connections", YLabel: "CPU µs/message",
		XLog: true, YLog: true, Models: about[:1]}
	for _, name := range e.servers("crowd") {
		c := e.crowdOf(name, k)
		if len(c.line.Points) == 0 && !slices.Contains(about, name) {
			continue // it was measured in another way
		}
		row := c.row()
		if slices.Contains(about, name) {
			status, reason := c.judged(judge, limit)
			row.Status, row.Why = status, cmp.Or(reason, row.Why)
			if c.ratio != nil {
				v.Figure = join(v.Figure, c.text())
			}
		}
		if len(c.line.Points) > 0 {
			chart.Series = append(chart.Series, c.line)
		}
		v.Rows = append(v.Rows, row)
	}
	v.Status, v.Why = all(v.Rows)
	v.Charts = []Chart{chart}
	return v
}

// How many times as much a message must cost in a crowd for the crowd to have been paid for, and
// at most for it not to have been: the crowd is forty times as large as what is busy, so that who
// pays for it shows, and two visits of the same server may differ by a third.
const (
	paysFor    = 1.2
	paysNobody = 1.5
)

// pollingPays judges whether a server that polls pays for who is not ready: with each message, and
// while nobody is.
func pollingPays(e *evidence) Verdict {
	v := e.crowded([]string{"polling"}, results.Saturated, above, paysFor)
	visits := e.of("idle", "polling", nil)
	used := estimate(visits, idleCPU)
	row := Row{Server: "polling", Status: above(used, busyIdle),
		Figures: []Figure{measured("CPU while idle", used, percent)}}
	if used == nil {
		row.Why = why(visits)
	} else {
		v.Figure = join(percent(used.Median)+" of a CPU while idle", v.Figure)
	}
	v.and(all([]Row{row}))
	v.Rows = append([]Row{row}, v.Rows...)
	return v
}

// selectPays judges whether a message costs select and poll more, the more they watch.
func selectPays(e *evidence) Verdict {
	return e.crowded([]string{"select", "poll"}, results.Paced, above, paysFor)
}

// callbacksPayForReady judges whether a message costs the same beside thousands of silent
// connections as beside none.
func callbacksPayForReady(e *evidence) Verdict {
	v := e.crowded([]string{"selectors", "protocol", "streams"}, results.Paced, below, paysNobody)
	var quiet []Row
	for _, name := range []string{"selectors", "protocol", "streams"} {
		visits := e.of("idle", name, nil)
		used := estimate(visits, idleCPU)
		if len(visits) == 0 {
			continue
		}
		row := Row{Server: name, Status: below(used, quietIdle),
			Figures: []Figure{measured("CPU while idle", used, percent)}}
		if used == nil {
			row.Why = why(visits)
		}
		quiet = append(quiet, row)
	}
	if len(quiet) == 0 {
		v.and(NotMeasured, "while idle nothing was measured of them")
	} else {
		v.and(all(quiet))
	}
	v.Rows = append(v.Rows, quiet...)
	return v
}
