package page

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// onePage returns the view of runs with verdicts, and no results.
func onePage(t *testing.T, runs ...[]claims.Verdict) *view {
	t.Helper()
	var all []Run
	for _, verdicts := range runs {
		all = append(all, Run{Set: &results.Set{}, Verdicts: verdicts})
	}
	v, err := newView(all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// charting returns a verdict that has a chart.
func charting(id string, c claims.Chart) claims.Verdict {
	return claims.Verdict{Claim: claims.Claim{ID: id}, Charts: []claims.Chart{c}}
}

func TestChartsShowWhatCanBeShown(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	v := onePage(t, []claims.Verdict{charting("C1", claims.Chart{Kind: claims.Lines, YLabel: "µs",
		Series: []claims.Series{{Name: "a", Points: []claims.Point{
			{X: 1, Y: 2.51, Low: 2, High: 3},
			{X: 2, Y: nan, Low: 1, High: 2},
			{X: inf, Y: 1, Low: 1, High: 1},
			{X: 3, Y: 4, Low: nan, High: inf},
			{X: 4.5, Y: 1.23456789, Low: 1.3, High: 1.2}, // an interval that does not hold it
		}}}})})
	want := []point{{"", 1, 2.51, 2, 3, "2.51"}, {"", 3, 4, 4, 4, "4"},
		{"", 4.5, 1.23457, 1.23457, 1.23457, "1.23"}}
	if diff := cmp.Diff(want, v.charts[0].Panels[0].Series[0].Points); diff != "" {
		t.Error("the points of the chart (-want +got):\n" + diff)
	}
	f := v.Claims[0].Figures[0]
	data := []datum{{"", "a", "", "1", "2.51", "2.00 to 3.00"}, {"", "a", "", "2", "n/a", ""},
		{"", "a", "", "n/a", "n/a", ""}, {"", "a", "", "3", "4", ""},
		{"", "a", "", "4.50", "1.23", "1.30 to 1.20"}}
	if diff := cmp.Diff(data, f.Data); diff != "" {
		t.Error("the figures below the chart (-want +got):\n" + diff)
	}
	if want := []string{"a 2.51 at 1, 1.23 at 4.50."}; !cmp.Equal(f.Summary, want) {
		t.Errorf("the summary is %q, want %q", f.Summary, want)
	}
}

func TestSummariesNameTheEssential(t *testing.T) {
	bars := func(n int) (s claims.Series) {
		for i := range n {
			y := float64(i*i + 1)
			s.Points = append(s.Points, claims.Point{Label: fmt.Sprint("m", i), Y: y, Low: y,
				High: y})
		}
		return s
	}
	curve := func(name string, factor float64) claims.Series {
		s := claims.Series{Name: name}
		for _, x := range []float64{1, 2, 10, 100, 1000} {
			y := factor * math.Log(x+1)
			s.Points = append(s.Points, claims.Point{X: x, Y: y, Low: y, High: y})
		}
		return s
	}
	for _, c := range []struct {
		name   string
		kind   claims.ChartKind
		series []claims.Series
		want   string
	}{
		{"few bars", claims.Bars, []claims.Series{bars(3)}, "m0 1; m1 2; m2 5."},
		{"many bars", claims.Bars, []claims.Series{bars(9)}, "lowest: m0 1; highest: m8 65."},
		{"no bars", claims.Bars, []claims.Series{{Name: "empty"}}, ""},
		{"a curve", claims.Percentiles, []claims.Series{curve("a", 10)},
			"a p50 11.0, p99 46.2, p99.9 69.1."},
		{"many curves", claims.Percentiles, []claims.Series{curve("a", 10), curve("b", 5),
			curve("c", 30), curve("d", 20)},
			"lowest: b p50 5.49, p99 23.1, p99.9 34.5; highest: c p50 33.0, p99 138, p99.9 207."},
		{"one point", claims.Lines, []claims.Series{{Name: "a", Points: []claims.Point{
			{X: 100, Y: 2, Low: 2, High: 2}}}}, "a 2 at 100."},
	} {
		v := onePage(t, []claims.Verdict{charting("C1", claims.Chart{Kind: c.kind,
			Series: c.series})})
		if got := strings.Join(v.Claims[0].Figures[0].Summary, " "); got != c.want {
			t.Errorf("%s: the summary is %q, want %q", c.name, got, c.want)
		}
	}
}

func TestPercentilesHaveTheirNames(t *testing.T) {
	for x, want := range map[float64]string{1: "p0", 2: "p50", 4: "p75", 10: "p90", 100: "p99",
		1000: "p99.9", 10000: "p99.99", 100 / (100 - 99.95): "p99.95", 0.5: "n/a",
		math.Inf(1): "n/a"} {
		if got := percentile(x); got != want {
			t.Errorf("1/(1-q) = %g is %s, want %s", x, got, want)
		}
	}
}

// TestChartsOfSeveralRunsBelongTogether: by their kind and title, however they are ordered.
func TestChartsOfSeveralRunsBelongTogether(t *testing.T) {
	titled := func(title string, y float64) claims.Chart {
		return claims.Chart{Kind: claims.Bars, Title: title, Series: []claims.Series{{Name: "s",
			Points: []claims.Point{{Label: "m", Y: y, Low: y, High: y}}}}}
	}
	a := claims.Verdict{Claim: claims.Claim{ID: "C1"}, Status: claims.Holds,
		Charts: []claims.Chart{titled("one", 1), titled("two", 2), titled("two", 3)}}
	b := claims.Verdict{Claim: claims.Claim{ID: "C1"}, Status: claims.Holds,
		Charts: []claims.Chart{titled("two", 20), titled("three", 4), titled("two", 30)}}
	v := onePage(t, []claims.Verdict{a}, []claims.Verdict{b, charting("C2", titled("four", 5))})
	var got []string
	for _, c := range v.charts {
		text := c.ID
		for _, p := range c.Panels {
			text += fmt.Sprintf(" %s=%g", p.Run, p.Series[0].Points[0].Y)
		}
		got = append(got, text)
	}
	want := []string{"C1-chart A=1", "C1-chart-2 A=2 B=20", "C1-chart-3 A=3 B=30", "C1-chart-4 B=4",
		"C2-chart B=5"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("the charts (-want +got):\n" + diff)
	}
	if c := v.Claims[1]; !c.Differs && c.Verdicts[0].Why == "" {
		t.Error("a claim that one run does not know: nothing says so")
	}
}

// TestSeriesCanBeToldApart: whatever charts there are, no two names look alike, and those that meet
// in a chart have different colours as far as there are any.
func TestSeriesCanBeToldApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := &view{}
		names := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 12)
		charts := rapid.SliceOfN(names, 1, 12).Draw(t, "names")
		for _, names := range charts {
			p := panel{}
			for _, n := range names {
				p.Series = append(p.Series, series{Name: fmt.Sprint(n)})
			}
			v.charts = append(v.charts, &chart{Panels: []panel{p}})
		}
		v.setStyles()
		of := make(map[string]style)
		holder := make(map[style]string)
		for _, c := range v.charts {
			for _, s := range c.Panels[0].Series {
				look := v.styles[s.Style]
				if before, known := of[s.Name]; known && before != look {
					t.Fatalf("%s looks like %v and like %v", s.Name, before, look)
				}
				if other, taken := holder[look]; taken && other != s.Name {
					t.Fatalf("%s and %s both look like %v", s.Name, other, look)
				}
				of[s.Name], holder[look] = look, s.Name
				if look.Colour >= colours || look.Symbol >= symbols || look.Dash >= dashes {
					t.Fatalf("%s looks like %v, which the script does not have", s.Name, look)
				}
			}
		}
		if len(charts) > 1 {
			return // names that meet in several charts may run out of colours
		}
		used := make(map[int]bool)
		for _, look := range of {
			used[look.Colour] = true
		}
		if want := min(len(of), colours); len(used) != want {
			t.Fatalf("%d names of one chart have %d colours", len(of), len(used))
		}
	})
}
