package kettle

import (
	"errors"
	"fmt"
)

// Barrier is where a number of tasks wait for each other: when the last of them has come all go on,
// and the next round begins.
//
//	filling ── the last task comes ──▶ filling, in the next round
//	filling ── Abort ──▶ broken ── Reset ──▶ filling
//
// A round ends in the step in which the last task comes: each one is handed its number then, and
// neither newcomers, who are of the next round, nor a Reset or Abort can take it away. So there is
// no time at which a round is over and the next one must not begin.
//
// It belongs to the loop whose task waits at it first. Its methods are loop only.
type Barrier struct {
	home    home
	parties int
	broken  bool
	waiting waiters
	arrived int // how many wait
}

// NewBarrier returns a Barrier for so many tasks. It panics if parties is less than 1.
func NewBarrier(parties int) *Barrier {
	if parties < 1 {
		panic(fmt.Sprintf("kettle: a Barrier for %d tasks", parties))
	}
	return &Barrier{parties: parties}
}

// Wait suspends the task until as many as the Barrier is for have come. It returns a number from 0
// in the order of their coming, that each of them has alone: for work that only one of them must
// do. A task that is cancelled meanwhile does not count any more. If the round is broken off, or
// the barrier broken, the error is ErrBrokenBarrier.
func (b *Barrier) Wait(t *Task) (int, error) {
	f, err := b.home.enter(t)
	switch {
	case err != nil:
		return 0, err
	case b.parties == 0:
		return 0, errors.New("kettle: wait at a Barrier that NewBarrier has not made")
	case b.broken:
		return 0, fmt.Errorf("wait at a Barrier: %w", ErrBrokenBarrier)
	case b.arrived == b.parties-1:
		b.release()
		f.pass()
		return b.parties - 1, nil
	}
	b.arrived++
	b.waiting.add(f)
	if err := f.park("Barrier.Wait", b); err != nil {
		return 0, err
	}
	return int(f.slot), nil
}

func (b *Barrier) abandon(f *fiber) {
	b.arrived--
	b.waiting.abandon(f)
}

// release ends a round.
func (b *Barrier) release() {
	b.arrived = 0
	for i := range b.parties - 1 {
		b.waiting.first.slot = int32(i)
		b.waiting.handOver(nil)
	}
}

// breakOff ends a round that is not complete.
func (b *Barrier) breakOff() {
	b.arrived = 0
	b.waiting.handOverAll(fmt.Errorf("wait at a Barrier: %w", ErrBrokenBarrier))
}

// Reset begins a new round, and mends a broken barrier. Those who wait get ErrBrokenBarrier. It
// does not suspend.
func (b *Barrier) Reset() {
	b.home.inside("reset a Barrier")
	b.broken = false
	b.breakOff()
}

// Abort breaks the barrier: those who wait, and all who come, get ErrBrokenBarrier. It is for a
// task that cannot come, so that the others do not wait for it for ever. It does not suspend.
func (b *Barrier) Abort() {
	b.home.inside("abort a Barrier")
	b.broken = true
	b.breakOff()
}

// Broken reports whether the barrier is broken.
func (b *Barrier) Broken() bool { return b.broken }

// Parties returns how many tasks the Barrier is for.
func (b *Barrier) Parties() int { return b.parties }

// Waiting returns how many tasks have come and wait for others.
func (b *Barrier) Waiting() int { return b.arrived }
