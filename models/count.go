package models

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// The service count has state that all clients share: one number. Whoever sends a line, which ends
// with '\n', is answered by the next number in decimal, and '\n'.
//
// Where one thread serves everybody, that is a number, as nobody else can be in the midst of it.
// Where several do, among them several loops, it takes a lock. In between there is no third: see
// countingUnlocked.
//
// Nothing has to be remembered of a line that has come in part: it is answered when its end comes.

// counter is the number, of which a server has one.
type counter struct {
	mu       sync.Mutex
	n        uint64 // under mu, or of one goroutine
	unlocked atomic.Uint64
}

// noCommonCounter is why count is not for processes.
const noCommonCounter = "each process would have a counter of its own"

// counting is the service count.
func (s *server) counting() reply {
	c := &s.counter
	if s.model.parallel || s.loops() > 1 {
		return numbers(func() uint64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.n++
			return c.n
		})
	}
	return numbers(func() uint64 {
		c.n++
		return c.n
	})
}

// countingUnlocked is the service count-unlocked, and wrong: it is there to show what becomes of a
// number that threads share without a lock. To read it and to write it are atomic, each for itself,
// so that no race detector objects. But another thread may have done both in between: its update is
// then lost, and a number given twice. On one thread it is as right as count.
//
// Two threads on two CPUs need no more for that. On one CPU the thread must lose it in between,
// which can happen at any time, and does once in some hundred thousand. So that nobody has to wait
// for it, it happens at every 256th update.
func (s *server) countingUnlocked() reply {
	c := &s.counter
	return numbers(func() uint64 {
		n := c.unlocked.Load() + 1
		if n%giveUpEvery == 0 {
			runtime.Gosched()
		}
		c.unlocked.Store(n)
		return n
	})
}

// giveUpEvery is how many updates of count-unlocked there are from one in whose midst others have
// their turn to the next.
const giveUpEvery = 256

const (
	numbersSize   = 4 << 10 // room for answers
	longestNumber = len("18446744073709551615\n")
)

// numbers returns a reply that answers each line of a chunk by the next number.
func numbers(next func() uint64) reply {
	room := make([]byte, 0, numbersSize)
	return func(chunk []byte) (answer, rest []byte) {
		for answer = room; len(answer)+longestNumber <= cap(room); {
			end := bytes.IndexByte(chunk, '\n')
			if end < 0 {
				return answer, nil
			}
			answer = append(strconv.AppendUint(answer, next(), 10), '\n')
			chunk = chunk[end+1:]
		}
		return answer, chunk
	}
}
