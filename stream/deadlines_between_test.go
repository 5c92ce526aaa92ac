package stream_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/stream"
)

// betweenTurns runs play with a pipe again and again, on a clock that jumps, with another number of
// turns each time, and what is ready at once in several orders: what happens then falls into every
// moment between a wake-up and what follows.
func betweenTurns(t *testing.T, play func(g *kettle.Group, clock *looptest.Clock,
	a, b *stream.Conn, turns int) error) {
	t.Helper()
	for round := range 40 {
		turns := round % 8
		clock := looptest.NewClock()
		err := kettle.Run(func(task *kettle.Task) error {
			a, b := stream.Pipe(task)
			defer a.Abort()
			defer b.Abort()
			return task.Group(func(g *kettle.Group) error { return play(g, clock, a, b, turns) })
		}, kettle.Clock(func() loop.Clock { return clock }), kettle.Seed(uint64(round/8)))
		if err != nil {
			t.Errorf("after %d turns, with seed %d: %v", turns, round/8, err)
		}
	}
}

func yield(t *kettle.Task, turns int) error {
	for range turns {
		if err := t.Yield(); err != nil {
			return err
		}
	}
	return nil
}

// ends is how something has ended that a task does.
type ends struct {
	over kettle.Event
	err  error
}

func begin(g *kettle.Group, what func() error) *ends {
	e := &ends{}
	_ = g.Go("it", func(*kettle.Task) error { e.err = what(); e.over.Set(); return nil })
	return e
}

// within waits for the end, which must be that of the deadline, and come before long.
func (e *ends) within(t *kettle.Task) error {
	err := t.WithTimeout(time.Second, e.over.Wait)
	if err == nil && !errors.Is(e.err, os.ErrDeadlineExceeded) {
		err = errors.Join(errors.New("it did not end with its deadline"), e.err)
	}
	return err
}

// TestReadDeadlinePassesWhenSomethingHasArrived: if the time is up when a task was just woken by
// something that is not enough for it, it must not wait again, as nobody would wake it.
func TestReadDeadlinePassesWhenSomethingHasArrived(t *testing.T) {
	for name, read := range map[string]func(*stream.Conn) error{
		"ReadFull": func(c *stream.Conn) error {
			_, err := c.ReadFull(make([]byte, 9))
			return err
		},
		"ReadFull (large)": func(c *stream.Conn) error {
			_, err := c.ReadFull(make([]byte, 9000))
			return err
		},
		"ReadLine": func(c *stream.Conn) error { _, err := c.ReadLine(); return err },
		"Peek":     func(c *stream.Conn) error { _, err := c.Peek(9); return err },
		"Discard":  func(c *stream.Conn) error { _, err := c.Discard(9); return err },
	} {
		t.Run(name, func(t *testing.T) {
			betweenTurns(t, func(g *kettle.Group, clock *looptest.Clock, a, b *stream.Conn,
				turns int) error {
				if err := a.SetReadDeadline(g.EventLoop().Wall().Add(time.Minute)); err != nil {
					return err
				}
				e := begin(g, func() error { return read(a) })
				if err := yield(g.Task, 3); err != nil {
					return err
				}
				if _, err := b.Write([]byte("few")); err != nil {
					return err
				}
				if err := yield(g.Task, turns); err != nil {
					return err
				}
				clock.Advance(time.Minute)
				return e.within(g.Task)
			})
		})
	}
}

// TestWriteDeadlinePassesWhenThereIsRoom: the same of one that writes, or waits for its turn to.
func TestWriteDeadlinePassesWhenThereIsRoom(t *testing.T) {
	betweenTurns(t, func(g *kettle.Group, clock *looptest.Clock, a, b *stream.Conn,
		turns int) error {
		if err := b.SetWriteDeadline(g.EventLoop().Wall().Add(time.Minute)); err != nil {
			return err
		}
		var all []*ends
		for range 3 {
			all = append(all, begin(g, func() error {
				_, err := b.Write(make([]byte, 10<<20))
				return err
			}))
		}
		if err := yield(g.Task, 3); err != nil {
			return err
		}
		if _, err := a.Discard(90 << 10); err != nil { // so that there is room
			return err
		}
		if err := yield(g.Task, turns); err != nil {
			return err
		}
		clock.Advance(time.Minute)
		for _, e := range all {
			if err := e.within(g.Task); err != nil {
				return err
			}
		}
		return nil
	})
}

// TestTurnComesAfterTheDeadline: who is given the turn to write when its time is up does not write,
// and gives it to the next one.
func TestTurnComesAfterTheDeadline(t *testing.T) {
	betweenTurns(t, func(g *kettle.Group, clock *looptest.Clock, a, b *stream.Conn,
		turns int) error {
		first := begin(g, func() error { _, err := b.Write(make([]byte, 150<<10)); return err })
		if err := yield(g.Task, 3); err != nil {
			return err
		}
		var all []*ends
		for range 3 {
			all = append(all, begin(g, func() error { _, err := b.Write([]byte("x")); return err }))
		}
		if err := yield(g.Task, 3); err != nil {
			return err
		}
		if _, err := a.Next(); err != nil { // so that there is room for the rest of the first one
			return err
		}
		if err := yield(g.Task, turns); err != nil {
			return err
		}
		if err := b.SetWriteDeadline(g.EventLoop().Wall().Add(-time.Minute)); err != nil {
			return err
		}
		for _, e := range all {
			if e.over.IsSet() { // before the time was up
				continue
			}
			if err := e.within(g.Task); err != nil {
				return err
			}
		}
		if err := g.WithTimeout(time.Second, first.over.Wait); err != nil {
			return err
		}
		if err := b.SetWriteDeadline(time.Time{}); err != nil {
			return err
		}
		begin(g, func() error { _, err := a.WriteTo(io.Discard); return err })
		if _, err := b.Write([]byte("later")); err != nil { // nobody has kept the turn
			return err
		}
		return b.Close()
	})
}
