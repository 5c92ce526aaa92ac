package claims

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/lab/results"
)

// evidence is a set of results, and how a claim looks at it.
type evidence struct {
	*results.Set
	visits []*results.Visit // those that are evidence for it
}

// evidenceFor returns the evidence for a claim: all visits that were planned, and the further ones
// that were made for it.
func evidenceFor(id string, set *results.Set) *evidence {
	e := &evidence{set, slices.Clone(set.Visits)}
	for _, v := range set.Further {
		if slices.Contains(v.Claims, id) {
			e.visits = append(e.visits, v)
		}
	}
	return e
}

// of returns the visits of a server under a workload, those that fit.
func (e *evidence) of(workload, server string, fits func(results.Load) bool) []*results.Visit {
	var some []*results.Visit
	for _, v := range e.visits {
		if v.Workload == workload && v.Server == server && !v.Again &&
			(fits == nil || fits(v.Load)) {
			some = append(some, v)
		}
	}
	return some
}

// servers returns the servers that a workload has visited: the models in their order, and then the
// others in theirs.
func (e *evidence) servers(workload string) []string {
	var names []string
	for _, v := range e.visits {
		if v.Workload == workload && !slices.Contains(names, v.Server) {
			names = append(names, v.Server)
		}
	}
	place := func(name string) int {
		i := slices.IndexFunc(e.Models, func(m results.Model) bool { return m.Name == name })
		if i < 0 {
			return len(e.Models)
		}
		return i
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(place(a), place(b)) })
	return names
}

// sizes returns the different values of a size among the loads of a workload, in order.
func (e *evidence) sizes(workload string, size func(results.Load) int) []int {
	var sizes []int
	for _, v := range e.visits {
		if n := size(v.Load); v.Workload == workload && !slices.Contains(sizes, n) {
			sizes = append(sizes, n)
		}
	}
	slices.Sort(sizes)
	return sizes
}

// estimate returns the median of a figure over visits, nil if none has it.
func estimate(visits []*results.Visit, figure func(*results.Visit) *float64) *results.Estimate {
	var xs []float64
	for _, v := range visits {
		if x := figure(v); x != nil {
			xs = append(xs, *x)
		}
	}
	if len(xs) == 0 {
		return nil
	}
	return new(results.NewEstimate(xs))
}

// ratio returns the median of the ratios of a figure of two servers, or of one under two loads, of
// the same round; nil if there is no such round.
func ratio(over, under []*results.Visit, figure func(*results.Visit) *float64) *results.Estimate {
	var xs []float64
	for _, a := range over {
		for _, b := range under {
			if a.Round != b.Round {
				continue
			}
			if x, y := figure(a), figure(b); x != nil && y != nil && *y > 0 {
				xs = append(xs, *x / *y)
			}
		}
	}
	if len(xs) == 0 {
		return nil
	}
	return new(results.NewEstimate(xs))
}

// aRound is by how much the ratio of a single round may be off: those of a server against itself
// are rarely further from 1.
const aRound = 1.25

// fewRounds is below how many rounds the interval of a ratio, which is their whole range, is too
// narrow: that of two leaves the true one out as often as not, that of five in one run of sixteen.
const fewRounds = 5

// between is a ratio with the interval that it is judged by. That of few rounds is no narrower
// than what the median of so many may be off by.
func between(r *results.Estimate) *results.Estimate {
	if r == nil || r.N >= fewRounds {
		return r
	}
	off := math.Pow(aRound, 1/math.Sqrt(float64(r.N)))
	wide := *r
	wide.Low, wide.High = min(r.Low, r.Median/off), max(r.High, r.Median*off)
	return &wide
}

// undecided is why the ratio of few rounds has decided nothing; of more, nothing need be said.
func undecided(r *results.Estimate) string {
	switch {
	case r.N == 1:
		return "one round is not enough to tell"
	case r.N < fewRounds:
		return fmt.Sprintf("%d rounds are not enough to tell", r.N)
	}
	return ""
}

// Where a figure is missing for one of these reasons, another round may have it.
const (
	heldUp    = "the load generator was held up: is the machine busy?"
	sharedCPU = "another program had the CPU, too"
)

