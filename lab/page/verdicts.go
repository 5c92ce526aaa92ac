package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// claimView is one claim with what each run says of it.
type claimView struct {
	Anchor   string
	Claim    claims.Claim
	Tests    string
	Verdicts []verdictView // of each run, in order
	Differs  bool
	Figures  []*figure
	Table    *figureTable
	Sources  []*listing
}

// verdictView is what one run says of a claim.
type verdictView struct {
	Run      string // its letter
	Status   statusView
	Figure   string
	Why      string
	Decisive string // what decides, in a line
}

// statusView is a status as it is shown: never by its colour alone.
type statusView struct {
	Word  string
	Mark  string
	Class string
}

// newStatus returns how a status is shown.
func newStatus(s claims.Status) statusView {
	switch s {
	case claims.Holds:
		return statusView{string(s), "✓", "holds"}
	case claims.DoesNotHold:
		return statusView{string(s), "✗", "fails"}
	case claims.TooClose:
		return statusView{string(s), "≈", "close"}
	}
	return statusView{cmp.Or(string(s), string(claims.NotMeasured)), "–", "unknown"}
}

// addClaims fills in the claims of all runs: those of the first in its order, then what the others
// have besides.
func (v *view) addClaims() {
	var order []claims.Claim
	for _, r := range v.runs {
		for _, x := range r.Verdicts {
			known := func(c claims.Claim) bool { return c.ID == x.Claim.ID }
			if !slices.ContainsFunc(order, known) {
				order = append(order, x.Claim)
			}
		}
	}
	for _, c := range order {
		of := make([]*claims.Verdict, len(v.runs))
		for i, r := range v.runs {
			k := slices.IndexFunc(r.Verdicts, func(x claims.Verdict) bool {
				return x.Claim.ID == c.ID
			})
			if k >= 0 {
				of[i] = &r.Verdicts[k]
			}
		}
		cv := v.newClaim(c, of)
		v.Claims = append(v.Claims, cv)
		if cv.Differs {
			v.Different = append(v.Different, cv)
		}
	}
}

// newClaim returns a claim with its verdict of each run, nil where a run has none.
func (v *view) newClaim(c claims.Claim, of []*claims.Verdict) *claimView {
	cv := &claimView{Anchor: v.anchor(c.ID), Claim: c, Tests: strings.Join(c.Workloads, ", ")}
	for i, x := range of {
		vv := verdictView{Run: v.Runs[i].Letter}
		if x == nil {
			vv.Status, vv.Why = newStatus(claims.NotMeasured), "the run knows no such claim"
			vv.Decisive = vv.Why
		} else {
			vv.Status, vv.Figure, vv.Why = newStatus(x.Status), x.Figure, x.Why
			vv.Decisive = x.Decisive()
		}
		cv.Verdicts = append(cv.Verdicts, vv)
		cv.Differs = cv.Differs || vv.Status != cv.Verdicts[0].Status
	}
	v.addFigures(cv, of)
	cv.Table = v.newTable(of)
	return cv
}

// addFigures adds the charts of a claim: those of several runs with the same title belong together.
func (v *view) addFigures(cv *claimView, of []*claims.Verdict) {
	type key struct {
		kind  claims.ChartKind
		title string
		nth   int // of those that are alike
	}
	var order []key
	charts := make(map[key][]*claims.Chart)
	var models []string
	for run, x := range of {
		if x == nil {
			continue
		}
		for i := range x.Charts {
			c := &x.Charts[i]
			k := key{c.Kind, c.Title, 0}
			for charts[k] != nil && charts[k][run] != nil {
				k.nth++
			}
			if charts[k] == nil {
				order = append(order, k)
				charts[k] = make([]*claims.Chart, len(of))
			}
			charts[k][run] = c
			for _, name := range c.Models {
				models = appendOnce(models, name)
			}
		}
	}
	for _, k := range order {
		id := v.anchor(cv.Anchor + "-chart")
		cv.Figures = append(cv.Figures, v.newChart(id, charts[k]))
	}
	for _, name := range models {
		for _, l := range v.Listings {
			if l.Name == name {
				cv.Sources = append(cv.Sources, l)
			}
		}
	}
}

// figureTable is what each server has shown, in all runs.
type figureTable struct {
	Names  []string // of the figures
	Runs   []string // letters, where there are several runs
	Span   int      // columns of a figure: one for each run
	Judged bool     // servers have a status of their own
	Rows   []figureRow
	Note   string // how sure the intervals are
}

// figureRow is one server.
type figureRow struct {
	Server   string
	Cells    []figureCell // for each figure those of all runs
	Statuses []rowStatus
}

