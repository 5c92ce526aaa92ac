package stream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/transport"
)

// V1: it stops listening at once, and waits for its handlers.
func TestCancelledServer(t *testing.T) {
	cleanedUp := false
	inHouse(t, &stream.Server{Linger: time.Hour, Handler: func(task *kettle.Task,
		c *stream.Conn) error {
		_, err := c.Next()
		return errors.Join(err, task.Shield(time.Hour, func(task *kettle.Task) error {
			err := task.Sleep(time.Minute)
			_, failure := c.Write([]byte("cleaned up"))
			cleanedUp = true
			return errors.Join(err, failure)
		}))
	}}, func(h *house) {
		cleanedUp = false
		c := h.dial()
		h.task.Cancel(errAway)
		h.settle()
		h.equal("it serves", h.server.Serving(), false)
		h.equal("Serve has returned", h.over, false)
		if c, err := h.connect(); err == nil {
			c.Abort()
			h.Error("it listens after it was cancelled")
		}
		h.returned(errAway)
		h.equal("the handler has cleaned up", cleanedUp, true)
		h.hear(c, "cleaned up")
		h.ends(c, io.EOF)
		err := h.server.Serve(h.Task, h.listener)
		if !errors.Is(err, stream.ErrServerClosed) {
			h.Errorf("to serve again returns %v", err)
		}
	})
}

// V1, V2: serving can be seen, and is done once.
func TestServerServesOnce(t *testing.T) {
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		s := h.server
		h.equal("it serves", s.Serving(), false)
		h.equal("accepted before it serves", s.Stats().Accepted, 0)
		h.settle()
		h.equal("it serves", s.Serving(), true)
		err := s.Serve(h.Task, h.listener)
		if err == nil || !strings.Contains(err.Error(), "in use") {
			h.Errorf("to serve while it does returns %v", err)
		}
		h.say(h.dial(), "it goes on")
		s.Drain(time.Minute)
		h.equal("it serves in the drain", s.Serving(), false)
		h.returned(nil)
		if err := s.Serve(h.Task, h.listener); !errors.Is(err, stream.ErrServerClosed) {
			h.Errorf("to serve again returns %v", err)
		}
		if err := stream.Serve(h.Task, h.listener, upper); !errors.Is(err, net.ErrClosed) {
			h.Errorf("to serve a closed listener returns %v", err)
		}
	})
}

// TestServeRefuses what cannot be, and closes the listener.
func TestServeRefuses(t *testing.T) {
	closed := func() *stream.Server {
		s := &stream.Server{Handler: upper}
		s.Close()
		return s
	}
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		h.settle()
		for want, s := range map[string]*stream.Server{
			"the server is closed": closed(),
			"there is no handler":  {},
		} {
			ln := listenTest(h, h.Task, stream.ListenConfig{}, "tcp")
			err := s.Serve(h.Task, ln)
			if err == nil || !strings.Contains(err.Error(), want) {
				h.Errorf("it returns %v, want %s", err, want)
			}
			if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
				h.Errorf("%s: the listener is open: %v", want, err)
			}
			h.equal("it serves", s.Serving(), false)
		}
		if err := (&stream.Server{Handler: upper}).Serve(h.Task); err == nil {
			h.Error("it serves no listener")
		}
		if err := stream.Serve(h.Task, h.listener, upper); err == nil {
			h.Error("it serves the listener of another server")
		}
		_, err := kettle.Blocking(h.Task, func(context.Context) (int, error) {
			return 0, h.server.Serve(h.Task, h.listener)
		})
		if !errors.Is(err, kettle.ErrWrongGoroutine) {
			h.Errorf("on another goroutine it returns %v", err)
		}
		c := h.dial()
		h.say(c, "x") // nothing of that has closed the listener
		h.hear(c, "X")
	})
}

// TestServerBelongsToALoop, that of the first task that uses it.
func TestServerBelongsToALoop(t *testing.T) {
	s := &stream.Server{Handler: upper}
	waits := make(chan struct{})
	err := kettle.Run(func(task *kettle.Task) error {
		if task.Loop() == 0 {
			return task.Group(func(g *kettle.Group) error {
				err := g.Go("waits", func(task *kettle.Task) error { return s.Wait(task) })
				return errors.Join(err, g.Yield(), g.Go("tells", func(task *kettle.Task) error {
					close(waits)
					return nil
				}))
			})
		}
		_, err := kettle.Blocking(task, func(context.Context) (int, error) {
			<-waits
			return 0, nil
		})
		ln := listenTest(t, task, stream.ListenConfig{}, "tcp")
		if err := s.Serve(task, ln); !errors.Is(err, kettle.ErrWrongLoop) {
			t.Errorf("on another loop Serve returns %v", err)
		}
		if err := s.Wait(task); !errors.Is(err, kettle.ErrWrongLoop) {
			t.Errorf("on another loop Wait returns %v", err)
		}
		s.Close() // any goroutine may
		return err
	}, kettle.Loops(2))
	if err != nil {
		t.Error(err)
	}
}

