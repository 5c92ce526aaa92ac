package switching_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/lab/switching"
)

// counter is a token that is passed by nobody, which takes 50 ns each time.
type counter struct {
	count  int64
	passed int
	after  int // a number of switches that something happens after
	lost   int64
	err    error
}

func (c *counter) pass(n int) (int64, error) {
	for began := time.Now(); time.Since(began) < time.Duration(n)*50; {
		continue
	}
	c.passed += n
	c.count += int64(n)
	if c.passed >= c.after {
		c.count -= c.lost
		c.lost = 0
		return c.count, c.err
	}
	return c.count, nil
}

func noUsage() (sys.Usage, error) { return sys.Usage{}, errors.ErrUnsupported }

// TestTokenThatWasNotPassedIsAnError, once being enough, in whatever batch and either way.
func TestTokenThatWasNotPassedIsAnError(t *testing.T) {
	for _, lost := range []int64{1, -1} {
		for _, after := range []int{1, 10_000, 2_000_000} {
			c := counter{after: after, lost: lost}
			_, err := switching.MeasureWay(t.Context(), time.Hour, c.pass, noUsage)
			want := fmt.Sprintf("the token has been passed %d times, and says %d: "+
				"a switch has not taken place", c.passed, int64(c.passed)-lost)
			if err == nil || err.Error() != want {
				t.Errorf("%d lost after %d: %v, want %s", lost, after, err, want)
			}
		}
	}
}

// TestErrorsOfPassingEndTheMeasurement, and those of looking what was used.
func TestErrorsOfPassingEndTheMeasurement(t *testing.T) {
	broken := errors.New("broken")
	for _, after := range []int{1, 10_000, 2_000_000} {
		c := counter{after: after, err: broken}
		_, err := switching.MeasureWay(t.Context(), time.Hour, c.pass, noUsage)
		if err != broken {
			t.Errorf("after %d: %v", after, err)
		}
	}
	for _, after := range []int{1, 2} {
		looks := 0
		usage := func() (sys.Usage, error) {
			if looks++; looks == after {
				return sys.Usage{}, broken
			}
			return sys.Usage{}, nil
		}
		c := counter{after: math.MaxInt}
		if r, err := switching.MeasureWay(t.Context(), short, c.pass, usage); err != broken {
			t.Errorf("look %d: %v, %+v", after, err, r)
		}
	}
}

// TestUsageThatTheSystemDoesNotTell is missing, and the rest is not.
func TestUsageThatTheSystemDoesNotTell(t *testing.T) {
	c := counter{after: math.MaxInt}
	r, err := switching.MeasureWay(t.Context(), short, c.pass, noUsage)
	if err != nil {
		t.Fatal(err)
	}
	const want = "this system does not tell what a process has used"
	if r.Uncounted != want || r.KernelSwitches != nil || r.CPUNS != nil || r.Switches == 0 {
		t.Errorf("%+v", r)
	}
}

// TestUsageIsOfEachSwitch: what there is more after all batches than before them.
func TestUsageIsOfEachSwitch(t *testing.T) {
	if _, err := sys.ProcessUsage(); err != nil {
		return // then none is shown
	}
	c := counter{after: math.MaxInt}
	usage := func() (sys.Usage, error) {
		return sys.Usage{CPU: 1000 + 5*time.Duration(c.passed), Voluntary: 7 + int64(c.passed),
			Involuntary: 9 + 2*int64(c.passed)}, nil
	}
	r, err := switching.MeasureWay(t.Context(), short, c.pass, usage)
	if err != nil {
		t.Fatal(err)
	}
	if r.Uncounted != "" || *r.CPUNS != 5 || *r.Voluntary != 1 || *r.Involuntary != 2 ||
		*r.KernelSwitches != 3 {
		t.Errorf("%+v: CPU %v, voluntary %v, involuntary %v, both %v", r, *r.CPUNS, *r.Voluntary,
			*r.Involuntary, *r.KernelSwitches)
	}
}

func TestQuantiles(t *testing.T) {
	for _, c := range []struct {
		xs    []float64
		share float64
		want  float64
	}{
		{[]float64{3}, 0.25, 3},
		{[]float64{3}, 1, 3},
		{[]float64{1, 2}, 0.5, 1.5},
		{[]float64{1, 2, 4, 8, 16}, 0.25, 2},
		{[]float64{1, 2, 4, 8, 16}, 0.5, 4},
		{[]float64{1, 2, 4, 8, 16}, 0.75, 8},
		{[]float64{1, 2, 4, 8}, 0.5, 3},
		{[]float64{1, 2, 4, 8}, 0.25, 1.75},
		{[]float64{1, 2, 4, 8}, 1, 8},
		{[]float64{1, 2, 4, 8}, 0, 1},
	} {
		if got := switching.Quantile(c.xs, c.share); got != c.want {
			t.Errorf("the quantile %v of %v is %v, want %v", c.share, c.xs, got, c.want)
		}
	}
}
