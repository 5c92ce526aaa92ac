package page

import (
	"strings"
	"testing"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// TestVerdictsSayWhatDecides: of what is not measured why, and not the figures that there are; and
// the same as the other reports.
func TestVerdictsSayWhatDecides(t *testing.T) {
	for _, x := range []claims.Verdict{
		{Status: claims.NotMeasured, Figure: "threads 90 KiB", Why: "processes: it is gone"},
		{Status: claims.TooClose, Figure: "1.2 times", Why: "the limit lies within"},
		{Status: claims.Holds, Figure: "5 times"},
	} {
		x.Claim = claims.Claim{ID: "C1", Text: "It is so"}
		var page strings.Builder
		if err := Write(&page, []Run{{Set: &results.Set{}, Verdicts: []claims.Verdict{x}}},
			Options{}); err != nil {
			t.Fatal(err)
		}
		_, list, _ := strings.Cut(page.String(), `<ol class="verdicts">`)
		list, _, _ = strings.Cut(list, "</ol>")
		if want := `<span class="figure">` + x.Decisive() + "<"; !strings.Contains(list, want) {
			t.Errorf("%s: the list has no %s:\n%s", x.Status, want, list)
		}
	}
}
