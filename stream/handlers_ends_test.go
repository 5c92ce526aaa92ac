package stream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// R49, R50, R53: to close a connection with something unread in it ends it, and what waits for it.
func TestHandlerClosesWithUnreadData(t *testing.T) {
	var reader error
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("reader", func(*kettle.Task) error {
				_, reader = c.ReadFull(make([]byte, 1000))
				return nil
			})
			err = errors.Join(err, g.Sleep(time.Second), c.Close(), g.Sleep(1))
			_, again := c.Next()
			if !errors.Is(again, net.ErrClosed) {
				return errors.Join(again, errors.New("it can be read from"))
			}
			return err
		})
	}}, func(h *house) {
		c := h.dial()
		h.say(c, "unread")
		h.must(h.Sleep(time.Minute))
		if !errors.Is(reader, net.ErrClosed) {
			h.Errorf("the task that reads has got %v", reader)
		}
		h.equal("the counts", h.server.Stats(), stream.ServerStats{Accepted: 1})
		c.Abort()
		h.server.Drain(0)
		h.returned(nil)
	})
}

// R52: a write after Close fails, however often, and the handler's return closes nothing else.
func TestHandlerWritesAfterClose(t *testing.T) {
	inHouse(t, &stream.Server{Handler: func(_ *kettle.Task, c *stream.Conn) error {
		_, err := c.Write([]byte("bye"))
		for range 3 {
			err = errors.Join(err, c.Close())
			if _, failure := c.Write([]byte("late")); !errors.Is(failure, net.ErrClosed) {
				err = errors.Join(err, failure, errors.New("it can be written to"))
			}
			if failure := c.Flush(); failure != nil && !errors.Is(failure, net.ErrClosed) {
				err = errors.Join(err, failure)
			}
		}
		return err
	}}, func(h *house) {
		c := h.dial()
		h.hear(c, "bye")
		h.ends(c, io.EOF)
	})
}

// N4: half-close, then a late answer.
func TestLateAnswerAfterHalfClose(t *testing.T) {
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		var request bytes.Buffer
		_, err := c.WriteTo(&request)
		err = errors.Join(err, task.Sleep(time.Hour))
		_, failure := c.Write(bytes.ToUpper(request.Bytes()))
		return errors.Join(err, failure)
	}}, func(h *house) {
		c := h.dial()
		h.say(c, "a long ")
		h.say(c, "question")
		h.must(c.CloseWrite())
		h.hear(c, "A LONG QUESTION")
		h.ends(c, io.EOF)
	})
}

// N1: a client that never reads makes the server hold no more than the high-water mark, and the
// others have their answers in the same number of turns.
func TestClientThatNeverReads(t *testing.T) {
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		greedy, other := h.dial(), h.dial()
		h.start("greedy", func(*kettle.Task) error {
			for {
				if _, err := greedy.Write(make([]byte, 1<<20)); err != nil {
					return nil
				}
			}
		})
		var turns []uint64
		for range 100 {
			before := h.EventLoop().Turn()
			_, err := other.Write([]byte("x"))
			h.must(err)
			h.hear(other, "X")
			turns = append(turns, h.EventLoop().Turn()-before)
			for c := range h.server.Conns() {
				if n := c.Pending(); n > 64<<10 {
					h.Errorf("%d bytes are pending", n)
				}
			}
		}
		h.fair(turns)
		greedy.Abort()
	})
}

