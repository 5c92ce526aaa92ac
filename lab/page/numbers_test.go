package page

import (
	"math"
	"testing"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

func TestNumbersAreWrittenInTheirUnit(t *testing.T) {
	for _, c := range []struct {
		of   quantity
		v    float64
		want string
	}{
		{plain, 0, "0"},
		{plain, 0.00123456, "0.00123"},
		{plain, 1e-12, "0.000000"},
		{plain, 0.999, "0.999"},
		{plain, 4.5, "4.50"},
		{plain, 31.25, "31.2"},
		{plain, 219781.4, "219,781"},
		{plain, 1234567, "1,234,567"},
		{plain, -1234.5, "−1,234"},
		{plain, math.NaN(), "n/a"},
		{plain, math.Inf(1), "n/a"},
		{whole, 7.6, "8"},
		{whole, -0.2, "0"},
		{nanoseconds, 62, "62\u00a0ns"},
		{nanoseconds, 31_240, "31.2\u00a0µs"},
		{nanoseconds, 845_000, "845\u00a0µs"},
		{nanoseconds, 1_140_000, "1.14\u00a0ms"},
		{nanoseconds, 2.5e9, "2.50\u00a0s"},
		{seconds, 0.01, "10.0\u00a0ms"},
		{memory, 64, "64\u00a0B"},
		{memory, 1536, "1.50\u00a0KiB"},
		{memory, 3 << 20, "3.00\u00a0MiB"},
		{percent, 0.988, "98.8\u00a0%"},
		{percent, 0.0012, "0.12\u00a0%"},
		{percent, 0, "0\u00a0%"},
	} {
		if got := c.of(c.v).write(c.v); got != c.want {
			t.Errorf("%g is written %q, want %q", c.v, got, c.want)
		}
	}
}

// TestSpreadIsInTheUnitOfTheText: a figure's text chooses the unit, its spread has none of its own.
func TestSpreadIsInTheUnitOfTheText(t *testing.T) {
	for _, c := range []struct {
		text             string
		value, low, high float64
		want             string
	}{
		{"41.2", 41.23, 39, 43.456, "39.0 to 43.5"},
		{"845 µs", 845_200, 800_000, 900_000, "800 to 900"},
		{"1.1 ms", 1_140_000, 1_000_000, 1_250_000, "1.0 to 1.2"},
		{"85.8 KiB", 85.8 * 1024, 80 * 1024, 90 * 1024, "80.0 to 90.0"},
		{"98.8 %", 0.988, 0.9, 0.995, "90.0 to 99.5"},
		{"21,188", 21188, 20000, 22000.4, "20,000 to 22,000"},
		{"<1 KiB", 300, 200, 512, "200 to 512"},
		{"twice as much", 2.04, 1.9, 2.2, "1.90 to 2.20"},
		{"3 kilofurlongs", 12345, 12000, 13000, "12,000 to 13,000"},
		{"", 2.04, 1.9, 2.2, "1.90 to 2.20"},
	} {
		got := newCell(&claims.Figure{Text: c.text, Value: c.value,
			Spread: &results.Estimate{Median: c.value, Low: c.low, High: c.high, N: 7}})
		if got.Spread != c.want {
			t.Errorf("of %q the spread is %q, want %q", c.text, got.Spread, c.want)
		}
		if got.Text == "" {
			t.Errorf("%g without a text is not written", c.value)
		}
	}
	if got := newCell(nil); got.Text != "n/a" {
		t.Errorf("no figure is shown as %q", got.Text)
	}
}

func TestDifferencesAreThoseBeyondTheSpread(t *testing.T) {
	of := func(low, median, high float64) results.Estimate {
		return results.Estimate{Median: median, Low: low, High: high, Level: 0.95, N: 7}
	}
	for _, c := range []struct {
		name string
		a, b results.Estimate
		want *delta
	}{
		{"higher", of(9, 10, 11), of(12, 13, 14), &delta{"×1.30", "▲", "higher"}},
		{"lower", of(9, 10, 11), of(4, 5, 6), &delta{"×0.50", "▼", "lower"}},
		{"touching", of(9, 10, 11), of(11, 12, 13), &delta{"×1.20", "≈", "within the spread"}},
		{"far", of(1, 1, 1), of(500, 512, 520), &delta{"×512", "▲", "higher"}},
		{"counted", exact(80), exact(82), &delta{"×1.02", "", "no spread to compare with"}},
		{"equal", exact(80), exact(80), &delta{"=", "", "the same"}},
		{"nothing to compare with", results.Estimate{}, of(1, 2, 3), nil},
		{"of zero", exact(0), of(1, 2, 3), nil},
		{"of nothing", results.NewEstimate(nil), results.NewEstimate(nil), nil},
	} {
		got := compare(c.a, c.b)
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestFewNamesAreNamed(t *testing.T) {
	names := []string{"a", "b", "c"}
	if got := few(names, 3); got != "a, b, c" {
		t.Errorf("three of three: %q", got)
	}
	if got := few(names, 2); got != "a, b and 1 more" {
		t.Errorf("two of three: %q", got)
	}
}
