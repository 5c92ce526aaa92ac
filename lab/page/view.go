package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"unicode"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/claims"
)

// view is what the template fills in.
type view struct {
	assets
	Title     string
	Runs      []runView
	Several   bool
	Doubtful  bool // a run has warnings
	Counts    []count
	Claims    []*claimView
	Different []*claimView // those whose verdicts differ between the runs
	Visits    visitTable
	Latencies []*figure
	Calls     []*figure
	Switches  *switchTable
	Listings  []*listing
	Facts     []fact
	Intervals string
	Further   string
	Data      template.JS

	runs     []Run
	options  Options
	charts   []*chart
	styles   []style
	anchors  map[string]bool
	sequence map[string]int // the order of servers
}

// count is how many claims have a status, in each run.
type count struct {
	Status  statusView
	Numbers []int
}

// newView puts together what the page shows.
func newView(runs []Run, o Options) (*view, error) {
	a, err := loadAssets()
	if err != nil {
		return nil, err
	}
	v := &view{assets: a, runs: runs, options: o, Several: len(runs) > 1,
		anchors: map[string]bool{"main": true, "warnings": true, "verdicts": true, "claims": true,
			"measurements": true, "sources": true, "method": true, "machine": true,
			"licences": true, "data": true, "theme": true},
		Title: cmp.Or(o.Title, "What each I/O model costs")}
	for i, r := range runs {
		rv := runView{Letter: letter(i, len(runs)), Title: cmp.Or(r.Title, r.Set.Run.Title()),
			Where: where(r.Set.Run.Machine), Warnings: warnings(r.Set)}
		v.Runs = append(v.Runs, rv)
		v.Doubtful = v.Doubtful || len(rv.Warnings) > 0
	}
	v.setSequence()
	v.Listings = v.listings()
	v.addClaims()
	v.countStatuses()
	v.Visits = v.visits()
	v.Latencies = v.latencies()
	v.Calls = v.calls()
	v.Switches = v.switches()
	v.Facts = facts(runs)
	v.Intervals, v.Further = v.intervals(), v.further()
	v.setStyles()
	data, err := json.Marshal(struct {
		Styles []style  `json:"styles"`
		Charts []*chart `json:"charts"`
	}{v.styles, v.charts})
	if err != nil {
		return nil, fmt.Errorf("the data of the charts: %w", err)
	}
	v.Data = template.JS(data) // which leaves no < in it
	return v, nil
}

// setSequence notes the order of the servers: that of the models, then that of their names.
func (v *view) setSequence() {
	var models, others []string
	for _, r := range v.runs {
		for _, m := range r.Set.Models {
			models = appendOnce(models, m.Name)
		}
	}
	for _, r := range v.runs {
		for _, x := range slices.Concat(r.Set.Visits, r.Set.Counted) {
			if name := serverName(x); !slices.Contains(models, name) {
				others = appendOnce(others, name)
			}
		}
	}
	slices.Sort(others)
	v.sequence = make(map[string]int)
	for i, name := range append(models, others...) {
		v.sequence[name] = i
	}
}

// serverOrder is the place of a server among all.
func (v *view) serverOrder(name string) int {
	if i, known := v.sequence[name]; known {
		return i
	}
	return len(v.sequence)
}

// anchor returns a name for an element that no other has, made of a text.
func (v *view) anchor(text string) string {
	base := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '-'
	}, text)
	name := base
	for i := 2; v.anchors[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	v.anchors[name] = true
	return name
}

// countStatuses counts the claims of each status.
func (v *view) countStatuses() {
	for _, s := range []claims.Status{claims.Holds, claims.DoesNotHold, claims.TooClose,
		claims.NotMeasured} {
		c := count{Status: newStatus(s)}
		for i := range v.runs {
			n := 0
			for _, cl := range v.Claims {
				if cl.Verdicts[i].Status.Word == string(s) {
					n++
				}
			}
			c.Numbers = append(c.Numbers, n)
		}
		if slices.Max(c.Numbers) > 0 {
			v.Counts = append(v.Counts, c)
		}
	}
}

// further says for which claims there were more rounds than had been planned.
func (v *view) further() string {
	var parts []string
	for i, r := range v.runs {
		if texts := claims.Further(r.Set); len(texts) > 0 {
			parts = append(parts, prefixed(v.Runs[i].Letter, strings.Join(texts, "; ")))
		}
	}
	return strings.Join(parts, "; ")
}

// intervals says what the intervals on the page are worth, by how many rounds were planned.
func (v *view) intervals() string {
	var parts []string
	for i, r := range v.runs {
		most := 0
		for _, g := range groups(r.Set.Visits) {
			most = max(most, len(g.visits))
		}
		if most == 0 {
			continue
		}
		text := "up to " + words.Count(most, "round") + " of one server under one load"
		switch level := levelOf(most); {
		case most == 1:
			text = "one round of each server is planned: it has no spread, and is but a hint"
		case level < 0.95:
			text += fmt.Sprintf(": the whole range, a confidence of %.0f %%", 100*level)
		default:
			text += ": a confidence of at least 95 %"
		}
		parts = append(parts, prefixed(v.Runs[i].Letter, text))
	}
	return strings.Join(parts, "; ")
}
