package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// busyGenerator is the share of a CPU from which on the load generator may have been what limited
// the rate.
const busyGenerator = 0.9

// write writes the table of a workload.
func (r outcome) write(out io.Writer) {
	rows := [][]string{{"", "messages/s", "p50", "p99", "CPU µs", "user", "kernel", "calls",
		"switches", "ratio", "interval", ""}}
	var notes, disturbed []string
	limited := false
	for i, s := range r.report.Summaries() {
		server := r.report.Servers[i]
		f := r.report.Figures(server, r.workload.kind)
		rows = append(rows, r.row(server, f))
		limited = limited || r.limited(f)
		if f.Disturbed > 0 {
			disturbed = append(disturbed, fmt.Sprintf("%s %d", rowName(server), f.Disturbed))
		}
		if s.Rounds > 0 && s.Served < s.Conns {
			notes = append(notes, fmt.Sprintf("%s: %d of %d connections served", rowName(server),
				s.Served, s.Conns))
		}
		if s.Lost > 0 {
			notes = append(notes, fmt.Sprintf("%s: %d connections lost; the first: %s",
				rowName(server), s.Lost, s.First))
		}
		for _, err := range s.Errors {
			notes = append(notes, rowName(server)+": "+oneLine(err))
		}
	}
	fmt.Fprintf(out, "\n%s (%s)\n\n", r.workload.title, r.workload.name)
	writeRows(out, rows)
	r.writeCalls(out)
	if len(disturbed) > 0 {
		notes = append(notes, "ratios leave out rounds in which the load generator was held up: "+
			strings.Join(disturbed, ", "))
	}
	if limited {
		notes = append(notes, "+ the load generator was the bottleneck: the server might do more")
	}
	if own, other := r.best(); own != nil && other != nil && own.Median > other.Median {
		why := cmp.Or(r.workload.dearer, "why is not known")
		if own.Low <= other.High {
			why = "no more than the spread"
		}
		notes = append(notes, fmt.Sprintf("another server is cheaper than kettle's loops, by a "+
			"factor of %.2f: %s", own.Median/other.Median, why))
	}
	notes = append(notes, r.notes()...)
	for _, note := range notes {
		fmt.Fprintln(out, note)
	}
}

// row returns the cells of a server.
func (r outcome) row(s lab.Server, f lab.Figures) []string {
	mark := " "
	if r.limited(f) {
		mark = "+"
	}
	cells := []string{rowName(s), figure(f.Rate, "%.0f") + mark, "n/a", "n/a",
		figure(f.CPU, "%.2f"), "n/a", "n/a", "n/a", figure(f.Switches, "%.2f"), "", "", ""}
	if f.Latency != nil && f.Latency.TotalCount() > 0 {
		cells[2] = words.Nanoseconds(f.Latency.ValueAtQuantile(50))
		cells[3] = words.Nanoseconds(f.Latency.ValueAtQuantile(99))
	}
	if f.CPU != nil && f.System != nil {
		cells[5] = fmt.Sprintf("%.2f", *f.CPU*(1-*f.System))
		cells[6] = fmt.Sprintf("%.2f", *f.CPU**f.System)
	}
	if r.calls != nil && !s.Again {
		cells[7] = figure(r.calls.Figures(s, r.workload.kind).Calls, "%.2f")
	}
	compared(cells[9:], f.Ratio)
	return cells
}

// compared writes a ratio, its interval, and the confidence of that, if there are any.
func compared(cells []string, e *results.Estimate) {
	if e == nil {
		return
	}
	cells[0] = fmt.Sprintf("%.2f", e.Median)
	if e.N > 1 {
		cells[1] = fmt.Sprintf("%.2f to %.2f", e.Low, e.High)
		cells[2] = fmt.Sprintf("%.0f%%", 100*e.Level)
	}
}