// why returns why visits have no figure.
func why(visits []*results.Visit) string {
	for _, v := range visits {
		switch {
		case v.Error != "":
			return v.Error
		case v.Unsupported != "":
			return v.Unsupported
		case v.Paced != nil && late(v.Paced):
			return heldUp
		case !complete(v):
			return fmt.Sprintf("it served %d of %d", v.Served, v.Asked())
		}
	}
	if len(visits) == 0 {
		return "it was not visited"
	}
	return "the figure is not available"
}

// The figures of a visit.

func cpu(k results.Kind) func(*results.Visit) *float64 {
	return func(v *results.Visit) *float64 {
		if w := v.Window(k); w != nil && complete(v) && !late(w) {
			return w.CPUMicros
		}
		return nil
	}
}

// late reports whether the load generator was held up in a window at a fixed rate, as where another
// program wanted its CPU: then the figures are those of another load.
func late(w *results.Window) bool { return lateBy(w, manyLate) }

// lateBy reports whether more than a share of what was due in a window was sent late.
func lateBy(w *results.Window, share float64) bool {
	return float64(w.Late) > share*w.Offered*w.Seconds
}

func switches(k results.Kind) func(*results.Visit) *float64 {
	return func(v *results.Visit) *float64 {
		if w := v.Window(k); w != nil && complete(v) {
			return w.Switches
		}
		return nil
	}
}

func rate(v *results.Visit) *float64 {
	if v.Saturated == nil {
		return nil
	}
	return &v.Saturated.Rate
}

func memory(v *results.Visit) *float64 {
	if !complete(v) {
		return nil
	}
	return v.ConnBytes
}

func idleCPU(v *results.Visit) *float64 {
	if v.Error != "" {
		return nil
	}
	return v.IdleCPU
}

func served(v *results.Visit) *float64 {
	if v.Error != "" {
		return nil
	}
	return new(float64(v.Served))
}

// complete reports whether all connections were served: otherwise the server has done less than it
// was asked for, and its figures say nothing.
func complete(v *results.Visit) bool { return v.Error == "" && v.Served >= v.Asked() }

// notMeasured is the verdict for want of results.
func notMeasured(format string, args ...any) Verdict {
	return Verdict{Status: NotMeasured, Why: fmt.Sprintf(format, args...)}
}

// holdsIf is the status of what needs no tolerance.
func holdsIf(ok bool) Status {
	if ok {
		return Holds
	}
	return DoesNotHold
}

// above is the status of the claim that a figure is above a limit: too close to call if the limit
// lies within the interval of its median.
func above(e *results.Estimate, limit float64) Status {
	switch {
	case e == nil:
		return NotMeasured
	case e.Low > limit:
		return Holds
	case e.High <= limit:
		return DoesNotHold
	}
	return TooClose
}

// below is the status of the claim that a figure is at most a limit.
func below(e *results.Estimate, limit float64) Status {
	switch {
	case e == nil:
		return NotMeasured
	case e.High <= limit:
		return Holds
	case e.Low > limit:
		return DoesNotHold
	}
	return TooClose
}

// all is the status of a claim that is about several servers: it does not hold if it does not for
// one of them, and holds if it does for each. Where it speaks of several kinds of servers, one of
// each kind must be among them. The text says which one has decided.
func all(rows []Row, kinds ...[]string) (Status, string) {
	status, reason := Status(""), ""
	for _, r := range rows {
		if r.Status == "" || rank(r.Status) <= rank(status) {
			continue
		}
		status, reason = r.Status, ""
		switch {
		case r.Status == TooClose && r.Why == "":
			reason = r.Server + ": the limit lies within the interval"
		case r.Status == TooClose, r.Status == NotMeasured:
			reason = r.Server + ": " + r.Why
		}
	}
	if status == "" {
		return NotMeasured, "no server was measured that it is about"
	}
	for _, names := range kinds {
		is := func(r Row) bool { return r.Status != "" && slices.Contains(names, r.Server) }
		if status == Holds && !slices.ContainsFunc(rows, is) {
			return NotMeasured, "nothing was measured of " + strings.Join(names, ", ")
		}
	}
	return status, reason
}

// rank orders statuses by which of several decides.
func rank(s Status) int {
	return slices.Index([]Status{Holds, NotMeasured, TooClose, DoesNotHold}, s)
}

// and adds what another experiment says of the same claim, which holds if both say so.
func (v *Verdict) and(status Status, why string) {
	if rank(status) > rank(v.Status) {
		v.Status, v.Why = status, why
	}
}
