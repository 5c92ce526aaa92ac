package stream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/stream"
)

// shout answers lines, each after a second.
func shout(task *kettle.Task, c *stream.Conn) error {
	for line, err := range c.Lines() {
		if err == nil {
			err = task.Sleep(time.Second)
		}
		if err != nil {
			return err
		}
		if _, err := c.Write(append(line, '!')); err != nil {
			return err
		}
	}
	return nil
}

// TestDrainAnswersWhatHasArrived, be it the Run's drain or the server's.
func TestDrainAnswersWhatHasArrived(t *testing.T) {
	for name, drain := range map[string]func(h *house){
		"of the Run":    func(h *house) { h.Drain(time.Minute) },
		"of the server": func(h *house) { h.server.Drain(time.Minute) },
		"from elsewhere": func(h *house) {
			_, err := kettle.Blocking(h.Task, func(context.Context) (int, error) {
				h.server.Drain(time.Minute)
				return 0, nil
			})
			h.must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, &stream.Server{Handler: shout}, func(h *house) {
				busy, silent, partial, half := h.dial(), h.dial(), h.dial(), h.dial()
				begun := h.EventLoop().Now()
				h.say(busy, "one\ntwo\nthree\n")
				h.say(partial, "pay 1")
				h.say(half, "no e")
				h.must(half.CloseWrite())
				drain(h)
				h.settle()
				h.equal("it serves", h.server.Serving(), false)
				h.ends(silent, io.EOF)
				h.returned(nil)
				// The clock may have jumped over the time in which the kernel acknowledges.
				took := h.EventLoop().Now() - begun
				if took < 3*time.Second || took > 10*time.Second {
					h.Errorf("the drain took %v", took)
				}
				h.hear(busy, "one!two!three!")
				h.ends(busy, io.EOF)
				h.ends(partial, io.EOF) // the rest may be "000\n", and under way
				h.hear(half, "no e!")   // the last line of a stream needs no end
				h.ends(half, io.EOF)
				if c, err := h.connect(); err == nil {
					c.Abort()
					h.Error("it accepts after the drain")
				}
			})
		})
	}
}

// TestDrainCutsOffWhatIsIncomplete, which is no failure of the handler.
func TestDrainCutsOffWhatIsIncomplete(t *testing.T) {
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		_, err := c.ReadFull(make([]byte, 100))
		return err
	}}, func(h *house) {
		c := h.dial()
		h.say(c, "some")
		h.server.Drain(time.Minute)
		h.returned(nil)
		h.ends(c, io.EOF)
		h.equal("failed", h.server.Stats().Failed, 0)
	})
}

// TestServeAfterTheDrainHasBegun returns at once.
func TestServeAfterTheDrainHasBegun(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		ln := listenTest(t, task, stream.ListenConfig{}, "tcp")
		task.Drain(time.Hour)
		return stream.Serve(task, ln, upper)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDrainWaitsForWhatWasWritten, and is not over before the peer has it.
func TestDrainWaitsForWhatWasWritten(t *testing.T) {
	const size = 8 << 20
	inHouse(t, &stream.Server{Handler: func(_ *kettle.Task, c *stream.Conn) error {
		if err := c.SetWriteMarks(size, 0); err != nil {
			return err
		}
		_, err := c.Write(make([]byte, size))
		return err
	}}, func(h *house) {
		c := h.dial()
		h.server.Drain(time.Minute)
		h.settle()
		h.equal("the counts", h.server.Stats(), stream.ServerStats{Accepted: 1, Open: 1})
		h.equal("Serve has returned", h.over, false)
		for range h.server.Conns() {
			h.Error("a connection that was closed is listed")
		}
		n, err := c.Discard(size)
		h.must(err)
		h.equal("bytes", n, size)
		h.ends(c, io.EOF)
		h.returned(nil)
	})
}

// TestGraceIsOverForHandlers: they are cancelled, at that time and not before.
func TestGraceIsOverForHandlers(t *testing.T) {
	var outcome error
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		outcome = task.Sleep(time.Hour)
		_, _ = c.Write([]byte("too late"))
		return outcome
	}}, func(h *house) {
		c := h.dial()
		begun := h.EventLoop().Now()
		h.server.Drain(time.Minute)
		h.server.Drain(time.Second) // only the first one counts
		h.returned(kettle.ErrGrace)
		h.equal("after", h.EventLoop().Now()-begun, time.Minute)
		if !errors.Is(outcome, kettle.ErrGrace) || !errors.Is(h.served, context.Canceled) {
			h.Errorf("the handler has got %v, and Serve returns %v", outcome, h.served)
		}
		h.ends(c, io.EOF)
	})
}

