package kettle

// ring is a queue of values in one array, which grows with what is in it, and shrinks after a
// burst.
type ring[T any] struct {
	array []T // its length is a power of two, or 0
	first int
	n     int
}

const (
	minRing = 8 // the length of the first array

	// maxIdle is for how many values memory is kept that are not there.
	maxIdle = 1024
)

// push puts a value behind the last one.
func (r *ring[T]) push(v T) {
	if r.n == len(r.array) {
		r.resize(max(minRing, 2*r.n))
	}
	r.array[(r.first+r.n)&(len(r.array)-1)] = v
	r.n++
}

// pop takes the first value out of a ring that is not empty.
func (r *ring[T]) pop() T {
	var none T
	v := r.array[r.first]
	r.array[r.first] = none // nothing is kept alive by its place
	r.first = (r.first + 1) & (len(r.array) - 1)
	r.n--
	if len(r.array) > maxIdle && r.n < len(r.array)/4 {
		r.resize(len(r.array) / 2)
	}
	return v
}

// resize moves the values into an array of another length, the first to its beginning: what lies
// behind first, and then what has gone round to the beginning of the old one.
func (r *ring[T]) resize(length int) {
	array := make([]T, length)
	n := copy(array, r.array[r.first:min(len(r.array), r.first+r.n)])
	copy(array[n:], r.array[:r.n-n])
	r.array, r.first = array, 0
}

// slots are places for single values, known by number, and used again and again: each waiting task
// has one, and a place of its own in memory would be an allocation for each wait.
type slots[T any] struct {
	values []T
	free   []int32
}

// put returns the number of the slot that v is in now.
func (s *slots[T]) put(v T) int32 {
	last := len(s.free) - 1
	if last < 0 {
		s.values = append(s.values, v)
		return int32(len(s.values) - 1)
	}
	i := s.free[last]
	s.free = s.free[:last]
	s.values[i] = v
	return i
}

// take empties a slot, and returns what was in it.
func (s *slots[T]) take(i int32) T {
	var none T
	v := s.values[i]
	s.values[i] = none
	if s.free = append(s.free, i); len(s.free) == len(s.values) && len(s.values) > maxIdle {
		*s = slots[T]{} // a burst is over
	}
	return v
}