// rowStatus is what one run says of the claim for one server.
type rowStatus struct {
	Run    string
	Status statusView
	Why    string
}

// figureCell is a figure of a run.
type figureCell struct {
	Text   string
	Spread string
	Delta  *delta // to the first run
}

// newTable returns the table of a claim; nil if no run has figures.
func (v *view) newTable(of []*claims.Verdict) *figureTable {
	t := &figureTable{Span: len(of)}
	if v.Several {
		for _, r := range v.Runs {
			t.Runs = append(t.Runs, r.Letter)
		}
	}
	var rows []rowName
	levels := make(map[int]float64) // by the number of rounds
	for _, x := range of {
		if x == nil {
			continue
		}
		for i, r := range x.Rows {
			rows = appendOnce(rows, nthOf(x.Rows, i))
			t.Judged = t.Judged || r.Status != ""
			for _, f := range r.Figures {
				t.Names = appendOnce(t.Names, f.Name)
				if f.Spread != nil && f.Spread.N > 1 {
					levels[f.Spread.N] = f.Spread.Level
				}
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	for _, name := range rows {
		t.Rows = append(t.Rows, v.newRow(t, name, of))
	}
	t.Note = confidence(levels)
	return t
}

// rowName tells a row from the others of its claim: a server may have several.
type rowName struct {
	server string
	nth    int
}

// nthOf returns the name of a row.
func nthOf(rows []claims.Row, i int) rowName {
	name := rowName{server: rows[i].Server}
	for _, r := range rows[:i] {
		if r.Server == name.server {
			name.nth++
		}
	}
	return name
}

// newRow returns the row of that name.
func (v *view) newRow(t *figureTable, name rowName, of []*claims.Verdict) figureRow {
	row := figureRow{Server: name.server}
	of1 := make([]*claims.Row, len(of))
	for i, x := range of {
		if x == nil {
			continue
		}
		k := 0
		for k < len(x.Rows) && nthOf(x.Rows, k) != name {
			k++
		}
		if k == len(x.Rows) {
			continue
		}
		of1[i] = &x.Rows[k]
		if r := of1[i]; r.Status != "" || r.Why != "" {
			s := rowStatus{Run: v.Runs[i].Letter, Why: r.Why}
			if r.Status != "" {
				s.Status = newStatus(r.Status)
			}
			row.Statuses = append(row.Statuses, s)
		}
	}
	t.Judged = t.Judged || len(row.Statuses) > 0
	for _, name := range t.Names {
		var first *claims.Figure
		for i, r := range of1 {
			f := figureOf(r, name)
			cell := newCell(f)
			if i == 0 {
				first = f
			} else if first != nil && f != nil {
				cell.Delta = compare(estimateOf(first), estimateOf(f))
			}
			row.Cells = append(row.Cells, cell)
		}
	}
	return row
}

// figureOf returns the figure of a name; nil if the row has none.
func figureOf(r *claims.Row, name string) *claims.Figure {
	if r == nil {
		return nil
	}
	i := slices.IndexFunc(r.Figures, func(f claims.Figure) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &r.Figures[i]
}

// estimateOf returns a figure with its interval, which is empty if there is no spread.
func estimateOf(f *claims.Figure) results.Estimate {
	if f.Spread == nil {
		return exact(f.Value)
	}
	return *f.Spread
}

// newCell returns what stands in the table for a figure; nil is one that a run does not have.
func newCell(f *claims.Figure) figureCell {
	if f == nil {
		return figureCell{Text: "n/a"}
	}
	c := figureCell{Text: f.Text}
	if f.Text == "" {
		c.Text = plain(f.Value).write(f.Value)
	}
	if s := f.Spread; s != nil && s.Low != s.High && finite(s.Low) && finite(s.High) {
		c.Spread = scaleOf(*f).spread(s.Low, s.High)
	}
	return c
}

// confidence says what the intervals of a table are.
func confidence(levels map[int]float64) string {
	var rounds []int
	for n := range levels {
		rounds = append(rounds, n)
	}
	if len(rounds) == 0 {
		return ""
	}
	slices.Sort(rounds)
	var parts []string
	for _, n := range rounds {
		parts = append(parts, fmt.Sprintf("%.0f %% of %d rounds", 100*levels[n], n))
	}
	return "Medians, and below them the intervals that the true ones lie in, with a confidence " +
		"of " + strings.Join(parts, ", ") + "."
}

// levelOf is the confidence of the interval of a median of n values.
func levelOf(n int) float64 {
	return results.NewEstimate(make([]float64, n)).Level
}
