package synthetic

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// Behaviour says when a server answers.
type Behaviour struct {
	Size     int           // bytes of a request
	Delay    time.Duration // from a request to its answer, at least
	Interval time.Duration // between two answers, at least
	Stall    time.Duration // at the beginning of each period, in which nothing is answered
	Period   time.Duration // 0: there are no stalls
}

// maxSize is the most that a request may have: what the server keeps of each connection.
const maxSize = 1 << 20

// Validate returns an error that names the first value that is not possible.
func (b Behaviour) Validate() error {
	switch {
	case b.Size < 1 || b.Size > maxSize:
		return fmt.Errorf("requests of %d bytes: 1 to %d are possible", b.Size, maxSize)
	case min(b.Delay, b.Interval, b.Stall, b.Period) < 0:
		return errors.New("a time cannot be negative")
	case b.Stall > 0 && b.Stall >= b.Period:
		return fmt.Errorf("a stall of %v in each %v: it must be shorter than that", b.Stall,
			b.Period)
	}
	return nil
}

// leaves returns when the answer to a request leaves that has come at a time, and before which the
// answer before it has left at another, by a clock whose zero begins a period.
func (b Behaviour) leaves(came, before time.Duration) time.Duration {
	at := max(came+b.Delay, before+b.Interval)
	if b.Period > 0 {
		if into := at % b.Period; into < b.Stall {
			at += b.Stall - into
		}
	}
	return at
}

// never is when the answer before the first one has left.
const never = time.Duration(math.MinInt64 / 2)

// paced returns the latencies that requests have which come at a fixed rate, those of whole periods
// when all is as in the period before; of so many requests where there is no period.
func (b Behaviour) paced(rate float64, requests int) []time.Duration {
	var all []time.Duration
	before := never
	for i := range 2 * requests {
		came := time.Duration(float64(i) / rate * float64(time.Second))
		before = b.leaves(came, before)
		all = append(all, before-came)
	}
	return all[requests:]
}

// quantile returns the value that a share of all values is not above.
func quantile(values []time.Duration, share float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
}

// count returns how many values are greater than one.
func count(values []time.Duration, least time.Duration) (n int) {
	for _, v := range values {
		if v > least {
			n++
		}
	}
	return n
}

// mean returns the mean of the values.
func mean(values []time.Duration) time.Duration {
	var sum time.Duration
	for _, v := range values {
		sum += v
	}
	return sum / time.Duration(len(values))
}
