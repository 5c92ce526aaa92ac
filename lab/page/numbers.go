package page

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// scale is how the values of one figure are written: all in the same unit, with as many digits.
type scale struct {
	divisor float64
	digits  int // behind the point
	unit    string
}

// number writes a value without its unit.
func (s scale) number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "n/a"
	}
	text := strconv.FormatFloat(v/s.divisor, 'f', s.digits, 64)
	if strings.Trim(text, "-0.") == "" {
		text = strings.TrimPrefix(text, "-")
	}
	whole, fraction, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "−", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	return sign + whole + fraction
}

// write writes a value with its unit.
func (s scale) write(v float64) string {
	if s.unit == "" || math.IsNaN(v) || math.IsInf(v, 0) {
		return s.number(v)
	}
	return s.number(v) + "\u00a0" + s.unit // which stay together
}

// spread writes the interval of an estimate, whose unit stands with its median.
func (s scale) spread(low, high float64) string { return s.number(low) + " to " + s.number(high) }

// quantity is what kind of thing a figure counts: it tells the scale for values like this one.
type quantity func(typical float64) scale

// set writes a value that somebody has chosen: without the zeros at its end.
func (q quantity) set(v float64) string {
	s := q(v)
	for s.digits > 0 && strings.HasSuffix(s.number(v), "0") {
		s.digits--
	}
	return s.write(v)
}

// plain is a quantity without a unit, or with one that its name says.
func plain(v float64) scale { return scale{divisor: 1, digits: digits(v)} }

// digits returns how many digits behind the point leave about three in all.
func digits(v float64) int {
	v = math.Abs(v)
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return min(6, max(0, 2-int(math.Floor(math.Log10(v)))))
}

// whole is what comes in whole pieces.
func whole(float64) scale { return scale{divisor: 1} }

// nanoseconds is a time.
func nanoseconds(v float64) scale {
	return fitting(v, []scale{{1, 0, "ns"}, {1e3, 0, "µs"}, {1e6, 0, "ms"}, {1e9, 0, "s"}})
}

// seconds is a time, too.
func seconds(v float64) scale {
	s := nanoseconds(v * 1e9)
	s.divisor /= 1e9
	return s
}

// memory is an amount of it.
func memory(v float64) scale {
	return fitting(v, []scale{{1, 0, "B"}, {1 << 10, 0, "KiB"}, {1 << 20, 0, "MiB"},
		{1 << 30, 0, "GiB"}})
}

// percent is a share.
func percent(v float64) scale {
	return scale{divisor: 0.01, digits: min(2, digits(100*v)), unit: "%"}
}

// fitting returns the largest of the scales in which v is at least 1.
func fitting(v float64, scales []scale) scale {
	best := scales[0]
	for _, s := range scales[1:] {
		if math.Abs(v) >= s.divisor {
			best = s
		}
	}
	if best.divisor > 1 {
		best.digits = digits(v / best.divisor)
	}
	return best
}

// leading is the number that a text begins with, and what follows.
var leading = regexp.MustCompile(`^([0-9][0-9,]*(?:\.([0-9]+))?)\s*(.*)$`)

// scaleOf tells in which unit a figure is shown, from its text and its value, so that its spread
// can be shown in the same.
func scaleOf(f claims.Figure) scale {
	m := leading.FindStringSubmatch(f.Text)
	if m == nil {
		return plain(f.Value)
	}
	shown, err := strconv.ParseFloat(strings.ReplaceAll(m[1], ",", ""), 64)
	if err != nil {
		return plain(f.Value)
	}
	rounding := 0.51 * math.Pow10(-len(m[2]))
	divisors := []float64{1, 1e3, 1e6, 1e9, 1 << 10, 1 << 20, 1 << 30, 1e-2, 1e-3, 1e-6, 1e-9}
	for _, d := range divisors {
		if math.Abs(f.Value/d-shown) <= rounding {
			return scale{divisor: d, digits: len(m[2]), unit: m[3]}
		}
	}
	return plain(f.Value)
}

// delta is how a figure of a later run compares with that of the first.
type delta struct {
	Text string // the ratio
	Mark string // an arrow, if it is more than the spread
	Word string // the same in words
}

// compare returns the delta of a figure that was a and is b. It is more than the spread if their
// intervals do not touch; of figures without one, nobody can tell.
func compare(a, b results.Estimate) *delta {
	if a.N == 0 || b.N == 0 || !(a.Median > 0) || !(b.Median > 0) || math.IsInf(b.Median, 0) {
		return nil
	}
	d := &delta{Text: "×" + ratio(b.Median/a.Median)}
	switch {
	case b == a:
		d.Text, d.Word = "=", "the same"
	case a.Level == 0 || b.Level == 0:
		d.Word = "no spread to compare with"
	case b.Low > a.High:
		d.Mark, d.Word = "▲", "higher"
	case b.High < a.Low:
		d.Mark, d.Word = "▼", "lower"
	default:
		d.Mark, d.Word = "≈", "within the spread"
	}
	return d
}

// ratio writes a quotient: two digits tell it from 1.
func ratio(x float64) string {
	if x >= 100 || x < 0.01 {
		return plain(x).number(x)
	}
	return fmt.Sprintf("%.2f", x)
}

// exact is the estimate of what was counted, or measured once.
func exact(v float64) results.Estimate {
	return results.Estimate{Median: v, Low: v, High: v, N: 1}
}

// few joins names, of which it leaves out those after the first n.
func few(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// appendOnce appends what is not there yet.
func appendOnce[T comparable](list []T, x T) []T {
	if slices.Contains(list, x) {
		return list
	}
	return append(list, x)
}