// TestGraceOfTheRunIsOver: Serve returns the cancellation.
func TestGraceOfTheRunIsOver(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		ln := listenTest(t, task, stream.ListenConfig{}, "tcp")
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("client", func(task *kettle.Task) error {
				c, err := stream.Dial(task, "tcp", ln.Addr().String())
				if err != nil {
					return err
				}
				defer c.Close()
				task.Drain(time.Minute)
				_, err = c.Next()
				return err
			})
			return errors.Join(err, stream.Serve(g.Task, ln,
				func(task *kettle.Task, _ *stream.Conn) error { return task.Sleep(time.Hour) }))
		})
	}, kettle.Clock(jumping))
	if !errors.Is(err, kettle.ErrGrace) {
		t.Errorf("Run returns %v", err)
	}
}

// TestCancelledHandlersAreAborted after Linger, if they go on: a Shield does.
func TestCancelledHandlersAreAborted(t *testing.T) {
	for linger, want := range map[time.Duration]time.Duration{0: time.Second, -1: 0,
		time.Minute: time.Minute} {
		var outcome error
		inHouse(t, &stream.Server{Linger: linger, Handler: func(task *kettle.Task,
			c *stream.Conn) error {
			if _, err := c.Next(); !errors.Is(err, errAway) {
				return err
			}
			return task.Shield(time.Hour, func(*kettle.Task) error {
				_, outcome = c.Next()
				return outcome
			})
		}}, func(h *house) {
			c := h.dial()
			begun := h.EventLoop().Now()
			h.task.Cancel(errAway)
			h.returned(errAway)
			h.equal("after", h.EventLoop().Now()-begun, want)
			if !errors.Is(outcome, net.ErrClosed) {
				h.Errorf("the handler has got %v", outcome)
			}
			h.ends(c, h.reset())
		})
	}
}

// TestLingeringConnectionsAreAborted, those of a cancelled server and those of a drain whose grace
// period is over: the peer does not take what was written to it.
func TestLingeringConnectionsAreAborted(t *testing.T) {
	const size = 8 << 20
	for name, c := range map[string]struct {
		end  func(s *stream.Server)
		want error
		wait time.Duration
	}{
		"closed": {func(s *stream.Server) { s.Close() }, stream.ErrServerClosed, time.Second},
		"drained": {func(s *stream.Server) { s.Drain(2 * time.Second) }, kettle.ErrGrace,
			3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, &stream.Server{Handler: func(_ *kettle.Task, c *stream.Conn) error {
				_ = c.SetWriteMarks(size, 0)
				_, err := c.Write(make([]byte, size))
				return err
			}}, func(h *house) {
				client := h.dial()
				begun := h.EventLoop().Now()
				c.end(h.server)
				h.returned(c.want)
				h.equal("the counts", h.server.Stats(), stream.ServerStats{Accepted: 1, Open: 1})
				for h.server.Stats().Open > 0 {
					h.must(h.Sleep(time.Millisecond))
				}
				took := h.EventLoop().Now() - begun
				if took < c.wait || took > c.wait+10*time.Millisecond {
					h.Errorf("it was aborted after %v, want %v", took, c.wait)
				}
				client.Abort()
			})
		})
	}
}

// TestAbortOfWhatLingers, after Serve has returned too.
func TestAbortOfWhatLingers(t *testing.T) {
	const size = 8 << 20
	inHouse(t, &stream.Server{Linger: time.Hour, Handler: func(_ *kettle.Task,
		c *stream.Conn) error {
		_ = c.SetWriteMarks(size, 0)
		_, err := c.Write(make([]byte, size))
		return err
	}}, func(h *house) {
		c := h.dial()
		h.server.Close()
		h.returned(stream.ErrServerClosed)
		h.equal("open", h.server.Stats().Open, 1)
		_, err := kettle.Blocking(h.Task, func(context.Context) (int, error) {
			h.server.Abort()
			return 0, nil
		})
		h.must(err)
		h.settle()
		h.equal("open", h.server.Stats().Open, 0)
		c.Abort()
	})
}

// TestRunThatBreaksDown ends the server, and nothing is left of its connections.
func TestRunThatBreaksDown(t *testing.T) {
	before := descriptors()
	s := &stream.Server{Handler: upper}
	err := kettle.Run(func(task *kettle.Task) error {
		ln := listenTest(t, task, stream.ListenConfig{}, "tcp")
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("client", func(task *kettle.Task) error {
				c, err := stream.Dial(task, "tcp", ln.Addr().String())
				if err != nil {
					return err
				}
				for s.Stats().Handlers == 0 {
					if err := task.Yield(); err != nil {
						return err
					}
				}
				task.EventLoop().Stop()
				_, err = c.Next()
				return err
			})
			return errors.Join(err, s.Serve(g.Task, ln))
		})
	}, kettle.OnIncident(func(in loop.Incident) { t.Errorf("incident: %v", in) }))
	if err == nil {
		t.Error("Run returns nil")
	}
	if n := s.Stats(); n.Open != 0 || n.Handlers != 0 || s.Serving() {
		t.Errorf("left are %+v", n)
	}
	if now := descriptors(); now != before {
		t.Errorf("%d descriptors are open, and %d were before", now, before)
	}
}
