package page

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/kettle-go/kettle/lab/claims"
)

// chart is what the page's script draws: the same chart of each run, as a panel. The script reads
// it as JSON; nothing else reaches it.
type chart struct {
	ID     string           `json:"id"`
	Kind   claims.ChartKind `json:"kind"`
	XLabel string           `json:"xLabel,omitempty"`
	YLabel string           `json:"yLabel,omitempty"`
	XLog   bool             `json:"xLog,omitempty"`
	YLog   bool             `json:"yLog,omitempty"`
	Limit  *float64         `json:"limit,omitempty"`
	Sum    bool             `json:"sum,omitempty"` // Limit is that, and no threshold
	Panels []panel          `json:"panels"`
}

// panel is a chart of one run.
type panel struct {
	Run    string   `json:"run,omitempty"` // its letter
	Series []series `json:"series"`
}

// series is one line, or one colour of bars.
type series struct {
	Name   string  `json:"name"`
	Style  int     `json:"style"` // of the page's styles: the same server has the same everywhere
	Points []point `json:"points"`
}

// point is one value, with its interval.
type point struct {
	Label string  `json:"label,omitempty"`
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Text  string  `json:"text"` // the value as it is written
}

// figure is a chart in the page: the place where it is drawn, and what it says in words and
// numbers.
type figure struct {
	ID      string
	Title   string
	Summary []string // the essential figures, of each run
	Data    []datum
	XName   string // of the column of the data; empty: labels say all
	YName   string
	Labels  bool
	Several bool // the data is of several runs, or several series
	Missing string

	Drawings []drawing // instead of a chart that the script draws
}

// datum is a line of the table of a chart's data.
type datum struct{ Run, Series, Label, X, Y, Spread string }

// drawing is a picture that somebody else has drawn.
type drawing struct {
	Run     string
	Picture template.HTML
	Missing string // why there is none
}

// newChart returns a chart of several runs as data, and as a figure. of has nil for a run that has
// no such chart.
func (v *view) newChart(id string, of []*claims.Chart) *figure {
	i := slices.IndexFunc(of, func(c *claims.Chart) bool { return c != nil })
	first := of[i]
	f := &figure{ID: id, Title: first.Title, YName: cmp.Or(first.YLabel, "value"),
		Several: len(v.runs) > 1}
	if first.Kind == claims.Timelines || first.Kind == claims.KernelLanes {
		v.draw(f, of)
		return f
	}
	c := &chart{ID: id, Kind: first.Kind, XLabel: first.XLabel, YLabel: first.YLabel,
		XLog: first.XLog, YLog: first.YLog, Limit: first.Limit, Sum: first.Sum}
	switch first.Kind {
	case claims.Bars:
		f.Labels = true
	case claims.Percentiles:
		f.XName, c.XLog = "percentile", true
	default:
		f.XName = cmp.Or(first.XLabel, "x")
	}
	for run, chart := range of {
		if chart == nil {
			continue
		}
		p := panel{Run: v.Runs[run].Letter}
		for _, s := range chart.Series {
			p.Series = append(p.Series, v.newSeries(s, f, chart, p.Run))
			f.Several = f.Several || len(chart.Series) > 1
		}
		c.Panels = append(c.Panels, p)
		f.Summary = append(f.Summary, prefixed(p.Run, summary(chart.Kind, p)))
	}
	if len(f.Data) == 0 {
		f.Missing = "The results have no values for it."
		return f
	}
	v.charts = append(v.charts, c)
	return f
}

