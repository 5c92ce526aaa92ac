package timeline

import (
	"slices"
	"sort"
	"time"
)

// span is a stretch of time.
type span struct{ from, to time.Duration }

// scale says where a time is in a picture: 0 is its left edge and 1 its right. It grows with the
// time, and is the same for all rows. Each product is rounded by itself, so that it is the same on
// all processors too, of which some would multiply and add in one step.
type scale struct {
	at []time.Duration
	x  []float64 // of each of at
}

// newScale returns the scale of what lasts so long and has these spans, each of which is to have,
// if possible, that share of the width at the least. The time that they take passes more slowly
// than the rest, however many of them there are at once.
func newScale(length time.Duration, spans []span, share float64) scale {
	length = max(2, length)
	if most := 0.5; share*float64(len(spans)) > most { // the rest must be seen as well
		share = most / float64(len(spans))
	}
	cuts := []time.Duration{0, length}
	for i, s := range spans {
		s.from = min(max(0, s.from), length-1)
		s.to = min(max(s.from+1, s.to), length)
		spans[i] = s
		cuts = append(cuts, s.from, s.to)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	// How fast each piece has to be, at the least, in shares per nanosecond.
	least := make([]float64, len(cuts)-1)
	for _, s := range spans {
		first, _ := slices.BinarySearch(cuts, s.from)
		for i := first; cuts[i] < s.to; i++ {
			least[i] = max(least[i], share/float64(s.to-s.from))
		}
	}
	speed := fill(cuts, least)
	s := scale{at: cuts, x: make([]float64, len(cuts))}
	for i := range least {
		s.x[i+1] = s.x[i] + float64(max(least[i], speed)*float64(cuts[i+1]-cuts[i]))
	}
	return s
}

// fill returns the speed of what has no least one, or a lower one, with which all pieces together
// fill the width.
func fill(cuts []time.Duration, least []float64) float64 {
	width := func(speed float64) (sum float64) {
		for i := range least {
			sum += float64(max(least[i], speed) * float64(cuts[i+1]-cuts[i]))
		}
		return sum
	}
	low, high := 0.0, 1/float64(cuts[len(cuts)-1])
	for range 60 {
		if middle := (low + high) / 2; width(middle) < 1 {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// of returns where a time is; one outside of the picture is at its edge.
func (s scale) of(t time.Duration) float64 {
	i := sort.Search(len(s.at), func(i int) bool { return s.at[i] >= t })
	switch {
	case i == 0:
		return 0
	case i == len(s.at):
		return 1
	}
	from, to := s.at[i-1], s.at[i]
	share := float64(t-from) / float64(to-from)
	return min(1, s.x[i-1]+float64(share*(s.x[i]-s.x[i-1])))
}

// ticks returns round times at which the picture says how late it is, so far apart that there are
// at most that many.
func ticks(length time.Duration, most int) []time.Duration {
	step := time.Microsecond
	for i := 0; length/step >= time.Duration(most); i++ {
		step *= [...]time.Duration{2, 5, 2}[i%3]
		if i%3 == 1 {
			step /= 2
		}
	}
	var all []time.Duration
	for t := time.Duration(0); t <= length; t += step {
		all = append(all, t)
	}
	return all
}
