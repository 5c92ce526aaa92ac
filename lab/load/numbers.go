package load

import (
	"fmt"
	"strconv"
)

// numbers is what the service count has answered, on all connections since the load was made. Each
// request is a line, and each answer a number in decimal and the end of a line.
type numbers struct {
	parts []part // by connection
	seen  ledger
}

// part is the beginning of a number whose end has yet to come.
type part struct {
	value  uint64
	digits int8
}

// receiveNumbers takes what has come back on a connection.
func (l *Load) receiveNumbers(i int, c *conn, got []byte, p plan) {
	size := int64(l.config.Size)
	owed := int(c.sent/size - c.received/size) // the numbers that can have come
	number := &l.numbers.parts[i]
	answers := 0
	for at, b := range got {
		switch {
		case answers == owed:
			l.fail(extraBytes(i, c.received, got[at:]))
			return
		case '0' <= b && b <= '9' && number.add(b-'0'):
			continue
		case b != '\n' || number.value == 0:
			l.fail(wrongNumber(i, c.received/size+int64(answers), number.and(b)))
			return
		}
		if !l.numbers.seen.add(number.value) {
			l.fail(fmt.Errorf("connection %d: %w: the numbers lie too far apart to be checked: "+
				"got %d", i, ErrWrongByte, number.value))
			return
		}
		*number = part{}
		answers++
	}
	c.received += int64(answers) * size
	if l.window.open {
		l.window.bytes += int64(len(got))
	}
	if answers > 0 {
		l.count(i, c, answers, p)
	}
}

// add adds a digit, and reports whether that is a number.
func (n *part) add(digit byte) bool {
	const most = ^uint64(0)
	if n.digits > 0 && n.value == 0 || n.value > (most-uint64(digit))/10 {
		return false
	}
	n.value = 10*n.value + uint64(digit)
	n.digits++
	return true
}

// and returns what has come of a number, and one byte more.
func (n *part) and(b byte) []byte {
	if n.digits == 0 {
		return []byte{b}
	}
	return append(strconv.AppendUint(nil, n.value, 10), b)
}

// Counted is what the numbers that the service count has given say of its counter, of all answers
// since the load was made. They say so of a server that has nobody else to count for.
type Counted struct {
	Answers int64  // numbers that have come
	Lowest  uint64 // of them
	Highest uint64

	// Twice is how many of them had been given before: as many updates of the counter were lost.
	Twice int64

	// Missing is how many numbers between the lowest and the highest nobody has got: they were
	// given to a connection that was lost, or have not come yet.
	Missing int64
}

// ledger knows which numbers have been seen. It holds a bit for each, in pages, and of a page whose
// numbers have all been seen nothing but that: so it stays small however long it goes on, if the
// numbers lie near each other.
type ledger struct {
	answers, different int64
	lowest, highest    uint64

	pages  map[uint64]*page // by the numbers' upper bits; nil if all have been seen
	recent *page            // the one last used, if it is not full, and its key
	key    uint64
	open   int // pages that are not full
}

type page struct {
	bits [pageBits / 64]uint64
	seen int
}

const (
	pageBits = 1 << 16
	maxOpen  = 1 << 10 // pages: 8 MiB
)

// add takes note of a number. It reports whether there is room for that.
func (l *ledger) add(n uint64) bool {
	if l.recent == nil || l.key != n/pageBits {
		if !l.turnTo(n / pageBits) {
			return false
		}
	}
	if l.answers == 0 || n < l.lowest {
		l.lowest = n
	}
	l.highest = max(l.highest, n)
	l.answers++
	if l.recent == nil {
		return true // on a full page
	}
	word, bit := &l.recent.bits[n%pageBits/64], uint64(1)<<(n%64)
	if *word&bit == 0 {
		*word |= bit
		l.different++
		l.recent.seen++
	}
	if l.recent.seen == pageBits {
		l.pages[l.key] = nil
		l.recent = nil
		l.open--
	}
	return true
}

// turnTo makes a page the recent one, unless it is full. It reports whether there is room for it.
func (l *ledger) turnTo(key uint64) bool {
	p, known := l.pages[key]
	if !known {
		if l.open == maxOpen {
			return false
		}
		if l.pages == nil {
			l.pages = make(map[uint64]*page)
		}
		p = new(page)
		l.pages[key] = p
		l.open++
	}
	l.recent, l.key = p, key
	return true
}

// counted returns what the numbers say.
func (l *ledger) counted() *Counted {
	c := &Counted{Answers: l.answers, Lowest: l.lowest, Highest: l.highest,
		Twice: l.answers - l.different}
	if l.answers > 0 {
		c.Missing = int64(l.highest-l.lowest) + 1 - l.different
	}
	return c
}
