package page_test

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/page"
	"github.com/kettle-go/kettle/lab/results"
)

// verdictsOf returns verdicts on claims that are those of no lab, so that its own can change: one
// of each status, and one chart of each kind.
func verdictsOf(set *results.Set) []claims.Verdict {
	return []claims.Verdict{linesVerdict(set), crowdVerdict(set), stormVerdict(set),
		switchVerdict(set), timelineVerdict(), unknownVerdict()}
}

// runOf returns what page.Write takes.
func runOf(set *results.Set) page.Run { return page.Run{Set: set, Verdicts: verdictsOf(set)} }

func linesVerdict(set *results.Set) claims.Verdict {
	v := claims.Verdict{Status: claims.Holds,
		Claim: claims.Claim{ID: "C1", Text: "What takes callbacks takes fewer lines with " +
			"coroutines, and fewer still with async and await",
			Workloads: []string{"source"},
			Predicted: "lines of code: selectors > coroutines > streams"},
		Figure: "coroutines 112, selectors 80, streams 82 lines"}
	var s claims.Series
	for _, name := range []string{"selectors", "coroutines", "streams"} {
		m := set.Model(name)
		y := float64(m.OwnLines)
		s.Points = append(s.Points, claims.Point{Label: name, Y: y, Low: y, High: y})
		v.Rows = append(v.Rows, claims.Row{Server: name, Figures: []claims.Figure{
			{Name: "lines", Value: y, Text: fmt.Sprint(m.OwnLines)},
			{Name: "with what it needs", Value: float64(m.Lines), Text: fmt.Sprint(m.Lines)}}})
	}
	s.Name = "lines of code"
	v.Charts = []claims.Chart{{Kind: claims.Bars, Title: "Lines of code of each model’s own file",
		YLabel: "lines", Series: []claims.Series{s},
		Models: []string{"selectors", "coroutines", "streams"}}}
	return v
}

// estimate returns the median of a figure over the visits that have it.
func estimate(set *results.Set, workload, server string, load func(results.Load) bool,
	figure func(*results.Visit) *float64) results.Estimate {
	var all []float64
	for _, v := range set.Visits {
		if v.Workload == workload && v.Server == server && !v.Again && load(v.Load) {
			if x := figure(v); x != nil {
				all = append(all, *x)
			}
		}
	}
	return results.NewEstimate(all)
}

func pacedCPU(v *results.Visit) *float64 {
	if v.Paced == nil {
		return nil
	}
	return v.Paced.CPUMicros
}

func saturatedCPU(v *results.Visit) *float64 {
	if v.Saturated == nil {
		return nil
	}
	return v.Saturated.CPUMicros
}

func crowdVerdict(set *results.Set) claims.Verdict {
	v := claims.Verdict{Status: claims.Holds,
		Claim: claims.Claim{ID: "C11", Text: "select pays for all that it watches",
			Workloads: []string{"crowd"},
			Predicted: "CPU per message beside 1,000 silent connections at least 1.5 times that " +
				"beside 100",
			GoOwn: "A blocking system call lets Go’s monitor take the processor away."},
		Figure: "select 1.73 times, selectors 1.01 times"}
	c := claims.Chart{Kind: claims.Lines, Title: "CPU per message beside silent connections",
		XLabel: "silent connections", YLabel: "CPU, µs per message", XLog: true, YLog: true,
		Limit: new(100.0), Models: []string{"select", "selectors"}}
	for _, s := range servers() {
		line := claims.Series{Name: s.name}
		row := claims.Row{Server: s.name}
		for _, idle := range crowds(s.name) {
			e := estimate(set, "crowd", s.name, func(l results.Load) bool { return l.Idle == idle },
				pacedCPU)
			line.Points = append(line.Points, claims.Point{X: float64(idle), Y: e.Median,
				Low: e.Low, High: e.High})
			if e.N > 0 {
				row.Figures = append(row.Figures, claims.Figure{
					Name: fmt.Sprintf("µs/message beside %d", idle), Value: e.Median, Spread: &e,
					Text: fmt.Sprintf("%.1f", e.Median)})
			}
		}
		if len(line.Points) == 0 {
			continue
		}
		c.Series = append(c.Series, line)
		if s.name == "select" {
			row.Status, row.Why = claims.Holds, "it cannot watch more than 1024"
		}
		v.Rows = append(v.Rows, row)
	}
	v.Charts = []claims.Chart{c}
	return v
}

