package claims

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/lab/results"
)

const (
	// busyGenerator is the share of a CPU from which on the load generator may have been what
	// limited the rate.
	busyGenerator = 0.9

	// someLate is the share of requests that the generator sent over 1 ms late from which on the
	// latencies may be its own.
	someLate = 0.001

	// manyLate is that from which on they are no evidence.
	manyLate = 0.02
)

// Cautions says which figures of a run may be those of the load generator rather than of the
// servers, and what went wrong: a line for each workload and kind.
func Cautions(set *results.Set) []string {
	var texts []string
	visits := slices.Concat(set.Visits, set.Further)
	for _, workload := range workloadsOf(visits) {
		var limited, behind, failed []string
		for _, v := range visits {
			if v.Workload != workload {
				continue
			}
			name := v.Server
			if w := v.Saturated; w != nil && w.GeneratorShare > busyGenerator {
				limited = appendOnce(limited, name)
			}
			if w := v.Paced; w != nil && lateBy(w, someLate) {
				behind = appendOnce(behind, name)
			}
			if v.Error != "" {
				failed = appendOnce(failed, name+" ("+v.Error+")")
			}
		}
		tell := func(what string, names []string) {
			if len(names) > 0 {
				texts = append(texts, fmt.Sprintf("%s: %s: %s", workload, what,
					strings.Join(names, ", ")))
			}
		}
		tell("rates that may be too low, as the load generator was the bottleneck", limited)
		tell("latencies that may be the load generator's, as it was late", behind)
		tell("not measured to the end", failed)
	}
	return texts
}

// workloadsOf returns the workloads of visits, in order.
func workloadsOf(visits []*results.Visit) []string {
	var names []string
	for _, v := range visits {
		names = appendOnce(names, v.Workload)
	}
	return names
}

func appendOnce(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
