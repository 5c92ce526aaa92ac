package claims

import "fmt"

// lines judges whether each of the three ways to write one server takes fewer lines than the one
// before.
func lines(e *evidence) Verdict {
	var v Verdict
	var own []int
	series := Series{Name: "lines of code"}
	for _, name := range []string{"selectors", "coroutines", "streams"} {
		m := e.Model(name)
		if m == nil {
			return notMeasured("the results have no source of the model %s", name)
		}
		own = append(own, m.OwnLines)
		v.Rows = append(v.Rows, Row{Server: name, Figures: []Figure{
			counted("lines", m.OwnLines), counted("with what it needs", m.Lines)}})
		y := float64(m.OwnLines)
		series.Points = append(series.Points, Point{Label: name, Y: y, Low: y, High: y})
	}
	v.Status = holdsIf(own[0] > own[1] && own[1] > own[2])
	v.Figure = fmt.Sprintf("selectors %d, coroutines %d, streams %d lines", own[0], own[1], own[2])
	v.Charts = []Chart{{Kind: Bars, Title: "Lines of code of each model's own file",
		YLabel: "lines", Series: []Series{series},
		Models: []string{"selectors", "coroutines", "streams"}}}
	return v
}

// counted is a figure that has no spread.
func counted(name string, n int) Figure {
	return Figure{Name: name, Value: float64(n), Text: fmt.Sprint(n)}
}
