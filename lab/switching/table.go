package switching

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteTable writes the results side by side, and below what there is to say about them. The last
// column is RelativeTo.
func WriteTable(w io.Writer, results []Result) error {
	var b strings.Builder
	rows := [][]string{
		{"", "ns per", "middle half", "kernel switches", "CPU ns", "relative to"},
		{"kind", "switch", "of batches", "per switch", "per switch", "a coroutine"},
	}
	i := slices.IndexFunc(results, func(r Result) bool { return r.Kind == Coroutines && r.NS > 0 })
	for _, r := range results {
		relative := "n/a"
		if i >= 0 && r.Unavailable == "" {
			relative = digits(r.RelativeTo(results[i]))
		}
		rows = append(rows, append(r.cells(), relative))
	}
	writeRows(&b, rows)
	b.WriteByte('\n')
	for _, r := range results {
		fmt.Fprintf(&b, "%s: %s%s\n", r.Kind, r.Kind.Summary(), r.note())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// busy is how much longer than its CPU time a switch takes where somebody else wants the CPU too.
const busy = 1.2

// note is what there is to say about a row, as the end of a line.
func (r Result) note() string {
	var text string
	if r.CPU != nil {
		text = fmt.Sprintf(" (CPU %d)", *r.CPU)
	}
	if r.Unavailable != "" {
		text += "; not measured: " + r.Unavailable
	}
	if r.Uncounted != "" {
		text += "; n/a: " + r.Uncounted
	}
	if r.CPUNS != nil && r.NS > busy**r.CPUNS {
		text += "; the CPU was shared: go by CPU time"
	}
	return text
}

// cells are the figures of a row.
func (r Result) cells() []string {
	if r.Unavailable != "" {
		return []string{string(r.Kind), "n/a", "n/a", "n/a", "n/a"}
	}
	cpu := "n/a"
	if r.CPUNS != nil {
		cpu = digits(*r.CPUNS)
	}
	return []string{string(r.Kind), digits(r.NS), digits(r.LowNS) + " to " + digits(r.HighNS),
		kernelSwitches(r.KernelSwitches), cpu}
}

// digits writes a figure with as many digits as are worth something.
func digits(x float64) string {
	decimals := 0
	switch {
	case x < 1:
		decimals = 2
	case x < 10:
		decimals = 1
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// kernelSwitches writes how many there were. Hardly any is not none.
func kernelSwitches(x *float64) string {
	switch {
	case x == nil:
		return "n/a"
	case *x > 0 && *x < 0.005:
		return "<0.01"
	}
	return strconv.FormatFloat(*x, 'f', 2, 64)
}

// writeRows writes cells below each other: the first column flush left, the others flush right.
func writeRows(b *strings.Builder, rows [][]string) {
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			width := 0
			for _, other := range rows {
				width = max(width, utf8.RuneCountInString(other[i]))
			}
			pad := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
			if i == 0 {
				line.WriteString(cell + pad)
			} else {
				line.WriteString("  " + pad + cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}