// writeCalls writes the system calls of each server by kind, if they were counted.
func (r outcome) writeCalls(out io.Writer) {
	if r.calls == nil {
		return
	}
	rows := [][]string{append([]string{"system calls"}, (results.Calls{}).Names()...)}
	for _, s := range r.report.Servers {
		calls := r.calls.Figures(s, r.workload.kind).CallKinds
		if calls == nil || s.Again {
			continue
		}
		cells := []string{rowName(s)}
		for _, n := range calls.Numbers() {
			cells = append(cells, fmt.Sprintf("%.2f", *n))
		}
		rows = append(rows, cells)
	}
	if len(rows) > 1 {
		fmt.Fprintln(out)
		writeRows(out, rows)
		fmt.Fprintln(out)
	}
}

// notes returns what is to be known of the machine, and of what was not measured.
func (r outcome) notes() []string {
	notes := slices.Clone(r.report.Machine.Notes)
	if r.calls == nil {
		return notes
	}
	for _, v := range r.calls.Visits {
		if v.Unsupported != "" {
			notes = append(notes, "system calls: n/a: "+v.Server+": "+oneLine(v.Unsupported))
		}
	}
	return notes
}

// limited reports whether the load generator may have limited the rate. At a fixed rate it keeps
// its CPU busy whatever there is to do.
func (r outcome) limited(f lab.Figures) bool {
	return r.workload.kind != results.Paced && f.Generator != nil && *f.Generator > busyGenerator
}

// best returns the lowest ratio of kettle's loops, and that of the others but C; nil if there is
// none.
func (r outcome) best() (own, other *results.Estimate) {
	known := peers()
	for _, s := range r.report.Servers {
		k := slices.IndexFunc(known, func(p peer) bool { return p.name == s.Name })
		e := r.report.Figures(s, r.workload.kind).Ratio
		switch {
		case e == nil || k < 0 || s.Again || known[k].limit:
		case known[k].ours && (own == nil || e.Median < own.Median):
			own = e
		case !known[k].ours && (other == nil || e.Median < other.Median):
			other = e
		}
	}
	return own, other
}

// writeMatrix writes the medians of all ratios: a row for each server, a column for each workload.
func writeMatrix(out io.Writer, all []outcome) {
	if len(all) == 0 {
		return
	}
	header := []string{""}
	var rows [][]string
	ours, others := []string{"the best of kettle's loops"}, []string{"the best of the others but C"}
	for _, r := range all {
		header = append(header, r.workload.name)
		for i, s := range r.report.Servers {
			if len(rows) <= i {
				rows = append(rows, []string{rowName(s)})
			}
			e := r.report.Figures(s, r.workload.kind).Ratio
			if e == nil {
				rows[i] = append(rows[i], unknown(s, r.report.Config.Reference))
				continue
			}
			rows[i] = append(rows[i], fmt.Sprintf("%.2f", e.Median))
		}
		own, other := r.best()
		ours, others = append(ours, least(own)), append(others, least(other))
	}
	fmt.Fprintf(out, "\nCPU per message, as a ratio to %s in the same round: medians\n\n",
		all[0].report.Config.Reference)
	writeRows(out, append(append([][]string{header}, rows...), ours, others))
}

// unknown is the cell of a ratio that there is not: 1 for the reference itself.
func unknown(s lab.Server, reference string) string {
	if s.Name == reference && !s.Again {
		return "1"
	}
	return "n/a"
}

func least(ratio *results.Estimate) string {
	if ratio == nil {
		return "n/a"
	}
	return fmt.Sprintf("%.2f", ratio.Median)
}

// writeRows writes a table: the first column flush left, the others flush right.
func writeRows(out io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(cell + pad)
			} else {
				b.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
}

func rowName(s lab.Server) string {
	if s.Again {
		return s.Name + " again"
	}
	return s.Name
}

// oneLine is the text of an error without line breaks.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }

func figure(x *float64, format string) string {
	if x == nil {
		return "n/a"
	}
	return fmt.Sprintf(format, *x)
}
