package kettle_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/kettle-go/kettle"
)

// TestBarrierWaitsForAll and gives each a number of its own, in the order of their coming, round
// after round.
func TestBarrierWaitsForAll(t *testing.T) { // K12
	onStage(t, func(t *testing.T, s stage) {
		b := kettle.NewBarrier(4)
		for range 3 {
			numbers := make([]int, 4)
			var actors []*actor
			for i := range 4 {
				s.wantWaiting("actor", actors...)
				if b.Waiting() != i || b.Parties() != 4 || b.Broken() {
					t.Errorf("%d of %d wait, broken %v", b.Waiting(), b.Parties(), b.Broken())
				}
				actors = append(actors, s.do(func(t *kettle.Task) (err error) {
					numbers[i], err = b.Wait(t)
					return err
				}))
			}
			for _, a := range actors {
				s.want("actor", a, nil)
			}
			if !slices.Equal(numbers, []int{0, 1, 2, 3}) {
				t.Errorf("the numbers are %v", numbers)
			}
		}
	})
}

// TestBarrierForOne lets everybody pass, and for less than one there is none.
func TestBarrierForOne(t *testing.T) {
	mustPanic(t, "a Barrier for nobody", func() { kettle.NewBarrier(0) })
	onStage(t, func(t *testing.T, s stage) {
		b := kettle.NewBarrier(1)
		for range 3 {
			if i, err := b.Wait(s.Task); i != 0 || err != nil {
				t.Errorf("Wait gives %d, %v", i, err)
			}
		}
		var zero kettle.Barrier
		if _, err := zero.Wait(s.Task); err == nil {
			t.Error("waited at a Barrier of nobody's making")
		}
	})
}

// TestCancelledAtTheBarrier: it does not count any more, and the numbers of the others are still
// different.
func TestCancelledAtTheBarrier(t *testing.T) { // K12
	onStage(t, func(t *testing.T, s stage) {
		b := kettle.NewBarrier(3)
		var numbers []int
		wait := func(t *kettle.Task) error {
			i, err := b.Wait(t)
			if err == nil {
				numbers = append(numbers, i)
			}
			return err
		}
		first, second := s.do(wait), s.do(wait)
		first.giveUp()
		if b.Waiting() != 1 {
			t.Errorf("%d wait, want 1", b.Waiting())
		}
		s.want("the cancelled one", first, errGivenUp)
		third := s.do(wait)
		s.wantWaiting("one of two", second, third)
		last := s.do(wait)
		second.giveUp() // the round is over: too late
		for _, a := range []*actor{second, third, last} {
			s.want("one of three", a, nil)
		}
		if slices.Sort(numbers); !slices.Equal(numbers, []int{0, 1, 2}) {
			t.Errorf("the numbers are %v", numbers)
		}
	})
}

// TestRoundThatIsOver cannot be taken back: between the coming of the last task and the turn of the
// others, neither Reset nor Abort nor those of the next round change anything for them.
func TestRoundThatIsOver(t *testing.T) { // K12
	for name, end := range map[string]func(*kettle.Barrier){
		"Reset": (*kettle.Barrier).Reset, "Abort": (*kettle.Barrier).Abort,
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(t *testing.T, s stage) {
				b := kettle.NewBarrier(2)
				first := 7
				a := s.do(func(t *kettle.Task) (err error) {
					first, err = b.Wait(t)
					return err
				})
				next := s.Go("next", func(t *kettle.Task) error {
					_, err := b.Wait(t)
					if !errors.Is(err, kettle.ErrBrokenBarrier) {
						s.t.Errorf("the newcomer got %v", err)
					}
					return nil
				})
				i, err := b.Wait(s.Task)
				if i != 1 || err != nil || next != nil || b.Waiting() != 0 {
					t.Errorf("the last one got %d, %v; %d wait", i, err, b.Waiting())
				}
				if end(b); name == "Reset" {
					s.settle()
					b.Reset() // for the newcomer
				}
				s.want("the first one", a, nil)
				if first != 0 {
					t.Errorf("the first one has number %d", first)
				}
			})
		})
	}
}

// TestResetBreaksTheRoundOff, and the next one begins anew.
func TestResetBreaksTheRoundOff(t *testing.T) { // K12
	onStage(t, func(t *testing.T, s stage) {
		b := kettle.NewBarrier(3)
		wait := func(t *kettle.Task) error { _, err := b.Wait(t); return err }
		b.Reset() // of an empty one does nothing
		first, second := s.do(wait), s.do(wait)
		b.Reset()
		if b.Waiting() != 0 || b.Broken() {
			t.Errorf("after Reset %d wait, broken %v", b.Waiting(), b.Broken())
		}
		s.want("first", first, kettle.ErrBrokenBarrier)
		s.want("second", second, kettle.ErrBrokenBarrier)
		actors := []*actor{s.do(wait), s.do(wait), s.do(wait)}
		for _, a := range actors {
			s.want("one of the next round", a, nil)
		}
	})
}

// TestAbortBreaksTheBarrier, for those who wait and those who come, until Reset.
func TestAbortBreaksTheBarrier(t *testing.T) { // K12
	onStage(t, func(t *testing.T, s stage) {
		b := kettle.NewBarrier(2)
		wait := func(t *kettle.Task) error { _, err := b.Wait(t); return err }
		first := s.do(wait)
		b.Abort()
		first.giveUp() // it has been told already
		if !b.Broken() || b.Waiting() != 0 {
			t.Errorf("after Abort %d wait, broken %v", b.Waiting(), b.Broken())
		}
		s.want("first", first, kettle.ErrBrokenBarrier)
		s.want("a newcomer", s.do(wait), kettle.ErrBrokenBarrier)
		b.Abort()
		b.Reset()
		if b.Broken() {
			t.Error("Reset has not mended it")
		}
		x, y := s.do(wait), s.do(wait)
		s.want("x", x, nil)
		s.want("y", y, nil)
	})
}
