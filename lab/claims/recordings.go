package claims

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/timeline"
)

// Recordings returns what was recorded of servers, event by event. What cannot be read is left out.
func Recordings(set *results.Set) []*timeline.Recording {
	var all []*timeline.Recording
	for _, line := range set.Timelines {
		r := &timeline.Recording{}
		if json.Unmarshal(line, r) == nil && r.Server != "" {
			all = append(all, r)
		}
	}
	return all
}

// What tells a call that waits from one that returns at once: the share of the time until there is
// something that a read lasts, and how long one takes that finds nothing.
const (
	waitsFor = 0.5
	atOnce   = time.Millisecond
)

// callsWait judges whether a blocking read that finds nothing lasts until there is something, and a
// non-blocking one returns at once.
func callsWait(e *evidence) Verdict {
	var v Verdict
	waited, returned := Series{Name: "a blocking read waits"}, Series{Name: "a non-blocking one"}
	for _, r := range Recordings(e.Set) {
		lasted, pause, each := readsThatFoundNothing(r)
		row := Row{Server: r.Server}
		switch r.Server {
		case "blocking", "threads":
			if lasted == nil || pause.Median <= 0 {
				row.Status, row.Why = NotMeasured, "no read found nothing"
				break
			}
			share := results.NewEstimate([]float64{lasted.Median / pause.Median})
			row.Status = above(&share, waitsFor)
			row.Figures = []Figure{measured("a read lasts", lasted, seconds),
				measured("the client pauses", pause, seconds)}
			waited.add(r.Server, 0, scaled(lasted, 1e6))
		case "polling":
			if each == nil {
				row.Status, row.Why = NotMeasured, "no read found nothing"
				break
			}
			row.Status = below(each, atOnce.Seconds())
			row.Figures = []Figure{measured("a read that finds nothing", each, seconds)}
			returned.add(r.Server, 0, scaled(each, 1e6))
		default:
			continue
		}
		if len(row.Figures) > 0 {
			v.Figure = join(v.Figure, r.Server+" "+row.Figures[0].Text)
		}
		v.Rows = append(v.Rows, row)
	}
	if len(v.Rows) == 0 {
		return notMeasured("the timeline has neither a blocking nor a polling model")
	}
	v.Status, v.Why = all(v.Rows, []string{"blocking", "threads"}, []string{"polling"})
	models := []string{"blocking", "polling", "select"}
	v.Charts = []Chart{
		{Kind: KernelLanes, Title: "One request, as the program and the kernel saw it",
			Models: models},
		{Kind: Bars, Title: "How long a read lasts that finds nothing", YLabel: "µs", YLog: true,
			Series: []Series{waited, returned}, Models: models[:2]},
	}
	return v
}

// readsThatFoundNothing returns, in seconds, how long they lasted if they waited, how long the
// client had paused before, and how long an attempt took that did not wait.
func readsThatFoundNothing(r *timeline.Recording) (lasted, pause, each *results.Estimate) {
	var lasts, pauses, tries []float64
	for _, read := range r.Reads() {
		if read.Early > 0 && read.Tries == 0 {
			lasts = append(lasts, read.Lasted.Seconds())
			pauses = append(pauses, read.Pause.Seconds())
		}
		if read.Tries > 0 {
			tries = append(tries, read.Each.Seconds())
		}
	}
	of := func(xs []float64) *results.Estimate {
		if len(xs) == 0 {
			return nil
		}
		return new(results.NewEstimate(xs))
	}
	return of(lasts), of(pauses), of(tries)
}

// readyMeansReady judges whether who waits until something is ready is never told to wait by the
// call itself.
func readyMeansReady(e *evidence) Verdict {
	var v Verdict
	series := Series{Name: "reads in vain"}
	about := []string{"select", "poll", "selectors", "coroutines"}
	for _, r := range Recordings(e.Set) {
		w := r.WouldBlocks()
		if !w.Seen || r.Server == "blocking" || r.Server == "threads" {
			continue // its reads are not its own, or wait
		}
		row := Row{Server: r.Server, Figures: []Figure{counted("reads", w.Reads),
			counted("in vain", w.Tries)}}
		switch {
		case !slices.Contains(about, r.Server):
		case w.Tries > 0:
			row.Status = DoesNotHold
		case w.Reads == 0:
			row.Status, row.Why = NotMeasured, "it has read nothing"
		case r.LeftOut > 0:
			row.Status = NotMeasured
			row.Why = fmt.Sprintf("left out of its recording: %d events", r.LeftOut)
		default:
			row.Status = Holds
		}
		v.Figure = join(v.Figure, fmt.Sprintf("%s %d of %d", r.Server, w.Tries, w.Reads+w.Tries))
		y := float64(w.Tries) / float64(max(1, w.Reads))
		series.Points = append(series.Points, Point{Label: r.Server, Y: y, Low: y, High: y})
		v.Rows = append(v.Rows, row)
	}
	if len(v.Rows) == 0 {
		return notMeasured("the timeline has no model that reads what is ready")
	}
	v.Status, v.Why = all(v.Rows)
	v.Figure = "reads in vain: " + v.Figure
	v.Charts = []Chart{{Kind: Timelines, Title: "What each thread did, and for whom",
		Models: []string{"blocking", "polling", "selectors", "streams"}},
		{Kind: Bars, Title: "Reads that found nothing, for each that found something",
			YLabel: "reads", Series: []Series{series}, Models: []string{"polling", "selectors"}}}
	return v
}
