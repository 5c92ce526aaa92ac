package claims

import (
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
			used = *s.CPU
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
			measured("ns/switch", t, number), measured("kernel switches/switch", k, number)}})
		series.add(kind, 0, t)
	}
	v.Charts = []Chart{{Kind: Bars, Title: "One switch from one party to the other",
		YLabel: "ns", YLog: true, Series: []Series{series},
		Models: []string{"threads", "coroutines"}}}
	threads, coroutines := estimateOf(nanos["threads"]), estimateOf(nanos["coroutines"])
	switch {
	case threads == nil:
		v.Status, v.Why = NotMeasured, "threads: "+missing["threads"]
		return v
	case coroutines == nil:
		v.Status, v.Why = NotMeasured, "coroutines: "+missing["coroutines"]
		return v
	}
	v.Figure = fmt.Sprintf("coroutines %s, threads %s", seconds(coroutines.Median/1e9),
		seconds(threads.Median/1e9))
	switch k := estimateOf(kernel["coroutines"]); {
	case k != nil && k.Median > noneInTime:
		v.Status = DoesNotHold
	case threads.Low > farLess*coroutines.High:
		v.Status = Holds
	case threads.High <= farLess*coroutines.Low:
		v.Status = DoesNotHold
	default:
		v.Status, v.Why = TooClose, fmt.Sprintf("about %d times", farLess)
	}
	return v
}
