package claims

import (
	"testing"

	"github.com/kettle-go/kettle/lab/results"
)

// TestFiguresAreWrittenWithFewDigits, and what is next to nothing is not written as a power of ten.
func TestFiguresAreWrittenWithFewDigits(t *testing.T) {
	for _, c := range []struct {
		show unit
		x    float64
		want string
	}{
		{number, 0, "0"}, {number, 1234.5, "1234"}, {number, 12.34, "12.3"},
		{number, 1.234, "1.23"},
		{number, 0.0123, "0.01"}, {number, 0.00123, "0.0012"}, {number, 7.9e-06, "<0.0001"},
		{percent, 0.987, "98.7%"}, {micros, 4.5, "4.50 µs"}, {whole, 2.6, "3"},
		{seconds, 34e-9, "34.0 ns"}, {seconds, 2.8e-6, "2.80 µs"}, {seconds, 0.1, "100 ms"},
		{seconds, 1.005, "1.00 s"}, {bytes, 100, "100 B"}, {bytes, 1536, "1.50 KiB"},
		{bytes, 1 << 20, "1.00 MiB"},
	} {
		if got := c.show(c.x); got != c.want {
			t.Errorf("%g is %q, want %q", c.x, got, c.want)
		}
	}
	f := measured("x", &results.Estimate{Median: 2, Low: 1, High: 3, N: 3}, number)
	if f.WithSpread() != "2.00 (1.00 to 3.00)" {
		t.Errorf("with its spread: %q", f.WithSpread())
	}
	if got := measured("x", nil, number).WithSpread(); got != "n/a" {
		t.Errorf("what is not there: %q", got)
	}
}
