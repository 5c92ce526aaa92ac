package lab

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// column is one column of the table: a heading of two lines and what stands in a row.
type column struct {
	top, bottom string
	cell        func(Summary) string
}

// columns are the table's. The figures in the middle are at the fixed rate, which stands in
// their heading.
func columns(rate float64) []column {
	at := "@" + short(rate) + "/s"
	latency := func(quantile float64) func(Summary) string {
		return func(s Summary) string {
			if s.Latency == nil || s.Latency.TotalCount() == 0 {
				return "n/a"
			}
			return duration(s.Latency.ValueAtQuantile(quantile))
		}
	}
	return []column{
		{"", "model", func(s Summary) string { return rowName(s.Server) }},
		{"conns", "served", func(s Summary) string {
			return fmt.Sprintf("%d/%d", s.Served, s.Conns)
		}},
		{"messages", "/s", func(s Summary) string { return figure(s.Rate, 1, "%.0f") }},
		{at, "p50", latency(50)},
		{at, "p99", latency(99)},
		{at, "p99.9", latency(99.9)},
		{"CPU µs/msg", "saturated", func(s Summary) string {
			return figure(s.CPUSaturated, 1, "%.1f")
		}},
		{"CPU µs/msg", at, func(s Summary) string { return figure(s.CPUPaced, 1, "%.1f") }},
		{"switches", "/msg", func(s Summary) string { return figure(s.Switches, 1, "%.2f") }},
		{"memory", "/conn", func(s Summary) string { return memory(s.ConnBytes) }},
		{"threads", "(procs)", tasks},
		{"idle", "CPU", func(s Summary) string { return figure(s.IdleCPU, 100, "%.1f%%") }},
		{"lines", "of code", func(s Summary) string { return lines(s.Server.Lines) }},
		{"", "errors", func(s Summary) string { return strconv.Itoa(len(s.Errors) + s.Lost) }},
	}
}

// WriteTable writes the table, the ratios to the reference, and below what there is to say
// about them.
func (r *Report) WriteTable(w io.Writer) error {
	rows := r.Summaries()
	var b strings.Builder
	writeColumns(&b, columns(r.Config.Rate), rows)
	if compared := compared(rows); len(compared) > 0 {
		fmt.Fprintf(&b, "\nCPU per message, as a ratio to %s in the same round "+
			"(median, interval of the median, confidence):\n\n", r.Config.Reference)
		writeColumns(&b, ratioColumns(r.Config.Rate), compared)
	}
	r.writeNotes(&b, rows)
	_, err := io.WriteString(w, b.String())
	return err
}

func ratioColumns(rate float64) []column {
	return []column{
		{"", "model", func(s Summary) string { return rowName(s.Server) }},
		{"", "saturated", func(s Summary) string { return ratio(s.RatioSaturated) }},
		{"", "@" + short(rate) + "/s", func(s Summary) string { return ratio(s.RatioPaced) }},
	}
}

func compared(rows []Summary) []Summary {
	var some []Summary
	for _, s := range rows {
		if s.RatioSaturated != nil || s.RatioPaced != nil {
			some = append(some, s)
		}
	}
	return some
}

// writeColumns writes a table: the first column flush left, the others flush right.
func writeColumns(b *strings.Builder, cols []column, rows []Summary) {
	lines := make([][]string, len(rows)+2)
	for _, c := range cols {
		cells := []string{c.top, c.bottom}
		for _, s := range rows {
			cells = append(cells, c.cell(s))
		}
		width := 0
		for _, cell := range cells {
			width = max(width, utf8.RuneCountInString(cell))
		}
		for i, cell := range cells {
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
			if len(lines[i]) == 0 {
				lines[i] = append(lines[i], cell+pad)
			} else {
				lines[i] = append(lines[i], pad+cell)
			}
		}
	}
	for _, line := range lines {
		if text := strings.TrimRight(strings.Join(line, "  "), " "); text != "" {
			b.WriteString(text + "\n")
		}
	}
}

// writeNotes writes what has to be known to read the figures.
func (r *Report) writeNotes(b *strings.Builder, rows []Summary) {
	c, m := r.Config, r.Machine
	fmt.Fprintf(b, "\n%s, messages of %s, %d in flight on each, %s, seed %d, %v\n",
		count(c.Conns, "connection"), count(c.Size, "byte"), c.Depth, count(c.Rounds, "round"),
		c.Seed, r.Elapsed.Round(time.Second))
	where := []string{strings.TrimSpace(m.OS + " " + m.Kernel), m.CPU, count(m.CPUs, "CPU"), m.Go}
	where = slices.DeleteFunc(where, func(s string) bool { return s == "" })
	fmt.Fprintln(b, strings.Join(where, ", "))
	if len(m.ServerCPUs) > 0 {
		fmt.Fprintf(b, "servers on CPU %s, load on CPU %s\n", list(m.ServerCPUs), list(m.LoadCPUs))
	}
	for _, note := range m.Notes {
		fmt.Fprintf(b, "%s\n", note)
	}
	for _, s := range rows {
		if s.Answered != nil && *s.Answered < 0.99 {
			fmt.Fprintf(b, "%s: answered %.0f%% of what was due at the fixed rate\n",
				rowName(s.Server), 100**s.Answered)
		}
		if s.Served < s.Conns && s.Rounds > 0 {
			fmt.Fprintf(b, "%s: served %d of %d connections; the others had no answer\n",
				rowName(s.Server), s.Served, s.Conns)
		}
		if s.Lost > 0 {
			fmt.Fprintf(b, "%s: lost %s; the first: %s\n", rowName(s.Server),
				count(s.Lost, "connection"), s.First)
		}
		for _, err := range s.Errors {
			fmt.Fprintf(b, "%s: %s\n", rowName(s.Server), strings.ReplaceAll(err, "\n", "; "))
		}
	}
}

func rowName(s Server) string {
	if s.Again {
		return s.Name + " again"
	}
	return s.Name
}

func figure(x *float64, factor float64, format string) string {
	if x == nil {
		return "n/a"
	}
	return fmt.Sprintf(format, *x*factor)
}

// duration writes nanoseconds in the unit that leaves few digits.
func duration(ns int64) string {
	switch us := float64(ns) / 1e3; {
	case us < 1000:
		return fmt.Sprintf("%.0f µs", us)
	case us < 100_000:
		return fmt.Sprintf("%.1f ms", us/1e3)
	default:
		return fmt.Sprintf("%.2f s", us/1e6)
	}
}

func memory(bytes *float64) string {
	switch {
	case bytes == nil:
		return "n/a"
	case *bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", *bytes/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", *bytes/(1<<20))
}

func tasks(s Summary) string {
	if s.Threads == 0 {
		return "n/a"
	}
	return fmt.Sprintf("%d (%d)", s.Threads, s.Processes)
}

func lines(n int) string {
	if n == 0 {
		return "n/a"
	}
	return strconv.Itoa(n)
}

func ratio(e *Estimate) string {
	if e == nil {
		return "n/a"
	}
	return fmt.Sprintf("%.2f  %.2f to %.2f  %3.0f%%", e.Median, e.Low, e.High, 100*e.Level)
}

func short(rate float64) string {
	if rate >= 1000 && int64(rate)%1000 == 0 {
		return strconv.FormatFloat(rate/1000, 'g', -1, 64) + "k"
	}
	return strconv.FormatFloat(rate, 'g', -1, 64)
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func list(cpus []int) string {
	var texts []string
	for _, cpu := range cpus {
		texts = append(texts, strconv.Itoa(cpu))
	}
	return strings.Join(texts, ",")
}
