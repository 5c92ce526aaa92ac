package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/results"
)

// runView is a run as the page names it.
type runView struct {
	Letter   string // A, B...; empty where there is one run
	Title    string
	Where    string // the machine, in a line
	Warnings []string
}

// letter names the i-th of n runs.
func letter(i, n int) string {
	switch {
	case n == 1:
		return ""
	case n <= 26:
		return string(rune('A' + i))
	}
	return fmt.Sprintf("R%d", i+1)
}

const (
	// busyGenerator is the share of a CPU from which on the load generator may have been what
	// limited the rate.
	busyGenerator = 0.9

	// manyLate is the share of requests sent late from which on the latencies may be the load
	// generator's.
	manyLate = 0.001

	// namedOnly is how many servers a warning names.
	namedOnly = 8
)

// warnings returns what makes the figures of a run doubtful.
func warnings(set *results.Set) []string {
	all := slices.Clone(set.Run.Warnings)
	if set.Run.Race {
		all = append(all, "The program was built with the race detector: its servers are several "+
			"times slower than they would be.")
	}
	switch {
	case set.End == nil:
		all = append(all, "The results have no end: the run was still going on, or was killed.")
	case set.End.Interrupted != "":
		all = append(all, "The run did not come to its end: "+set.End.Interrupted+".")
	}
	if names := visitsThat(set, func(v *results.Visit) bool { return v.WrongByte }); names != "" {
		all = append(all, "Answered a wrong byte: "+names+".")
	}
	if names := visitsThat(set, func(v *results.Visit) bool { return v.Error != "" }); names != "" {
		all = append(all, "Failed in at least one round: "+names+".")
	}
	if names := visitsThat(set, busy); names != "" {
		all = append(all, "The load generator used more than 90 % of its CPU, so that the servers "+
			"might do more than the saturated rate says: "+names+".")
	}
	if names := visitsThat(set, late); names != "" {
		all = append(all, "The load generator sent more than one request in a thousand over 1 ms "+
			"late, so that the latencies at the fixed rate may be its own: "+names+".")
	}
	return all
}

// busy reports whether the load generator may have been what limited the rate.
func busy(v *results.Visit) bool {
	return v.Saturated != nil && v.Saturated.GeneratorShare > busyGenerator
}

// late reports whether the load generator could not keep its times.
func late(v *results.Visit) bool {
	return v.Paced != nil && float64(v.Paced.Late) > manyLate*v.Paced.Offered*v.Paced.Seconds
}

// visitsThat names the servers of the visits of a kind, after their workload.
func visitsThat(set *results.Set, is func(*results.Visit) bool) string {
	var names []string
	for _, v := range slices.Concat(set.Visits, set.Further) {
		if !is(v) {
			continue
		}
		name := serverName(v)
		if v.Workload != "" {
			name += " (" + v.Workload + ")"
		}
		names = appendOnce(names, name)
	}
	slices.Sort(names)
	return few(names, namedOnly)
}

// serverName is how a visit's server is called: the reference has a row of its own for when it
// was measured a second time.
func serverName(v *results.Visit) string {
	if v.Again {
		return v.Server + " again"
	}
	return v.Server
}

// where says in a line on what machine a run was made.
func where(m results.Machine) string {
	parts := []string{strings.TrimSpace(m.OS + " " + m.Kernel)}
	if m.CPUs > 0 {
		parts = append(parts, words.Count(m.CPUs, "CPU"))
	}
	parts = slices.DeleteFunc(append(parts, m.Go), func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

// fact is a line of the table of machines: what all runs have of one thing.
type fact struct {
	Name    string
	Values  []string // of each run
	Differs bool
}

// facts returns what there is to say of where and how the runs were made.
func facts(runs []Run) []fact {
	table := []struct {
		name  string
		value func(*results.Set) string
	}{
		{"Time", func(s *results.Set) string {
			return s.Run.Time.Format("2006-01-02 15:04:05 -07:00")
		}},
		{"System", func(s *results.Set) string { return s.Run.Machine.OS }},
		{"Kernel", func(s *results.Set) string { return s.Run.Machine.Kernel }},
		{"Processor", func(s *results.Set) string { return s.Run.Machine.CPU }},
		{"CPUs", func(s *results.Set) string { return fmt.Sprint(s.Run.Machine.CPUs) }},
		{"CPUs of the servers", func(s *results.Set) string {
			return bound(s.Run.Machine.ServerCPUs)
		}},
		{"CPUs of the load generator", func(s *results.Set) string {
			return bound(s.Run.Machine.LoadCPUs)
		}},
		{"Go", func(s *results.Set) string { return s.Run.Machine.Go }},
		{"Commit", func(s *results.Set) string { return s.Run.Machine.Commit }},
		{"Arguments", func(s *results.Set) string { return strings.Join(s.Run.Args, " ") }},
		{"Seed", func(s *results.Set) string { return fmt.Sprint(s.Run.Seed) }},
		{"Race detector", func(s *results.Set) string {
			return map[bool]string{true: "yes", false: "no"}[s.Run.Race]
		}},
		{"Measured", extent},
		{"Smaller or missing", func(s *results.Set) string {
			return strings.Join(s.Run.Machine.Notes, "; ")
		}},
	}
	var all []fact
	for _, row := range table {
		f := fact{Name: row.name}
		empty := true
		for _, r := range runs {
			value := row.value(r.Set)
			empty = empty && value == ""
			f.Values = append(f.Values, value)
			f.Differs = f.Differs || value != f.Values[0]
		}
		if !empty {
			all = append(all, f)
		}
	}
	return all
}

// bound says which CPUs something was bound to.
func bound(cpus []int) string {
	if len(cpus) == 0 {
		return "any: not bound"
	}
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(cpus)), ", "), "[]")
}

// extent says how much was measured.
func extent(s *results.Set) string {
	first, last := 0, -1
	for i, v := range s.Visits {
		if i == 0 {
			first = v.Round
		}
		first, last = min(first, v.Round), max(last, v.Round)
	}
	text := words.Count(len(s.Visits), "visit")
	if last >= first && len(s.Visits) > 0 {
		text += " in " + words.Count(last-first+1, "round")
	}
	if n := len(s.Further); n > 0 {
		text += fmt.Sprintf(", and %d more for what was not decided", n)
	}
	if s.End != nil {
		text += fmt.Sprintf(", in %v", time.Duration(s.End.Seconds*1e9).Round(time.Second))
	}
	return text
}