func stormVerdict(set *results.Set) claims.Verdict {
	v := claims.Verdict{Status: claims.TooClose,
		Claim: claims.Claim{ID: "C17", Text: "Streams cost about what selectors cost: the " +
			"principle is the same", Workloads: []string{"storm"},
			Predicted: "CPU per message at most 1.25 times"},
		Figure: "1.07 times, 0.97 to 1.28",
		Why:    "the interval reaches over the threshold"}
	if set.Run.Race {
		v.Status, v.Why = claims.DoesNotHold, ""
	}
	bars := claims.Chart{Kind: claims.Bars, Title: "CPU per message", YLabel: "µs per message",
		Models: []string{"selectors", "streams"}}
	curves := claims.Chart{Kind: claims.Percentiles, Title: "Latency at 5,000 messages per second",
		XLabel: "percentile", YLabel: "latency, µs", YLog: true}
	saturated := claims.Series{Name: "saturated"}
	paced := claims.Series{Name: "at 5,000/s"}
	all := func(results.Load) bool { return true }
	for _, name := range []string{"selectors", "coroutines", "goroutines", "streams"} {
		for series, figure := range map[*claims.Series]func(*results.Visit) *float64{
			&saturated: saturatedCPU, &paced: pacedCPU} {
			e := estimate(set, "storm", name, all, figure)
			series.Points = append(series.Points, claims.Point{Label: name, Y: e.Median, Low: e.Low,
				High: e.High})
		}
		curve := claims.Series{Name: name}
		for _, q := range []float64{0, 50, 75, 90, 95, 99, 99.5, 99.9} {
			e := estimate(set, "storm", name, all, func(v *results.Visit) *float64 {
				return new(float64(v.Paced.Latency.ValueAtQuantile(q)) / 1e3)
			})
			curve.Points = append(curve.Points, claims.Point{X: 100 / (100 - q), Y: e.Median,
				Low: e.Low, High: e.High})
		}
		curves.Series = append(curves.Series, curve)
	}
	bars.Series = []claims.Series{saturated, paced}
	v.Charts = []claims.Chart{bars, curves}
	return v
}

func switchVerdict(set *results.Set) claims.Verdict {
	points := []claims.Point{{Label: "coroutine", Y: 62, Low: 58, High: 71},
		{Label: "goroutine", Y: 263, Low: 240, High: 290},
		{Label: "thread", Y: 1840, Low: 1700, High: 2300},
		{Label: "process", Y: 2210, Low: 2100, High: 2900}}
	return claims.Verdict{Status: claims.DoesNotHold,
		Claim: claims.Claim{ID: "C16", Text: "A coroutine switch stays in user space and costs " +
			"far less than a thread’s", Workloads: []string{"switch"},
			Predicted: "a thread’s at least 50 times a coroutine’s"},
		Figure: "29.7 times, 26 to 33",
		Charts: []claims.Chart{{Kind: claims.Bars, Title: "One switch", YLabel: "ns", YLog: true,
			Limit: new(1000.0), Sum: true,
			Series: []claims.Series{{Name: "ns per switch", Points: points}}}}}
}

func timelineVerdict() claims.Verdict {
	return claims.Verdict{Status: claims.Holds,
		Claim: claims.Claim{ID: "C8", Text: "A blocking call waits, a non-blocking one returns " +
			"at once"},
		Figure: "blocking 3 calls, 0 would-blocks; polling 412 calls, 409 would-blocks",
		Charts: []claims.Chart{{Kind: claims.Timelines, Title: "What the models did",
			Models: []string{"blocking", "streams"}}, {Kind: claims.KernelLanes,
			Title: "One request, program and kernel", Models: []string{"blocking"}}}}
}

func unknownVerdict() claims.Verdict {
	return claims.Verdict{Status: claims.NotMeasured,
		Claim: claims.Claim{ID: "C13", Text: "Ready means that the call will not wait"},
		Why:   "the kernel does not let this user count system calls"}
}

// drawn is the picture of a recording, with names that several pictures share.
func drawn(kind claims.ChartKind, models []string, _ *results.Set) (string, error) {
	if kind == claims.KernelLanes {
		return "", nil
	}
	text := `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 120" role="img"
 aria-labelledby="t"><title id="t">Lanes of two models</title>
<style>.lane { fill: currentColor } .busy { fill: light-dark(#0a3579, #5f8ad0) }</style>
<defs><clipPath id="clip"><rect width="720" height="120"/></clipPath></defs>
<g clip-path="url(#clip)">`
	for i, name := range models {
		var escaped strings.Builder
		if err := xml.EscapeText(&escaped, []byte(name)); err != nil {
			return "", err
		}
		text += fmt.Sprintf(`<text class="lane" x="0" y="%d">%s</text>`+
			`<rect class="busy" x="%d" y="%d" width="180" height="24"/>`, 30+50*i, &escaped,
			120+90*i, 14+50*i)
	}
	return text + `</g></svg>`, nil
}
