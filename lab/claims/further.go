package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/results"
)

// Unclear returns the claims that more visits might decide, each with those of whose kind more are
// wanted.
func Unclear(verdicts []Verdict) map[string][]*results.Visit {
	wanted := map[string][]*results.Visit{}
	for _, v := range verdicts {
		if !v.Unclear() {
			continue
		}
		for _, r := range v.Rows {
			if r.unclear() {
				wanted[v.Claim.ID] = append(wanted[v.Claim.ID], r.rests...)
			}
		}
	}
	return wanted
}

// Unclear reports whether more visits might decide.
func (v Verdict) Unclear() bool {
	return (v.Status == TooClose || v.Status == NotMeasured) &&
		slices.ContainsFunc(v.Rows, Row.unclear)
}

// unclear reports whether the limit lies within the interval, or another program on the machine was
// in the way.
func (r Row) unclear() bool {
	disturbed := r.Why == sharedCPU || slices.ContainsFunc(r.rests, heldBack)
	return len(r.rests) > 0 && (r.Status == TooClose || r.Status == NotMeasured && disturbed)
}

// heldBack reports whether the load generator was held up in a visit.
func heldBack(v *results.Visit) bool {
	return v.Error == "" && complete(v) && v.Paced != nil && late(v.Paced)
}

// Further says for which claims there were more rounds than planned, and of whom: a line for each
// claim and workload.
func Further(set *results.Set) []string {
	var texts []string
	for _, c := range All() {
		for _, workload := range workloadsOf(set.Further) {
			rounds, names := map[int]bool{}, []string(nil)
			for _, v := range set.Further {
				if v.Workload == workload && slices.Contains(v.Claims, c.ID) {
					rounds[v.Round] = true
					names = appendOnce(names, v.Server)
				}
			}
			if len(names) > 0 {
				texts = append(texts, fmt.Sprintf("%s, %s more of %s (%s)", c.ID,
					words.Count(len(rounds), "round"), workload, strings.Join(names, ", ")))
			}
		}
	}
	return texts
}
