package claims

import (
	"fmt"
	"slices"

	"github.com/kettle-go/kettle/lab/results"
)

// What tells waits that overlap from those that follow each other: shares of their sum.
const (
	overlapped = 0.5
	summed     = 0.9
)

// busyWith is the share of its CPU that a server uses at least while it computes, and nothing else
// runs there.
const busyWith = 0.8

func batches(computes bool) func(results.Load) bool {
	return func(l results.Load) bool { return l.Batch && (l.Work > 0) == computes }
}

// share returns how long a batch took, as a share of the sum of what its requests wait for or
// compute.
func share(v *results.Visit) *float64 {
	w := v.Batched
	sum := float64(v.Load.Conns) * (v.Load.Wait + v.Load.Work)
	if w == nil || v.Error != "" || w.Requests < int64(v.Load.Conns) || sum <= 0 {
		return nil
	}
	return new(w.Seconds / sum)
}

func batchSeconds(v *results.Visit) *float64 {
	if share(v) == nil {
		return nil
	}
	return &v.Batched.Seconds
}

// batchCPU returns the share of a CPU that a server used while a batch lasted. Of a worker that is
// there for one request it is not known: it has ended when that is answered.
func batchCPU(v *results.Visit) *float64 {
	w := v.Batched
	if w == nil || v.Server == "processes" || w.CPUMicros == nil || w.Seconds <= 0 {
		return nil
	}
	return new(*w.CPUMicros * 1e-6 * float64(w.Requests) / w.Seconds)
}

// overlappedWaits judges whether requests that wait at the same time take as long as one of them,
// and in the blocking server as long as all together.
func overlappedWaits(e *evidence) Verdict {
	judge := func(name string, took *results.Estimate) (Status, string) {
		switch name {
		case "blocking":
			return above(took, summed), ""
		case "processes": // to start them takes the longer part of its time
			return below(took, summed), ""
		}
		return below(took, overlapped), ""
	}
	v := e.batched("wait", batches(false), judge, "blocking", "streams")
	overlaps := func(r Row) bool { return r.Server != "blocking" }
	if v.Status == Holds && !slices.ContainsFunc(v.Rows, overlaps) {
		v.Status, v.Why = NotMeasured, "nothing was measured of a server whose waits overlap"
	}
	return v
}

// computingIsNotWaiting judges whether requests that compute at the same time, on one CPU, take as
// long as all together, however the server is made.
func computingIsNotWaiting(e *evidence) Verdict {
	m := e.Run.Machine
	if len(e.servers("compute")) > 0 && m.CPUs > 1 && len(m.ServerCPUs) != 1 {
		return notMeasured("the servers were not bound to one CPU")
	}
	judge := func(name string, took *results.Estimate) (Status, string) {
		used := estimate(e.of("compute", name, batches(true)), batchCPU)
		if used != nil && used.Median < busyWith { // then it has taken longer for another reason
			return NotMeasured, sharedCPU
		}
		return above(took, summed), ""
	}
	return e.batched("compute", batches(true), judge, "threads", "streams")
}

// batched judges each server by how long it took for a batch, and names two of them.
func (e *evidence) batched(workload string, fits func(results.Load) bool,
	judge func(string, *results.Estimate) (Status, string), named ...string) Verdict {
	names := e.servers(workload)
	if len(names) == 0 {
		return notMeasured("%s was not run", workload)
	}
	var v Verdict
	series := Series{Name: "time for all"}
	var load results.Load
	for _, name := range names {
		visits := e.of(workload, name, fits)
		if len(visits) == 0 {
			continue
		}
		load = visits[0].Load
		took, part := estimate(visits, batchSeconds), estimate(visits, share)
		status, reason := judge(name, part)
		row := Row{Server: name, Status: status, Why: reason, rests: visits, Figures: []Figure{
			measured("time for all", took, seconds),
			measured("of the sum", part, percent),
			measured("CPU used", estimate(visits, batchCPU), percent),
		}}
		if part == nil {
			row.Why = why(visits)
		}
		for _, n := range named {
			if n == name && took != nil {
				v.Figure = join(v.Figure, name+" "+seconds(took.Median))
			}
		}
		series.add(name, 0, scaled(took, 1e3))
		v.Rows = append(v.Rows, row)
	}
	sum := float64(load.Conns) * (load.Wait + load.Work)
	if v.Figure != "" {
		v.Figure += fmt.Sprintf("; the sum is %s", seconds(sum))
	}
	v.Status, v.Why = all(v.Rows)
	v.Charts = []Chart{{Kind: Bars, YLabel: "ms", Limit: new(1e3 * sum), Sum: true,
		Series: []Series{series},
		Title: fmt.Sprintf("Time for %d requests of %s at once", load.Conns,
			seconds(load.Wait+load.Work)),
		Models: named}}
	return v
}