// TestServerOfSeveralListeners has the connections of all.
func TestServerOfSeveralListeners(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		one := listenTest(t, task, stream.ListenConfig{}, "tcp")
		two := listenTest(t, task, stream.ListenConfig{}, "unix")
		s := &stream.Server{Handler: upper}
		return task.Group(func(g *kettle.Group) error {
			err := g.Go("clients", func(task *kettle.Task) error {
				defer s.Drain(time.Minute)
				for _, ln := range []*stream.Listener{one, two} {
					c, err := stream.Dial(task, ln.Addr().Network(), ln.Addr().String())
					if err != nil {
						return err
					}
					defer c.Close()
					_, err = c.Write([]byte("x"))
					if chunk, failed := c.Next(); err != nil || string(chunk) != "X" {
						return errors.Join(err, failed, errors.New("no answer"))
					}
				}
				if n := s.Stats().Open; n != 2 {
					t.Errorf("%d connections", n)
				}
				return nil
			})
			return errors.Join(err, s.Serve(g.Task, one, two))
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRefusedAreCounted, which the limit of the listener keeps out.
func TestRefusedAreCounted(t *testing.T) {
	told := 0
	config := stream.ListenConfig{Limit: transport.NewLimit(1),
		Refused: func(net.Addr) { told++ }}
	inHouseOf(t, &stream.Server{Handler: upper}, config, func(h *house) {
		told = 0
		one, two := h.dial(), h.dial()
		h.ends(two, io.EOF)
		h.equal("told", told, 1)
		h.equal("the counts", h.server.Stats(),
			stream.ServerStats{Accepted: 1, Refused: 1, Open: 1, Handlers: 1})
		h.must(one.Close())
		h.settle()
		three := h.dial()
		h.say(three, "x")
		h.hear(three, "X")
		h.must(three.Close())
		h.settle()
	})
}

// V3
func TestWaitForTheEnd(t *testing.T) {
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		over := 0
		wait := func(task *kettle.Task) error {
			err := h.server.Wait(task)
			over++
			return err
		}
		h.start("waits before it serves", wait)
		h.settle()
		h.start("waits while there are no connections", wait)
		c := h.dial()
		h.start("waits while there is one", wait)
		h.settle()
		h.equal("have waited", over, 0)
		for range 2 { // the first drain counts
			h.server.Drain(time.Hour)
		}
		h.start("waits in the drain", wait)
		h.settle()
		h.returned(nil)
		h.ends(c, io.EOF)
		h.settle()
		h.equal("have waited", over, 4)
		h.must(h.server.Wait(h.Task))
		err := h.WithTimeout(0, func(task *kettle.Task) error { return h.server.Wait(task) })
		if !errors.Is(err, context.DeadlineExceeded) {
			h.Errorf("in a scope that is cancelled Wait returns %v", err)
		}
	})
}

// V4
func TestDrainRacesWithTheLastClient(t *testing.T) {
	for gap := range 8 {
		for _, first := range []string{"client", "server"} {
			inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
				c := h.dial()
				leave := func() { h.must(c.Close()) }
				end := func() { h.server.Drain(time.Hour) }
				if first == "server" {
					leave, end = end, leave
				}
				leave()
				for range gap {
					h.must(h.Yield())
				}
				end()
				h.returned(nil)
			})
		}
	}
}

// V5
func TestCloseEndsIdleClients(t *testing.T) {
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		clients := []*stream.Conn{h.dial(), h.dial(), h.dial()}
		turn := h.EventLoop().Turn()
		h.server.Close()
		h.returned(stream.ErrServerClosed)
		if turns := h.EventLoop().Turn() - turn; turns > 4 {
			h.Errorf("it took %d turns", turns)
		}
		if !errors.Is(h.served, context.Canceled) {
			h.Errorf("Serve returns %v", h.served)
		}
		for _, c := range clients {
			h.ends(c, io.EOF)
		}
	})
}

// V6
func TestAbortWithAFullBuffer(t *testing.T) {
	full := make([]byte, 1<<20)
	var outcome error
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		for {
			if _, err := c.Write(full); err != nil {
				outcome = err
				return err
			}
		}
	}}, func(h *house) {
		c := h.dial() // which does not read, and is not read from
		h.say(c, "unread")
		for range 50 { // until the kernel has enough
			h.settle()
		}
		pending := 0
		for c := range h.server.Conns() {
			pending += c.Pending()
		}
		if pending == 0 {
			h.Error("nothing is pending")
		}
		turn := h.EventLoop().Turn()
		h.server.Abort()
		h.returned(stream.ErrServerClosed)
		if turns := h.EventLoop().Turn() - turn; turns > 4 {
			h.Errorf("it took %d turns", turns)
		}
		h.equal("the counts", h.server.Stats(), stream.ServerStats{Accepted: 1})
		if !errors.Is(outcome, context.Canceled) {
			h.Errorf("the handler has got %v", outcome)
		}
		c.Abort()
	})
}

// V7
func TestEndBetweenAcceptAndHandler(t *testing.T) {
	ends := map[string]func(h *house){
		"drain":  func(h *house) { h.server.Drain(time.Hour) },
		"close":  func(h *house) { h.server.Close() },
		"abort":  func(h *house) { h.server.Abort() },
		"cancel": func(h *house) { h.task.Cancel(errAway) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			begun := 0
			inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
				begun++
				return upper(task, c)
			}}, func(h *house) {
				begun = 0
				accepted := func() uint64 { return h.server.Stats().Accepted }
				var look func()
				look = func() { // before the task of the connection runs, in the same turn
					if accepted() == 0 {
						h.EventLoop().Soon(look)
						return
					}
					if begun > 0 && !h.shuffled {
						h.Error("the handler has begun before")
					}
					end(h)
				}
				h.EventLoop().Soon(look)
				c, err := h.connect()
				if err == nil {
					defer c.Abort()
				}
				h.must(h.server.Wait(h.Task))
				h.equal("accepted", accepted(), 1)
				h.equal("handlers", h.server.Stats().Handlers, 0)
			})
		})
	}
}

// errAway is why a test cancels.
var errAway = errors.New("away")
