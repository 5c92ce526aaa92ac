package lab

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/results"
)

// Published is what was measured while lines were published, a row for each server under each load.
type Published struct{ rows []publishedRow }

// publishedRow is what one server has shown. Figures are medians over the rounds.
type publishedRow struct {
	server string
	load   results.Load
	visits []*results.Visit
}

// PublishedOf returns what visits have measured while lines were published; nil if none has. The
// servers are in the order of names, and others behind them.
func PublishedOf(visits []*results.Visit, names []string) *Published {
	p := &Published{}
	for _, v := range visits {
		if v.Load.Service != "publish" {
			continue
		}
		i := slices.IndexFunc(p.rows, func(r publishedRow) bool {
			return r.server == v.Server && r.load == v.Load
		})
		if i < 0 {
			i = len(p.rows)
			p.rows = append(p.rows, publishedRow{server: v.Server, load: v.Load})
		}
		p.rows[i].visits = append(p.rows[i].visits, v)
	}
	if len(p.rows) == 0 {
		return nil
	}
	place := func(r publishedRow) int {
		if i := slices.Index(names, r.server); i >= 0 {
			return i
		}
		return len(names)
	}
	slices.SortStableFunc(p.rows, func(a, b publishedRow) int {
		return cmp.Or(cmp.Compare(a.load.Conns+a.load.Deaf, b.load.Conns+b.load.Deaf),
			cmp.Compare(place(a), place(b)))
	})
	return p
}

// publishedColumn is a column of the table: its heading, in two lines, and a figure.
type publishedColumn struct {
	top, bottom string
	cell        func(publishedRow) string
}

func publishedColumns() []publishedColumn {
	window := func(get func(*results.Window) *float64) func(publishedRow) *float64 {
		return func(r publishedRow) *float64 {
			return middle(r.visits, func(v *results.Visit) *float64 {
				if v.Published == nil {
					return nil
				}
				return get(v.Published)
			})
		}
	}
	latency := func(get func(*results.Window) int64) func(publishedRow) string {
		of := window(func(w *results.Window) *float64 { return new(float64(get(w))) })
		return func(r publishedRow) string {
			if ns := of(r); ns != nil && *ns > 0 {
				return words.Nanoseconds(int64(*ns))
			}
			return "n/a"
		}
	}
	rate := window(func(w *results.Window) *float64 { return &w.Rate })
	cpu := window(func(w *results.Window) *float64 { return w.CPUMicros })
	return []publishedColumn{
		{"", "model", func(r publishedRow) string { return r.server }},
		{"subscribers", "(deaf)", func(r publishedRow) string {
			return fmt.Sprintf("%d (%d)", r.load.Conns+r.load.Deaf, r.load.Deaf)
		}},
		{"readers", "served", func(r publishedRow) string {
			served := 0
			for _, v := range r.visits {
				served = max(served, v.Served)
			}
			return fmt.Sprintf("%d/%d", served, r.load.Conns)
		}},
		{"lines", "/s", func(r publishedRow) string { return short(r.load.Rate) }},
		{"deliveries", "/s", func(r publishedRow) string { return figure(rate(r), 1, "%.0f") }},
		{"CPU µs", "/delivery", func(r publishedRow) string { return figure(cpu(r), 1, "%.2f") }},
		{"delivery", "p50", latency(func(w *results.Window) int64 { return w.LatencyP50 })},
		{"last delivery", "p50", latency(func(w *results.Window) int64 { return w.LastP50 })},
		{"last delivery", "p99", latency(func(w *results.Window) int64 { return w.LastP99 })},
		{"memory", "/conn", func(r publishedRow) string {
			return memory(middle(r.visits, func(v *results.Visit) *float64 { return v.ConnBytes }))
		}},
		{"memory", "gained", func(r publishedRow) string {
			return memory(middle(r.visits, func(v *results.Visit) *float64 { return v.GrownBytes }))
		}},
		{"deliveries", "missing", func(r publishedRow) string { return count(r, unanswered) }},
		{"", "errors", func(r publishedRow) string { return count(r, troubles) }},
	}
}

// unanswered returns how many deliveries of a visit's window are missing.
func unanswered(v *results.Visit) int64 {
	if v.Published == nil {
		return 0
	}
	return v.Published.Unanswered
}

// troubles returns how many connections were lost, and one more if the visit failed.
func troubles(v *results.Visit) int64 {
	n := int64(v.Lost)
	if v.Error != "" {
		n++
	}
	return n
}

// count writes the sum of a count over the rounds.
func count(r publishedRow, of func(*results.Visit) int64) string {
	sum := int64(0)
	for _, v := range r.visits {
		sum += of(v)
	}
	return strconv.FormatInt(sum, 10)
}

// publishedNote says how to read the figures.
const publishedNote = "one connection publishes; each delivery is checked, and its latency " +
	"counts from when its line was due; the last is when a line has reached all who read"

// WriteTable writes the table for a terminal of so many columns; 0 is no limit.
func (p *Published) WriteTable(w io.Writer, width int) error {
	var b strings.Builder
	var texts [][]string
	for i, c := range publishedColumns() {
		cells := []string{c.top, c.bottom}
		for _, r := range p.rows {
			cells = append(cells, c.cell(r))
		}
		texts = append(texts, flush(cells, i == 0))
	}
	writeTexts(&b, texts, width)
	fmt.Fprintf(&b, "\n%s\n", publishedNote)
	for _, text := range p.errors() {
		fmt.Fprintln(&b, text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// errors says what has gone wrong, each once.
func (p *Published) errors() (all []string) {
	add := func(server, text string) {
		text = server + ": " + strings.ReplaceAll(text, "\n", "; ")
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, r := range p.rows {
		for _, v := range r.visits {
			if v.Error != "" {
				add(r.server, v.Error)
			}
			if v.First != "" {
				add(r.server, "the first connection lost: "+v.First)
			}
		}
	}
	return all
}

// WriteMarkdown writes the table as a chapter of a report.
func (p *Published) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	b.WriteString("\n## Published to all\n\n")
	columns := publishedColumns()
	for _, c := range columns {
		fmt.Fprintf(&b, "| %s ", strings.TrimSpace(c.top+" "+c.bottom))
	}
	b.WriteString("|\n|" + strings.Repeat("---|", len(columns)) + "\n")
	escape := strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*", `\*`)
	for _, r := range p.rows {
		for _, c := range columns {
			fmt.Fprintf(&b, "| %s ", escape.Replace(c.cell(r)))
		}
		b.WriteString("|\n")
	}
	fmt.Fprintf(&b, "\n%s.\n", strings.ToUpper(publishedNote[:1])+publishedNote[1:])
	for _, text := range p.errors() {
		fmt.Fprintf(&b, "\n* %s\n", escape.Replace(text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
