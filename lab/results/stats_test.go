package results

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// coverage computes, from the definition, the probability that the true median lies between
// the k-th value from below and the k-th from above of n, counted from 0: it does unless at most
// k of the values lie below it, or at most k above. Each way that n coins can fall is counted.
func coverage(n, k int) float64 {
	ways := make([]float64, n+1) // to have i heads, by Pascal's triangle
	ways[0] = 1
	for row := 1; row <= n; row++ {
		for i := row; i > 0; i-- {
			ways[i] += ways[i-1]
		}
	}
	var good, all float64
	for i, w := range ways {
		if all += w; i > k && n-i > k {
			good += w
		}
	}
	return good / all
}

// TestIntervalCoversTheMedian compares with the narrowest interval that is wide enough by the
// definition, for every number of rounds that anybody runs.
func TestIntervalCoversTheMedian(t *testing.T) {
	for n := 1; n <= 20; n++ {
		var xs []float64
		for i := range n {
			xs = append(xs, float64(i*i)) // sorted: x tells its place
		}
		low := 0
		for k := 1; 2*k < n-1 && coverage(n, k) >= 0.95; k++ {
			low = k
		}
		want := coverage(n, low)
		if n == 1 {
			want = 0
		}
		e := NewEstimate(xs)
		if e.Low != xs[low] || e.High != xs[n-1-low] || math.Abs(e.Level-want) > 1e-12 || e.N != n {
			t.Errorf("of %d values: %+v, want %g to %g with %g", n, e, xs[low], xs[n-1-low], want)
		}
		if n > 5 && e.Level < 0.95 {
			t.Errorf("%d values are enough for 95 %%, the interval has %g", n, e.Level)
		}
	}
}

// TestIntervalInPractice draws from a distribution that is not symmetric, and looks how often
// the true median lies in the interval.
func TestIntervalInPractice(t *testing.T) {
	const (
		median = 0.25 // of the square of what is evenly distributed
		draws  = 4000
	)
	var state uint64 = 1
	next := func() float64 { // Knuth's constants; the same values every time
		state = state*6364136223846793005 + 1442695040888963407
		x := float64(state>>11) / (1 << 53)
		return x * x
	}
	for _, n := range []int{2, 5, 6, 15, 30} {
		hits, level := 0, 0.0
		for range draws {
			xs := make([]float64, n)
			for i := range xs {
				xs[i] = next()
			}
			e := NewEstimate(xs)
			if level = e.Level; e.Low <= median && median <= e.High {
				hits++
			}
		}
		if got := float64(hits) / draws; math.Abs(got-level) > 0.03 {
			t.Errorf("of %d values: the median was in the interval %g of the time, not %g", n, got,
				level)
		}
	}
}

// TestIntervalOfThousandsOfValues is about as wide as the normal distribution says: 1.96 standard
// deviations of the number of values below the median.
func TestIntervalOfThousandsOfValues(t *testing.T) {
	for _, n := range []int{1000, 1100, 5000} {
		xs := make([]float64, n)
		for i := range xs {
			xs[i] = float64(i)
		}
		e := NewEstimate(xs)
		want := 1.96 * math.Sqrt(float64(n))
		if got := e.High - e.Low; math.Abs(got-want) > 4 || e.Level < 0.95 || e.Level > 0.96 {
			t.Errorf("of %d values: %+v, %g places wide, not %g", n, e, got, want)
		}
	}
}

// naiveMedian is the value with as many below as above, found by looking at each.
func naiveMedian(xs []float64) float64 {
	var middle []float64
	for _, x := range xs {
		below, above := 0, 0
		for _, y := range xs {
			if y < x {
				below++
			}
			if y > x {
				above++
			}
		}
		if 2*below <= len(xs) && 2*above <= len(xs) {
			middle = append(middle, x)
		}
	}
	return (slices.Min(middle) + slices.Max(middle)) / 2
}

func TestEstimateOfAnyValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs := rapid.SliceOfN(rapid.Float64Range(-1e6, 1e6), 1, 40).Draw(t, "xs")
		given := slices.Clone(xs)
		e := NewEstimate(xs)
		if !slices.Equal(xs, given) {
			t.Fatalf("the values were changed")
		}
		if want := naiveMedian(xs); e.Median != want {
			t.Fatalf("the median is %g, want %g", e.Median, want)
		}
		if !(e.Low <= e.Median && e.Median <= e.High) || e.Level < 0 || e.Level >= 1 {
			t.Fatalf("the interval does not hold the median: %+v", e)
		}
		if !slices.Contains(xs, e.Low) || !slices.Contains(xs, e.High) {
			t.Fatalf("the ends are none of the values: %+v", e)
		}
		// The order of the rounds does not matter, and a unit is only a factor.
		slices.Reverse(xs)
		if again := NewEstimate(xs); again != e {
			t.Fatalf("in another order: %+v, not %+v", again, e)
		}
		for i := range xs {
			xs[i] *= 4
		}
		if scaled := NewEstimate(xs); scaled.Low != 4*e.Low || scaled.High != 4*e.High ||
			scaled.Level != e.Level {
			t.Fatalf("four times as much: %+v, not %+v", scaled, e)
		}
	})
}

func TestEstimateOfNothing(t *testing.T) {
	e := NewEstimate(nil)
	if !math.IsNaN(e.Median) || !math.IsNaN(e.Low) || !math.IsNaN(e.High) || e.Level != 0 {
		t.Errorf("of no values: %+v", e)
	}
}
