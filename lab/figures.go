package lab

import (
	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kettle-go/kettle/lab/results"
)

// Figures are what one server has shown in one kind of window: medians over the rounds, unless
// said otherwise. What is not available is nil.
type Figures struct {
	Rate     *float64                // answers per second
	Latency  *hdrhistogram.Histogram // all rounds together; ns
	CPU      *float64                // µs per message
	System   *float64                // share of it in the kernel, by samples, all rounds together
	Switches *float64                // per message
	Calls    *float64                // system calls per message, if they were counted

	CallKinds *results.Calls // the same by kind, each a median of its own

	Generator *float64 // share of a CPU that the load generator used

	// Ratio is CPU per message to the reference's of the same round; nil for itself.
	Ratio     *results.Estimate
	Disturbed int // rounds left out of Ratio, as the load was not what it should be

	// RateRatio is answers per second to the reference's of the same round; nil for itself.
	RateRatio *results.Estimate
}

// enoughSamples is how many seconds of CPU time the kernel must have sampled for their split into
// the program's and its own to be worth something.
const enoughSamples = 0.25

// Figures returns what a server, one of r.Servers, has shown in windows of a kind.
func (r *Report) Figures(s Server, k results.Kind) Figures {
	visits := r.visitsOf(s)
	of := func(figure func(*results.Window) *float64) func(*results.Visit) *float64 {
		return func(v *results.Visit) *float64 {
			if w := v.Window(k); w != nil {
				return figure(w)
			}
			return nil
		}
	}
	cpu := of(func(w *results.Window) *float64 { return w.CPUMicros })
	rate := of(func(w *results.Window) *float64 { return &w.Rate })
	f := Figures{
		Rate:     middle(visits, rate),
		CPU:      middle(visits, cpu),
		Switches: middle(visits, of(func(w *results.Window) *float64 { return w.Switches })),
		Calls:    middle(visits, of(func(w *results.Window) *float64 { return w.Calls })),

		CallKinds: k.Calls(visits),
	}
	f.Generator = middle(visits, of(func(w *results.Window) *float64 { return &w.GeneratorShare }))
	var user, system float64
	var latency *results.Latencies
	for _, v := range visits {
		w := v.Window(k)
		if w == nil {
			continue
		}
		user += w.User
		system += w.System
		latency = latency.Plus(w.Latency)
	}
	if latency != nil {
		f.Latency = latency.Histogram
	}
	if user+system >= enoughSamples {
		f.System = new(system / (user + system))
	}
	if s.Again || s.Name != r.Config.Reference {
		f.Ratio, f.Disturbed = r.undisturbed(visits, k, cpu)
		f.RateRatio = r.ratio(visits, rate)
	}
	return f
}

// undisturbed is ratio over the rounds in which the load generator kept to its times with both
// servers, and how many it therefore leaves out. A generator that was held up sends in bursts, and
// several messages at once cost less than one at a time, most of all where each is a wake-up: the
// figure is right, but it is that of another load.
func (r *Report) undisturbed(visits []*results.Visit, k results.Kind,
	figure func(*results.Visit) *float64) (*results.Estimate, int) {
	all := r.ratio(visits, figure)
	if k != results.Paced {
		return all, 0
	}
	some := r.ratio(visits, func(v *results.Visit) *float64 {
		if disturbed(v) {
			return nil
		}
		return figure(v)
	})
	switch {
	case all == nil:
		return nil, 0
	case some == nil:
		return nil, all.N
	}
	return some, all.N - some.N
}

// disturbed reports whether the load generator sent too much of the fixed rate late.
func disturbed(v *results.Visit) bool {
	return v.Paced != nil &&
		float64(v.Paced.Late) > disturbing*v.Paced.Offered*v.Paced.Seconds
}

// ratio compares a figure with the reference's of the same round. A visit in which not all
// connections were served is not compared: it has done less than it was asked for.
func (r *Report) ratio(visits []*results.Visit,
	figure func(*results.Visit) *float64) *results.Estimate {
	reference := make(map[int]*float64)
	for _, v := range r.visitsOf(Server{Name: r.Config.Reference}) {
		if v.Served >= v.Asked() {
			reference[v.Round] = figure(v)
		}
	}
	var ratios []float64
	for _, v := range visits {
		mine, theirs := figure(v), reference[v.Round]
		if v.Served >= v.Asked() && mine != nil && theirs != nil && *theirs > 0 {
			ratios = append(ratios, *mine / *theirs)
		}
	}
	if len(ratios) == 0 {
		return nil
	}
	return new(results.NewEstimate(ratios))
}
