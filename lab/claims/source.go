package claims

import "fmt"

// lines judges whether each of the three ways to write one server takes fewer lines than the one
// before.
func lines(e *evidence) Verdict {
	var v Verdict
	var own, needs []int
	series := Series{Name: "lines of code"}
	for _, name := range []string{"selectors", "coroutines", "streams"} {
		m := e.Model(name)
		if m == nil {
			return notMeasured("the results have no source of the model %s", name)
		}
		own, needs = append(own, m.OwnLines), append(needs, m.Lines)
		v.Rows = append(v.Rows, Row{Server: name, Figures: []Figure{
			counted("lines", m.OwnLines), counted("with what it needs", m.Lines)}})
		y := float64(m.OwnLines)
		series.Points = append(series.Points, Point{Label: name, Y: y, Low: y, High: y})
	}
	v.Status = holdsIf(own[0] > own[1] && own[1] > own[2])
	v.Figure = fmt.Sprintf("selectors %d, coroutines %d, streams %d lines; with what each needs "+
		"%d, %d, %d", own[0], own[1], own[2], needs[0], needs[1], needs[2])
	v.Charts = []Chart{{Kind: Bars, Title: "Lines of code of each model's own file",
		YLabel: "lines", Series: []Series{series},
		Models: []string{"selectors", "coroutines", "streams"}}}
	return v
}

// fewerTests judges whether a loop that calls what was registered asks less often what has happened
// than one that goes through a list.
func fewerTests(e *evidence) Verdict {
	var v Verdict
	series := Series{Name: "tests"}
	callbacks, least := -1, -1
	for _, m := range e.Models {
		if m.Tests == nil {
			continue
		}
		n := *m.Tests
		if m.Name == "selectors" {
			callbacks = n
		} else if least < 0 || n < least {
			least = n
		}
		v.Rows = append(v.Rows, Row{Server: m.Name,
			Figures: []Figure{counted("tests", n), counted("lines", m.OwnLines)}})
		v.Figure = join(v.Figure, fmt.Sprintf("%s %d", m.Name, n))
		series.Points = append(series.Points,
			Point{Label: m.Name, Y: float64(n), Low: float64(n), High: float64(n)})
	}
	if callbacks < 0 || least < 0 {
		return notMeasured("the results have no source of selectors, or of no other model")
	}
	v.Status = holdsIf(callbacks < least)
	v.Figure += " tests of what has happened, and to whom"
	v.Charts = []Chart{{Kind: Bars, YLabel: "if and case", Series: []Series{series},
		Title:  "Tests between a wait and the code of a client",
		Models: []string{"select", "selectors"}}}
	return v
}
