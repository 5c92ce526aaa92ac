package claims

import (
	"fmt"
	"math"

	"github.com/kettle-go/kettle/lab/results"
)

// unit is how a figure is shown.
type unit func(float64) string

func micros(x float64) string { return significant(x) + " µs" }

func times(x float64) string { return significant(x) + " times" }

func percent(x float64) string { return significant(100*x) + "%" }

func number(x float64) string { return significant(x) }

func whole(x float64) string { return fmt.Sprintf("%.0f", x) }

// seconds shows a time in the unit that leaves few digits.
func seconds(x float64) string {
	switch a := math.Abs(x); {
	case a < 1e-6:
		return significant(x*1e9) + " ns"
	case a < 1e-3:
		return significant(x*1e6) + " µs"
	case a < 1:
		return significant(x*1e3) + " ms"
	}
	return significant(x) + " s"
}

// bytes shows an amount of memory.
func bytes(x float64) string {
	switch a := math.Abs(x); {
	case a < 1<<10:
		return fmt.Sprintf("%.0f B", x)
	case a < 1<<20:
		return significant(x/(1<<10)) + " KiB"
	}
	return significant(x/(1<<20)) + " MiB"
}

// significant writes a number with about three digits.
func significant(x float64) string {
	switch a := math.Abs(x); {
	case a >= 100 || a == 0:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	case a >= 0.01:
		return fmt.Sprintf("%.2f", x)
	case a < 0.0001:
		return "<0.0001"
	}
	return fmt.Sprintf("%.2g", x)
}

// counted is a figure that has no spread.
func counted(name string, n int) Figure {
	return Figure{Name: name, Value: float64(n), Text: fmt.Sprint(n)}
}

// measured is a figure with its spread; n/a if there is none.
func measured(name string, e *results.Estimate, u unit) Figure {
	if e == nil {
		return Figure{Name: name, Value: math.NaN(), Text: "n/a"}
	}
	f := Figure{Name: name, Value: e.Median, Spread: e, Text: u(e.Median)}
	if low, high := u(e.Low), u(e.High); e.N > 1 && low != high {
		f.Between = low + " to " + high
	}
	return f
}

// WithSpread is how a figure is shown where its spread has no place of its own.
func (f Figure) WithSpread() string {
	if f.Between == "" {
		return f.Text
	}
	return f.Text + " (" + f.Between + ")"
}

// point is an estimate in a chart.
func point(label string, x float64, e *results.Estimate) (Point, bool) {
	if e == nil {
		return Point{}, false
	}
	return Point{Label: label, X: x, Y: e.Median, Low: e.Low, High: e.High}, true
}

// add adds an estimate to a series, if there is one.
func (s *Series) add(label string, x float64, e *results.Estimate) {
	if p, ok := point(label, x, e); ok {
		s.Points = append(s.Points, p)
	}
}
