package page

import (
	"slices"

	"github.com/kettle-go/kettle/lab/results"
)

// switchTable is what one switch between two parties costs, of each kind, in each run.
type switchTable struct {
	Columns []string
	Rows    []switchRow
}

// switchRow is a line of the table.
type switchRow struct {
	Run     string
	Kind    string
	Cells   []visitCell
	Trouble string
}

// switches returns the table of all runs; nil if none has measured any.
func (v *view) switches() *switchTable {
	columns := []struct {
		name  string
		value func(*results.Switch) *float64
	}{
		{"CPU ns/switch", func(s *results.Switch) *float64 { return s.CPU }},
		{"ns/switch", func(s *results.Switch) *float64 { return positive(s.Nanos) }},
		{"kernel switches/switch", func(s *results.Switch) *float64 { return s.Kernel }},
	}
	t := &switchTable{}
	for _, c := range columns {
		t.Columns = append(t.Columns, c.name)
	}
	var kinds []string
	for _, r := range v.runs {
		for _, s := range r.Set.Switches {
			kinds = appendOnce(kinds, s.Kind)
		}
	}
	slices.Sort(kinds) // those of a round are shuffled
	for _, kind := range kinds {
		var first []results.Estimate
		for i, r := range v.runs {
			row := switchRow{Run: v.Runs[i].Letter, Kind: kind}
			var estimates []results.Estimate
			for _, c := range columns {
				var values []float64
				for _, s := range r.Set.Switches {
					if s.Kind != kind {
						continue
					}
					row.Trouble = s.Missing
					if x := c.value(&s); x != nil && finite(*x) {
						values = append(values, *x)
					}
				}
				e := results.NewEstimate(values)
				cell := newVisitCell(column{quantity: plain}, e)
				if first != nil {
					cell.Delta = compare(first[len(estimates)], e)
				}
				estimates = append(estimates, e)
				row.Cells = append(row.Cells, cell)
			}
			if i == 0 {
				first = estimates
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return t
}
