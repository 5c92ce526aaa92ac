package claims

import (
	"cmp"
	"fmt"

	"github.com/kettle-go/kettle/lab/results"
)

// What a switch of a coroutine is said to be: so many times cheaper than one of a thread, and none
// of the kernel's.
const (
	farLess    = 5
	noneInTime = 0.01
)

// switchesStayInside judges whether a switch between coroutines costs a fraction of one between
// threads, and the kernel does not see it.
func switchesStayInside(e *evidence) Verdict {
	nanos, kernel := map[string][]float64{}, map[string][]float64{}
	missing := map[string]string{}
	var kinds []string
	figure := "ns/switch"
	for _, s := range e.Switches {
		if _, known := nanos[s.Kind]; !known {
			kinds = append(kinds, s.Kind)
			nanos[s.Kind] = nil
		}
		if s.Missing != "" {
			missing[s.Kind] = s.Missing
			continue
		}
		// While the token is passed nobody waits for anything else, so that a switch takes as long
		// as the CPU time that it uses, unless another program wants the CPU too.
		used := s.Nanos
		if s.CPU != nil {
			used, figure = *s.CPU, "CPU ns/switch"
		}
		nanos[s.Kind] = append(nanos[s.Kind], used)
		if s.Kernel != nil {
			kernel[s.Kind] = append(kernel[s.Kind], *s.Kernel)
		}
	}
	if len(kinds) == 0 {
		return notMeasured("switch was not run")
	}
	estimateOf := func(xs []float64) *results.Estimate {
		if len(xs) == 0 {
			return nil
		}
		return new(results.NewEstimate(xs))
	}
	var v Verdict
	series := Series{Name: "ns for a switch"}
	for _, kind := range kinds {
		t, k := estimateOf(nanos[kind]), estimateOf(kernel[kind])
		v.Rows = append(v.Rows, Row{Server: kind, Why: missing[kind], Figures: []Figure{
			measured(figure, t, number), measured("kernel switches/switch", k, number)}})
		series.add(kind, 0, t)
	}
	v.Charts = []Chart{{Kind: Bars, Title: "One switch from one party to the other",
		YLabel: "ns", YLog: true, Series: []Series{series},
		Models: []string{"threads", "coroutines"}}}
	const unmeasured = "it was not measured"
	threads, coroutines := estimateOf(nanos["threads"]), estimateOf(nanos["coroutines"])
	switch {
	case threads == nil:
		v.Status, v.Why = NotMeasured, "threads: "+cmp.Or(missing["threads"], unmeasured)
		return v
	case coroutines == nil:
		v.Status, v.Why = NotMeasured, "coroutines: "+cmp.Or(missing["coroutines"], unmeasured)
		return v
	case !(threads.Low > 0 && coroutines.Low > 0):
		v.Status, v.Why = NotMeasured, "the clock says that a switch took no time"
		return v
	}
	v.Figure = fmt.Sprintf("coroutines %s, threads %s", seconds(coroutines.Median/1e9),
		seconds(threads.Median/1e9))
	v.Status, v.Why = farLessThan(coroutines, threads, estimateOf(kernel["coroutines"]))
	return v
}

// farLessThan judges by what a switch costs, and by how often the kernel switched meanwhile.
func farLessThan(coroutines, threads, kernel *results.Estimate) (Status, string) {
	far := threads.Low > farLess*coroutines.High
	switch {
	case kernel != nil && kernel.Median > noneInTime:
		return DoesNotHold, ""
	case far && kernel == nil:
		return NotMeasured, "it is not known how often the kernel switched"
	case far:
		return Holds, ""
	case threads.High <= farLess*coroutines.Low:
		return DoesNotHold, ""
	}
	return TooClose, fmt.Sprintf("about %d times", farLess)
}