// newSeries takes in the values of a series that can be shown, and tells the table of all.
func (v *view) newSeries(s claims.Series, f *figure, c *claims.Chart, run string) series {
	out := series{Name: s.Name, Points: []point{}}
	for _, p := range s.Points {
		d := datum{Run: run, Series: s.Name, Label: p.Label, X: place(c.Kind, p.X), Y: "n/a"}
		if finite(p.Y) && finite(p.X) {
			if !finite(p.Low) || !finite(p.High) {
				p.Low, p.High = p.Y, p.Y
			}
			in := plain(p.Y)
			if integral(p.Y) && integral(p.Low) && integral(p.High) {
				in = whole(p.Y)
			}
			d.Y = in.write(p.Y)
			if p.Low != p.High {
				d.Spread = in.spread(p.Low, p.High)
			}
			out.Points = append(out.Points, point{p.Label, short(p.X), short(p.Y),
				short(min(p.Low, p.Y)), short(max(p.High, p.Y)), d.Y})
		}
		f.Data = append(f.Data, d)
	}
	return out
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func integral(x float64) bool { return x == math.Trunc(x) }

// short returns x to six digits: no chart shows more.
func short(x float64) float64 {
	y, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', 6, 64), 64)
	if err != nil {
		return x
	}
	return y
}

// place writes where on the X axis a value stands.
func place(kind claims.ChartKind, x float64) string {
	if kind == claims.Percentiles {
		return percentile(x)
	}
	if integral(x) {
		return whole(x).write(x)
	}
	return plain(x).write(x)
}

// percentile writes the percentile q of x = 1/(1-q).
func percentile(x float64) string {
	if !(x >= 1) || !finite(x) {
		return "n/a"
	}
	return "p" + strconv.FormatFloat(math.Round(1e7*(1-1/x))/1e5, 'f', -1, 64)
}

// prefixed puts the letter of a run before what there is to say of it.
func prefixed(run, text string) string {
	if run == "" || text == "" {
		return text
	}
	return run + ": " + text
}

// spelledOut is how many values a summary names each, before it says where the ends are.
const spelledOut = 6

// summary says what a panel shows in a sentence: the values where they are few, else the lowest
// and the highest of what matters most.
func summary(kind claims.ChartKind, p panel) string {
	type value struct {
		name, text string
		y          float64
	}
	var all []value
	for _, s := range p.Series {
		if len(s.Points) == 0 {
			continue
		}
		switch kind {
		case claims.Bars:
			for _, b := range s.Points {
				name := b.Label
				if len(p.Series) > 1 {
					name += " (" + s.Name + ")"
				}
				all = append(all, value{name, b.Text, b.Y})
			}
		case claims.Percentiles:
			all = append(all, value{s.Name, atPercentiles(s), at(s, 100).Y})
		default:
			first, last := s.Points[0], s.Points[len(s.Points)-1]
			text := fmt.Sprintf("%s at %s", last.Text, place(kind, last.X))
			if len(s.Points) > 1 {
				text = fmt.Sprintf("%s at %s, %s", first.Text, place(kind, first.X), text)
			}
			all = append(all, value{s.Name, text, last.Y})
		}
	}
	if len(all) == 0 {
		return ""
	}
	byY := func(a, b value) int { return cmp.Compare(a.y, b.y) }
	low, high := slices.MinFunc(all, byY), slices.MaxFunc(all, byY)
	limit := spelledOut
	if kind != claims.Bars {
		limit /= 2 // they have several figures each
	}
	if len(all) > limit && low != high {
		all = []value{{"lowest: " + low.name, low.text, 0}, {"highest: " + high.name, high.text, 0}}
	}
	parts := make([]string, len(all))
	for i, x := range all {
		parts[i] = x.name + " " + x.text
	}
	return strings.Join(parts, "; ") + "."
}

// atPercentiles names the percentiles that everybody asks for.
func atPercentiles(s series) string {
	var parts []string
	for _, x := range []float64{2, 100, 1000} {
		if p := at(s, x); math.Abs(p.X-x) < x/100 {
			parts = append(parts, percentile(x)+" "+p.Text)
		}
	}
	if len(parts) == 0 {
		return at(s, 100).Text
	}
	return strings.Join(parts, ", ")
}

// at returns the point of a series that is the nearest to x on a logarithmic axis.
func at(s series, x float64) point {
	return slices.MinFunc(s.Points, func(a, b point) int {
		return cmp.Compare(math.Abs(math.Log(a.X/x)), math.Abs(math.Log(b.X/x)))
	})
}
