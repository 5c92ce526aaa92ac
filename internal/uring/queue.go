package uring

// queue has starved receives, first in, first out. They are linked through their slots.
type queue struct {
	first, last int32 // the slot's number + 1
	n           int
}

func (q *queue) push(t *table, n int) {
	id := int32(n) + 1
	if q.last != 0 {
		t.at(int(q.last) - 1).waiting = id
	} else {
		q.first = id
	}
	t.at(n).waiting = 0
	q.last = id
	q.n++
}

// pop returns the slot's number; there is one.
func (q *queue) pop(t *table) int {
	n := int(q.first) - 1
	s := t.at(n)
	q.first = s.waiting
	if q.first == 0 {
		q.last = 0
	}
	s.waiting = 0
	q.n--
	return n
}

// remove takes a slot out, wherever it stands, and reports whether it was there.
func (q *queue) remove(t *table, n int) bool {
	var before int32
	for id := q.first; id != 0; {
		s := t.at(int(id) - 1)
		if int(id)-1 != n {
			before, id = id, s.waiting
			continue
		}
		if before != 0 {
			t.at(int(before) - 1).waiting = s.waiting
		} else {
			q.first = s.waiting
		}
		if q.last == id {
			q.last = before
		}
		s.waiting = 0
		q.n--
		return true
	}
	return false
}
