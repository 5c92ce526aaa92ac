package client

import (
	"fmt"
	"time"

	"github.com/kettle-go/kettle/internal/words"
)

// asked is a line that was sent, or is about to be, and has no whole answer yet.
type asked struct {
	size    int       // bytes, newline included; never 0
	at      time.Time // when it was entered
	givenUp bool      // the time-out has passed and was reported; the answer may still come
}

// answer is the whole answer to one line.
type answer struct {
	asked
	text []byte // as many bytes as were asked for
}

// answers puts the answers of one connection together again, whatever pieces they arrive in:
//
//	asked     hello\n   you\n
//	received  HE  LLO\nY  OU  \n        four reads
//	whole     HELLO\n   YOU\n           two answers
//
// The oldest line without a whole answer is always the one that the next byte belongs to. Its zero
// value is ready for use, by one goroutine.
type answers struct {
	waiting []asked // oldest first
	part    []byte  // what has come of the answer to waiting[0]; always shorter than it
}

// expect notes that an answer of size bytes, at least 1, is owed after those owed already.
func (a *answers) expect(size int, at time.Time) {
	a.waiting = append(a.waiting, asked{size: size, at: at})
}

// add takes the bytes of one read and returns the answers that they complete, oldest first. It
// keeps no reference to p. If more came than was owed it returns what was owed, and ErrSurplus.
func (a *answers) add(p []byte) ([]answer, error) {
	var whole []answer
	for len(p) > 0 {
		if len(a.waiting) == 0 {
			return whole, fmt.Errorf("%w: %s too many", ErrSurplus, words.Count(len(p), "byte"))
		}
		missing := a.waiting[0].size - len(a.part)
		n := min(missing, len(p))
		a.part = append(a.part, p[:n]...)
		p = p[n:]
		if n < missing {
			break // and p is empty
		}
		whole = append(whole, answer{asked: a.waiting[0], text: a.part})
		a.waiting, a.part = a.waiting[1:], nil // the caller now owns what was a.part
	}
	return whole, nil
}

// giveUp marks the lines that were entered at the given time or before, and returns how many of
// them had not been marked yet.
func (a *answers) giveUp(before time.Time) int {
	n := 0
	for i := range a.waiting {
		if w := &a.waiting[i]; !w.givenUp && !w.at.After(before) {
			w.givenUp = true
			n++
		}
	}
	return n
}

// hoped returns the lines whose answer is still hoped for: those not given up.
func (a *answers) hoped() []asked {
	for i, w := range a.waiting {
		if !w.givenUp { // they were entered in this order, so those behind it are not, either
			return a.waiting[i:]
		}
	}
	return nil
}