// onOneLoop are the models whose connections share one loop and are told when they are ready.
func onOneLoop() []string { return []string{"selectors", "coroutines", "protocol", "streams"} }

// heavyOnes fits the loads in which some of the connections compute.
func heavyOnes(l results.Load) bool { return l.Heavy > 0 && !l.Batch }

// lightP99 returns the 99th percentile of those that do not compute, in seconds.
func lightP99(v *results.Visit) *float64 {
	if v.Paced == nil || !complete(v) || late(v.Paced) || v.Paced.LatencyP99 <= 0 {
		return nil
	}
	return new(float64(v.Paced.LatencyP99) / 1e9)
}

// blockedLoop judges whether a request that computes holds up everybody on its loop, and nobody
// where each connection has a thread or a process.
func blockedLoop(e *evidence) Verdict {
	names := e.servers("compute")
	if len(names) == 0 {
		return notMeasured("compute was not run")
	}
	var v Verdict
	series := Series{Name: "p99 of the others"}
	curves := Chart{Kind: Percentiles, Title: "Latency of the requests that do not compute",
		XLabel: "percentile", YLabel: "ms", XLog: true, YLog: true,
		Models: []string{"streams", "threads"}}
	var work float64
	for _, name := range names {
		visits := e.of("compute", name, heavyOnes)
		if len(visits) == 0 {
			continue
		}
		work = visits[0].Load.Work
		p99 := estimate(visits, lightP99)
		row := Row{Server: name, rests: visits,
			Figures: []Figure{measured("p99 of the others", p99, seconds)}}
		switch name {
		case "selectors", "coroutines", "protocol", "streams":
			row.Status = above(p99, work/2)
		case "threads", "processes":
			row.Status = below(p99, work/2)
		}
		if p99 == nil {
			row.Why = why(visits)
		} else if row.Status != "" {
			v.Figure = join(v.Figure, name+" "+seconds(p99.Median))
		}
		series.add(name, 0, scaled(p99, 1e3))
		if c := percentiles(name, visits); len(c.Points) > 0 {
			curves.Series = append(curves.Series, c)
		}
		v.Rows = append(v.Rows, row)
	}
	v.Status, v.Why = all(v.Rows, onOneLoop())
	if v.Figure != "" {
		v.Figure = "p99 of the others: " + v.Figure
	}
	v.Charts = []Chart{{Kind: Bars, YLabel: "ms", Limit: new(1e3 * work / 2),
		Series: []Series{series},
		Title: fmt.Sprintf("p99 of the others while one of ten connections computes for %s",
			seconds(work)), Models: []string{"streams", "threads"}}, curves}
	if slow := besideDeaf(e); len(slow.Series) > 0 {
		v.Charts = append(v.Charts, slow)
	}
	return v
}

// besideDeaf shows that nobody has to wait for a client that does not read, where no call waits.
func besideDeaf(e *evidence) Chart {
	c := Chart{Kind: Bars, YLabel: "ms", YLog: true,
		Title: "p99 of the others beside a client that sends and never reads"}
	for _, deaf := range []int{0, 1} {
		s := Series{Name: []string{"without it", "beside it"}[deaf]}
		for _, name := range e.servers("slow") {
			visits := e.of("slow", name, func(l results.Load) bool { return l.Deaf == deaf })
			s.add(name, 0, scaled(estimate(visits, lightP99), 1e3))
		}
		if len(s.Points) > 0 {
			c.Series = append(c.Series, s)
		}
	}
	return c
}
