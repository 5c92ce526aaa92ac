package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kettle-go/kettle/internal/words"
)

const (
	// busyGenerator is the share of a CPU from which on the load generator may have been what
	// limited the rate.
	busyGenerator = 0.9

	// manyLate is the share of requests sent late from which on the latencies may be the load
	// generator's.
	manyLate = 0.001

	// disturbing is the share of requests sent late from which on a window is not compared.
	disturbing = 0.01

	// enoughAnswers is the share of answers below which a server has not kept up.
	enoughAnswers = 0.99
)

// writeNotes writes what has to be known to read the figures.
func (r *Report) writeNotes(b *strings.Builder, rows []Summary) {
	c, m := r.Config, r.Machine
	conns := words.Count(c.Conns, "connection")
	if c.IdleConns > 0 {
		conns += " beside " + words.Count(c.IdleConns, "idle one")
	}
	fmt.Fprintf(b, "\n%s, messages of %s, %d in flight on each, %s, seed %d, %v\n",
		conns, words.Count(c.Size, "byte"), c.Depth, r.rounds(), c.Seed,
		r.Elapsed.Round(time.Second))
	where := []string{strings.TrimSpace(m.OS + " " + m.Kernel), m.CPU,
		words.Count(m.CPUs, "CPU"), m.Go}
	where = slices.DeleteFunc(where, func(s string) bool { return s == "" })
	fmt.Fprintln(b, strings.Join(where, ", "))
	if len(m.ServerCPUs) > 0 {
		fmt.Fprintf(b, "servers on CPU %s, load on CPU %s\n", list(m.ServerCPUs), list(m.LoadCPUs))
	}
	if slices.ContainsFunc(rows, func(s Summary) bool { return s.ConnBytes != nil }) {
		fmt.Fprintln(b, "memory is that of the processes: "+
			"what the kernel holds for a connection (socket buffers) is not in it")
	}
	for _, note := range m.Notes {
		fmt.Fprintln(b, note)
	}
	if names := shares(rows, func(s Summary) *float64 { return s.Generator },
		busyGenerator); names != "" {
		fmt.Fprintf(b, "rates that may be too low, with how much of a CPU the load generator "+
			"used, as the servers might do more: %s\n", names)
	}
	if names := shares(rows, func(s Summary) *float64 { return s.Late }, manyLate); names != "" {
		fmt.Fprintf(b, "latencies that are not to be trusted, with how many messages the load "+
			"generator sent over 1 ms late: %s\n", names)
	}
	if names := disturbances(rows); names != "" {
		fmt.Fprintf(b, "ratios at the fixed rate that leave out rounds, with how many, as the "+
			"load generator was held up, and sent in bursts: %s\n", names)
	}
	for _, s := range rows {
		s.writeNotes(b)
	}
	r.writeUncounted(b)
}

// shares names the rows in which a share is above a limit, each with its share.
func shares(rows []Summary, share func(Summary) *float64, limit float64) string {
	var names []string
	for _, s := range rows {
		if x := share(s); x != nil && *x > limit {
			names = append(names, fmt.Sprintf("%s %.1f%%", rowName(s.Server), 100**x))
		}
	}
	return strings.Join(names, ", ")
}

// disturbances names the rows that are not compared in some rounds, each with how many.
func disturbances(rows []Summary) string {
	var names []string
	for _, s := range rows {
		if s.Disturbed > 0 {
			names = append(names, fmt.Sprintf("%s %d", rowName(s.Server), s.Disturbed))
		}
	}
	return strings.Join(names, ", ")
}

// rounds writes how many rounds there were, and of how many, if the run was ended early.
func (r *Report) rounds() string {
	if done := len(r.Visits) / max(1, len(r.Servers)); done < r.Config.Rounds {
		return fmt.Sprintf("%d of %s", done, words.Count(r.Config.Rounds, "round"))
	}
	return words.Count(r.Config.Rounds, "round")
}

// writeNotes writes what has to be known to read the figures of one row.
func (s Summary) writeNotes(b *strings.Builder) {
	name := rowName(s.Server)
	if s.partial() {
		figures := "its figures are those of the served ones alone"
		if s.Served == 1 {
			figures = "its figures are those of the served one alone"
		}
		fmt.Fprintf(b, "* %s: served %d of %s: %s\n", name, s.Served,
			words.Count(s.Conns, "connection"), figures)
	}
	if s.Answered != nil && *s.Answered < enoughAnswers {
		fmt.Fprintf(b, "%s: answered %.1f%% of what was due at the fixed rate\n", name,
			100**s.Answered)
	}
	if s.Lost > 0 {
		fmt.Fprintf(b, "%s: lost %s; the first: %s\n", name, words.Count(s.Lost, "connection"),
			oneLine(s.First))
	}
	for _, err := range s.Errors {
		fmt.Fprintf(b, "%s: %s\n", name, oneLine(err))
	}
}

// oneLine is what a server has said, or what is said of it, as a part of a line.
func oneLine(text string) string {
	return strings.ReplaceAll(words.Printable(text), "\n", "; ")
}
