package lab

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/kettle-go/kettle/lab/meter"
	"github.com/kettle-go/kettle/lab/results"
)

// CallsCounted returns nil if system calls can be counted here, and else what is missing.
func CallsCounted() error { return meter.CallsCounted() }

// NoCalls is the note on a machine where system calls cannot be counted.
func NoCalls(why error) string {
	if errors.Is(why, errors.ErrUnsupported) {
		return "system calls: n/a, as this system does not show them"
	}
	return "system calls: n/a: " + why.Error()
}

// counted returns what the system calls of a server were per message while it was saturated, in the
// visits in which they were counted; nil if they were not.
func (r *Report) counted(s Server) *results.Calls {
	return results.Saturated.Calls((&Report{Visits: r.Counted}).visitsOf(s))
}

// calls writes system calls per message.
func calls(s Summary) string {
	if s.Calls == nil {
		return "n/a"
	}
	return fmt.Sprintf("%.2f", s.Calls.Total())
}

// writeCalls writes the system calls of each row by kind, if there are any.
func writeCalls(b *strings.Builder, rows []Summary, width int) {
	var some []Summary
	for _, s := range rows {
		if s.Calls != nil {
			some = append(some, s)
		}
	}
	if len(some) == 0 {
		return
	}
	b.WriteString("\nSystem calls per message, saturated, in a visit of its own, as counting " +
		"slows down:\n\n")
	cols := []column{
		{"", "model", func(s Summary) string { return rowName(s.Server) }},
		{"", "all", calls},
	}
	for i, name := range (results.Calls{}).Names() {
		cols = append(cols, column{"", name, func(s Summary) string {
			return fmt.Sprintf("%.2f", *s.Calls.Numbers()[i])
		}})
	}
	writeColumns(b, cols, some, width)
}

// writeUncounted writes why there are no system calls, where they were to be counted: a line for
// each reason.
func (r *Report) writeUncounted(b *strings.Builder) {
	var reasons []string
	names := map[string][]string{}
	for _, v := range r.Counted {
		if v.Saturated != nil && v.Saturated.CallKinds != nil {
			continue
		}
		why := cmp.Or(v.Error, v.Unsupported, "there was no message")
		if names[why] == nil {
			reasons = append(reasons, why)
		}
		names[why] = append(names[why], v.Server)
	}
	for _, why := range reasons {
		fmt.Fprintf(b, "%s: no system calls: %s\n", strings.Join(names[why], ", "),
			strings.ReplaceAll(why, "\n", "; "))
	}
}