// N12: the bound is in work per turn. A client that sends as fast as it can, from a goroutine of
// its own, is read from for 320 KiB in a turn at most, and the others have their answers in four
// turns.
func TestFirehoseBesideOthers(t *testing.T) {
	const bound = 320 << 10
	var received int // of the firehose, in the present turn
	var turn uint64
	worst := 0
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		first, err := c.Next()
		if err != nil || first[0] != 'F' {
			c.Write(first)
			return upper(task, c)
		}
		for {
			chunk, err := c.Next()
			if err != nil {
				return err
			}
			if now := task.EventLoop().Turn(); now != turn {
				turn, received = now, 0
			}
			received += len(chunk)
			worst = max(worst, received)
		}
	}}, func(h *house) {
		received, turn, worst = 0, 0, 0
		other := h.dial()
		firehose := h.dialOutside()
		sent := make(chan int)
		go func() {
			defer close(sent)
			chunk, total := bytes.Repeat([]byte("F"), 1<<20), 0
			for total < 64<<20 {
				n, err := firehose.Write(chunk)
				if total += n; err != nil {
					break
				}
			}
			sent <- total
		}()
		h.say(other, "x")
		h.hear(other, "x")
		var turns []uint64
		for over := false; !over; {
			before := h.EventLoop().Turn()
			_, err := other.Write([]byte("x"))
			h.must(err)
			h.hear(other, "X")
			turns = append(turns, h.EventLoop().Turn()-before)
			select {
			case total := <-sent:
				over = true
				h.equal("sent", total, 64<<20)
			default:
			}
		}
		h.must(firehose.Close())
		if !h.onRing() { // there an answer can come by way of the very thread that sends
			h.fair(turns)
		}
		if worst > bound {
			h.Errorf("the firehose had %d bytes in a turn", worst)
		}
	})
}

// N11: to close in the midst of everything, twice, by another task, while one reads and one writes.
func TestCloseWhileTasksReadAndWrite(t *testing.T) {
	for _, end := range []func(c *stream.Conn) error{
		(*stream.Conn).Close,
		func(c *stream.Conn) error { c.Abort(); return nil },
	} {
		var outcomes []error
		inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
			outcomes = nil
			note := func(f func() error) func(*kettle.Task) error {
				return func(*kettle.Task) error {
					outcomes = append(outcomes, f())
					return nil
				}
			}
			write := func(n int) func() error {
				return func() error { _, err := c.Write(make([]byte, n)); return err }
			}
			return task.Group(func(g *kettle.Group) error {
				return errors.Join(
					g.Go("reads", note(func() error { _, err := c.Next(); return err })),
					g.Go("writes", note(write(32<<20))), g.Yield(), g.Yield(),
					g.Go("waits", note(write(1))),
					g.Go("flushes", note(c.Flush)),
					g.Sleep(time.Second), end(c), end(c), c.Close())
			})
		}}, func(h *house) {
			c := h.dial()
			h.must(h.Sleep(2 * time.Second))
			h.equal("tasks that have ended", len(outcomes), 4)
			for i, err := range outcomes {
				if !errors.Is(err, net.ErrClosed) {
					h.Errorf("task %d has got %v", i, err)
				}
			}
			c.Abort()
			h.server.Abort()
			h.returned(stream.ErrServerClosed)
		})
	}
}

// TestCloseInACallback: what a callback of the loop does to a connection that a task has.
func TestCloseInACallback(t *testing.T) {
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		task.EventLoop().After(time.Second, func() { c.Close(); c.Close() })
		return upper(task, c)
	}}, func(h *house) {
		c := h.dial()
		h.say(c, "x")
		h.hear(c, "X")
		h.ends(c, io.EOF)
	})
}

// N15: many connections that come and go in every way there is leave nothing: see inHouse.
func TestManyComeAndGo(t *testing.T) {
	var seen int
	inHouse(t, &stream.Server{Handler: obedient, OnError: func(*stream.Conn, error) { seen++ }},
		func(h *house) {
			seen = 0
			commands := []string{"fail\n", "panic\n", "exit\n", "cancel\n", "close\n", "x\n", "",
				"part"}
			for i := range 20 * len(commands) {
				c := h.dial()
				h.say(c, commands[i%len(commands)])
				switch i % 3 {
				case 0:
					c.Abort()
				case 1:
					_ = c.CloseWrite() // it may be closed
				case 2:
					h.must(c.Close())
				}
				if i%2 == 0 {
					defer c.Close()
				} else {
					c.Abort()
				}
			}
			h.settle()
			// What is closed while a thread has it in its hands for a ring ends a moment later.
			for tries := 0; h.onRing() && h.server.Stats().Handlers > 0 && tries < 1e5; tries++ {
				h.settle()
			}
			stats := h.server.Stats()
			h.equal("handlers", stats.Handlers, 0)
			h.equal("failures", stats.Failed+stats.Panicked, 60)
			h.equal("told", seen, 60)
			_, err := kettle.Blocking(h.Task, func(context.Context) (int, error) { return 0, nil })
			h.must(err)
		})
}
