package lab

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/results"
)

// column is one column of the table: a heading of two lines and what stands in a row.
type column struct {
	top, bottom string
	cell        func(Summary) string
}

// columns are the table's. The figures in the middle are at the fixed rate, which stands in
// their heading.
func columns(rate float64, rows []Summary) []column {
	at := "@" + short(rate) + "/s"
	latency := func(quantile float64) func(Summary) string {
		return func(s Summary) string {
			if s.Latency == nil || s.Latency.TotalCount() == 0 {
				return "n/a"
			}
			return words.Nanoseconds(s.Latency.ValueAtQuantile(quantile))
		}
	}
	return []column{
		{"", "model", func(s Summary) string { return rowName(s.Server) }},
		{"conns", "served", served(slices.ContainsFunc(rows, Summary.partial))},
		{"messages", "/s", func(s Summary) string { return figure(s.Rate, 1, "%.0f") }},
		{at, "p50", latency(50)},
		{at, "p99", latency(99)},
		{at, "p99.9", latency(99.9)},
		{"CPU µs/msg", "saturated", func(s Summary) string {
			return figure(s.CPUSaturated, 1, "%.1f")
		}},
		{"CPU µs/msg", at, func(s Summary) string { return figure(s.CPUPaced, 1, "%.1f") }},
		{"switches", "/msg", func(s Summary) string { return figure(s.Switches, 1, "%.2f") }},
		{"calls/msg", "saturated", calls},
		{"memory", "/conn", func(s Summary) string { return memory(s.ConnBytes) }},
		{"threads", "(procs)", tasks},
		{"idle", "CPU", func(s Summary) string { return figure(s.IdleCPU, 100, "%.1f%%") }},
		{"code lines", "own (all)", func(s Summary) string { return lines(s.Server) }},
		{"", "errors", func(s Summary) string { return strconv.Itoa(s.Failed + s.Lost) }},
	}
}

// reliable is how many rounds make the interval narrow: with 15 it leaves out the three values
// at each end.
const reliable = 15

// WriteTable writes the table, the ratios to the reference, and below what there is to say
// about them. A table that is wider than width columns is written in parts, one below the other;
// with 0 it is as wide as it is.
func (r *Report) WriteTable(w io.Writer, width int) error {
	rows := r.Summaries()
	var b strings.Builder
	writeColumns(&b, columns(r.Config.Rate, rows), rows, width)
	if compared := compared(rows); len(compared) > 0 {
		means := "median, interval of the median, confidence"
		if r.Config.Rounds == 1 {
			means = "one round: no interval"
		}
		fmt.Fprintf(&b, "\nCPU per message, as a ratio to %s in the same round (%s):\n\n",
			r.Config.Reference, means)
		writeColumns(&b, ratioColumns(r.Config.Rate), compared, width)
		if r.Config.Rounds < reliable {
			fmt.Fprintf(&b, "\nfor a comparison to rely on: --rounds %d%s\n", reliable,
				r.modelsToCompare())
		}
	}
	writeCalls(&b, rows, width)
	r.writeNotes(&b, rows)
	_, err := io.WriteString(w, b.String())
	return err
}

// modelsToCompare is the flag for a run of two rows, if both can be models: those have code that
// is there to be counted.
func (r *Report) modelsToCompare() string {
	i := slices.IndexFunc(r.Servers, func(s Server) bool { return s.Name == r.Config.Reference })
	if i < 0 || r.Servers[i].OwnLines == 0 {
		return ""
	}
	return " --models NAME," + r.Config.Reference
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

// writeColumns writes a table: the first column flush left, the others flush right. What does not
// fit beside the first column into the width follows in further parts, each with that column again.
func writeColumns(b *strings.Builder, cols []column, rows []Summary, width int) {
	texts := make([][]string, len(cols))
	for i, c := range cols {
		texts[i] = c.text(rows, i == 0)
	}
	writeTexts(b, texts, width)
}

// writeTexts writes columns, of which all lines are equally wide.
func writeTexts(b *strings.Builder, texts [][]string, width int) {
	for from := 1; from < len(texts); {
		part := texts[:1:1]
		used := utf8.RuneCountInString(texts[0][0])
		for ; from < len(texts); from++ {
			used += columnGap + utf8.RuneCountInString(texts[from][0])
			if width > 0 && used > width && len(part) > 1 {
				break
			}
			part = append(part, texts[from])
		}
		writePart(b, part)
		if from < len(texts) {
			b.WriteString("\n")
		}
	}
}

// columnGap is the space between two columns.
const columnGap = 2

// text returns the lines of a column, all equally wide.
func (c column) text(rows []Summary, left bool) []string {
	cells := []string{c.top, c.bottom}
	for _, s := range rows {
		cells = append(cells, c.cell(s))
	}
	return flush(cells, left)
}

// flush makes the lines of a column equally wide.
func flush(cells []string, left bool) []string {
	width := 0
	for _, cell := range cells {
		width = max(width, utf8.RuneCountInString(cell))
	}
	for i, cell := range cells {
		pad := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
		if left {
			cells[i] = cell + pad
		} else {
			cells[i] = pad + cell
		}
	}
	return cells
}

// writePart writes columns side by side.
func writePart(b *strings.Builder, columns [][]string) {
	gap := strings.Repeat(" ", columnGap)
	for i := range columns[0] {
		var cells []string
		for _, c := range columns {
			cells = append(cells, c[i])
		}
		if text := strings.TrimRight(strings.Join(cells, gap), " "); text != "" {
			b.WriteString(text + "\n")
		}
	}
}

// served returns how the connections served are written: with a star where they are not all,
// and, if there is such a row, with room for it in the others.
func served(stars bool) func(Summary) string {
	return func(s Summary) string {
		text := fmt.Sprintf("%d/%d", s.Served, s.Conns)
		switch {
		case s.partial():
			return text + "*"
		case stars:
			return text + " "
		}
		return text
	}
}

func rowName(s Server) string {
	name := words.Printable(s.Name)
	if s.Again {
		return name + " again"
	}
	return name
}

func figure(x *float64, factor float64, format string) string {
	if x == nil {
		return "n/a"
	}
	return fmt.Sprintf(format, *x*factor)
}

// memory writes an amount of memory. What is less than a KiB of a connection cannot be told
// from the server's other doings, and may be less than nothing.
func memory(bytes *float64) string {
	switch {
	case bytes == nil:
		return "n/a"
	case *bytes < 1<<10:
		return "<1 KiB"
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

func lines(s Server) string {
	if s.OwnLines == 0 {
		return "n/a"
	}
	return fmt.Sprintf("%d (%d)", s.OwnLines, s.Lines)
}

func ratio(e *results.Estimate) string {
	if e == nil {
		return "n/a"
	}
	if e.N == 1 {
		return fmt.Sprintf("%.2f", e.Median)
	}
	return fmt.Sprintf("%.2f  %.2f to %.2f  %3.0f%%", e.Median, e.Low, e.High, 100*e.Level)
}

func short(rate float64) string {
	if rate >= 1000 && int64(rate)%1000 == 0 {
		return strconv.FormatFloat(rate/1000, 'g', -1, 64) + "k"
	}
	return strconv.FormatFloat(rate, 'g', -1, 64)
}

func list(cpus []int) string {
	var texts []string
	for _, cpu := range cpus {
		texts = append(texts, strconv.Itoa(cpu))
	}
	return strings.Join(texts, ",")
}
