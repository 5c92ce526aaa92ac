package uring

// Table is the table of requests, for a comparison with a model.
type Table struct{ table }

// Begin takes a slot for a request on a descriptor.
func (t *Table) Begin(fd int) Request {
	n, s := t.begin(OpReceive, fd, nil)
	return request(n, s)
}

// End frees the slot of a request, and reports whether it was under way.
func (t *Table) End(q Request) bool {
	n, s := t.find(q)
	if s == nil {
		return false
	}
	t.end(n)
	return true
}

// OfFD returns the requests of a descriptor.
func (t *Table) OfFD(fd int) []Request {
	var all []Request
	t.ofFD(fd, func(n int, s *slot) { all = append(all, request(n, s)) })
	return all
}

// Live returns how many slots are in use, Size how many there are.
func (t *Table) Live() int { return t.live }

func (t *Table) Size() int {
	n := 0
	for _, p := range t.pages {
		if p != nil {
			n += pageSlots
		}
	}
	return n
}

// PageSlots is how many slots come and go at a time.
const PageSlots = pageSlots

// Waiting is a queue of starved receives of a table.
type Waiting struct{ queue }

// Push puts a request at the end.
func (w *Waiting) Push(t *Table, q Request) {
	n, _ := t.find(q)
	w.push(&t.table, n)
}

// Pop takes the first request out; 0 if there is none.
func (w *Waiting) Pop(t *Table) Request {
	if w.n == 0 {
		return 0
	}
	n := w.pop(&t.table)
	return request(n, t.at(n))
}

// Remove takes a request out, and reports whether it was there.
func (w *Waiting) Remove(t *Table, q Request) bool {
	n, _ := t.find(q)
	return w.remove(&t.table, n)
}

// Len returns how many wait.
func (w *Waiting) Len() int { return w.n }
