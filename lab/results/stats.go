package results

import (
	"math"
	"slices"
)

// Estimate is a median with the interval that the true one lies in.
type Estimate struct {
	Median float64 `json:"median"`
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Level  float64 `json:"level"` // the confidence of the interval, at most 1
	N      int     `json:"n"`
}

// NewEstimate returns the median of xs and the narrowest interval between two of its values, the
// same number from both ends, that covers the true median with a confidence of at least 95 %.
// It makes no assumption on the distribution: each value is above the true median with a
// probability of one half, so how many are is binomial (the sign test's interval; Conover,
// Practical Nonparametric Statistics, 3.2). With five values or less the whole range covers
// less than that, and Level says how much.
func NewEstimate(xs []float64) Estimate {
	n := len(xs)
	if n == 0 {
		return Estimate{Median: math.NaN(), Low: math.NaN(), High: math.NaN()}
	}
	xs = slices.Sorted(slices.Values(xs))
	e := Estimate{Median: Median(xs), Low: xs[0], High: xs[n-1], N: n}
	// P(exactly k of n values below the median) is ways times 2 to the power of exponent, as with
	// a thousand values it is less than a number can be.
	ways, exponent := 1.0, -n
	tail := math.Ldexp(ways, exponent) // P(at most k of n), of none
	e.Level = 1 - 2*tail
	if n == 1 {
		e.Level = 0
	}
	for k := 1; k < n/2; k++ {
		fraction, by := math.Frexp(ways * float64(n-k+1) / float64(k))
		ways, exponent = fraction, exponent+by
		tail += math.Ldexp(ways, exponent)
		if level := 1 - 2*tail; level >= 0.95 {
			e.Low, e.High, e.Level = xs[k], xs[n-1-k], level
		}
	}
	return e
}

// Median returns the median of sorted values, of which there is one at least.
func Median(sorted []float64) float64 {
	n := len(sorted)
	if n%2 == 1 {
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
