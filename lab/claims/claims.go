// Package claims has what is said about the models, as a table: each claim with the experiment that
// tests it, what was predicted before anything was run, and from which figure on it holds. Verdicts
// are functions of the results of a run (package results), and of nothing else.
package claims

import (
	"github.com/kettle-go/kettle/lab/results"
)

// Claim is one sentence that can be true or not.
type Claim struct {
	ID        string   // C1 to C17
	Text      string   // in a sentence
	Workloads []string // the experiments that test it
	Predicted string   // what was expected, and the threshold, before the run
	GoOwn     string   // what of the figures is Go's rather than the model's; may be empty

	judge func(*evidence) Verdict
}

// Status is how a claim has fared on this machine.
type Status string

// The outcomes of an experiment.
const (
	Holds       Status = "holds"
	DoesNotHold Status = "does not hold here"
	TooClose    Status = "too close to call"
	NotMeasured Status = "not measured"
)

// Verdict is what a run says of a claim.
type Verdict struct {
	Claim  Claim
	Status Status
	Figure string // what decides, in a line: figures with their units
	Why    string // it is not measured, or is too close to call
	Rows   []Row  // for each model that it concerns, and each other server that was measured
	Charts []Chart
}

// Row is what one server has shown.
type Row struct {
	Server  string
	Figures []Figure
	Status  Status // of the claim, for this server alone; empty where it says nothing of one alone
	Why     string

	rests []*results.Visit // what Status rests on, where more of the kind would say more
}

// Figure is a number with its name, and its spread where there is one.
type Figure struct {
	Name    string // with its unit, such as "CPU µs/message"
	Value   float64
	Spread  *results.Estimate // nil: it was counted, or measured once
	Text    string            // as it is shown
	Between string            // its interval, as it is shown; empty if that says nothing more
}

// Chart is a picture, as data.
type Chart struct {
	Kind   ChartKind
	Title  string
	XLabel string // with the unit
	YLabel string
	XLog   bool
	YLog   bool
	Limit  *float64 // a line across, where the threshold is, or the sum of all; nil: none
	Sum    bool     // it is the sum
	Series []Series // of a Timelines chart none: the names of the models are in Models
	Models []string // whose source belongs beside it
}

// ChartKind is a kind of picture.
type ChartKind string

// The kinds of pictures.
const (
	Bars        ChartKind = "bars"        // one value for each label, with its spread
	Lines       ChartKind = "lines"       // values over X, with their spread
	Percentiles ChartKind = "percentiles" // latency over 1/(1-q), on a logarithmic axis
	Timelines   ChartKind = "timelines"   // what each of Models did: from the results
	KernelLanes ChartKind = "kernel"      // one request, program and kernel: from the results
)

// Series is one line, or one colour of bars: a server's, in most charts.
type Series struct {
	Name   string
	Points []Point
}

// Point is one value. Low and High are the ends of the interval of its median; both are Y where
// there is none.
type Point struct {
	Label string // of a bar; empty where X says all
	X     float64
	Y     float64
	Low   float64
	High  float64
}

// Of returns the verdicts on all claims, in order.
func Of(set *results.Set) []Verdict {
	var all []Verdict
	for _, c := range All() {
		v := c.judge(evidenceFor(c.ID, set))
		v.Claim = c
		all = append(all, v)
	}
	return all
}
