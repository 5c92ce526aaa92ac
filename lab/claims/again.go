package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/lab/results"
)

// Unclear returns of whom more has to be known, by workload: the servers for which a claim is too
// close to call, or something else on the machine was in the way, and those that they are compared
// with.
func Unclear(verdicts []Verdict) map[string][]string {
	servers := map[string][]string{}
	for _, v := range verdicts {
		if !v.Unclear() {
			continue
		}
		for _, w := range v.Claim.Workloads {
			for _, r := range v.Rows {
				if r.unclear() || r.Server == v.Claim.against {
					servers[w] = appendOnce(servers[w], r.Server)
				}
			}
		}
	}
	return servers
}

// Unclear reports whether more rounds might decide.
func (v Verdict) Unclear() bool {
	return (v.Status == TooClose || v.Status == NotMeasured) &&
		slices.ContainsFunc(v.Rows, Row.unclear)
}

func (r Row) unclear() bool {
	disturbed := strings.HasSuffix(r.Why, heldUp) || strings.HasSuffix(r.Why, sharedCPU)
	return r.Status == TooClose || r.Status == NotMeasured && disturbed
}

// More says which servers were visited in more rounds than had been planned, a line for each
// workload.
func More(set *results.Set) []string {
	var texts []string
	for _, workload := range workloadsOf(set) {
		planned, most := set.Run.Rounds[workload], 0
		var names []string
		for _, v := range set.Visits {
			if v.Workload != workload || v.Round <= planned || planned == 0 {
				continue
			}
			names = appendOnce(names, v.Server)
			most = max(most, v.Round)
		}
		if most > 0 {
			texts = append(texts, fmt.Sprintf("%s: up to round %d in place of %d, of %s", workload,
				most, planned, strings.Join(names, ", ")))
		}
	}
	return texts
}
