package page

import (
	"testing"

	"github.com/kettle-go/kettle/lab/claims"
)

// TestServerWithTwoRowsHasBoth in the table of its claim, in each run.
func TestServerWithTwoRowsHasBoth(t *testing.T) {
	verdict := func(of ...string) []claims.Verdict {
		v := claims.Verdict{Claim: claims.Claim{ID: "C10"}}
		for i, name := range of {
			v.Rows = append(v.Rows, claims.Row{Server: "polling", Status: claims.Holds,
				Figures: []claims.Figure{{Name: name, Text: []string{"95 %", "0.48"}[i]}}})
		}
		return []claims.Verdict{v}
	}
	v := onePage(t, verdict("CPU while idle", "times as much"), verdict("CPU while idle"))
	rows := v.Claims[0].Table.Rows
	if len(rows) != 2 {
		t.Fatalf("there are %d rows, want 2", len(rows))
	}
	if got := rows[0].Cells[0].Text; got != "95 %" || len(rows[0].Statuses) != 2 {
		t.Errorf("the first row: %q, %d runs; want 95 %%, of both", got, len(rows[0].Statuses))
	}
	last := len(rows[1].Cells) / 2
	if got := rows[1].Cells[last].Text; got != "0.48" || len(rows[1].Statuses) != 1 {
		t.Errorf("the second row: %q, %d runs; want 0.48, of one", got, len(rows[1].Statuses))
	}
}
