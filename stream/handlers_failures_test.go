package stream_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// errOdd is what handlers fail with.
var errOdd = errors.New("odd")

// obedient does what its client says in a line, and answers with it until it does.
func obedient(task *kettle.Task, c *stream.Conn) error {
	for line, err := range c.Lines() {
		if err != nil {
			return err
		}
		switch command := string(line); command {
		case "fail":
			return fmt.Errorf("obey: %w", errOdd)
		case "fail at the end":
			return errors.Join(io.EOF, errOdd)
		case "wrapped end":
			return fmt.Errorf("obey: %w", io.EOF)
		case "panic":
			panic(errOdd)
		case "panic in a task":
			return task.Group(func(g *kettle.Group) error {
				return g.Go("inner", func(*kettle.Task) error { panic(errOdd) })
			})
		case "exit":
			runtime.Goexit()
		case "cancel":
			task.Cancel(errOdd)
			return task.Yield()
		case "close":
			err := errors.Join(c.Close(), c.Close())
			_, failure := c.Next()
			return errors.Join(err, failure)
		case "write after close":
			_ = c.Close()
			_, err := c.Write([]byte("late"))
			return err
		case "late":
			_ = c.SetReadDeadline(time.Now().Add(-time.Second))
			_, err := c.Next()
			return err
		default:
			if _, err := c.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// disobey runs a command, and returns the client whose handler it was told.
func (h *house) disobey(command string) *stream.Conn {
	h.Helper()
	c := h.dial()
	h.say(c, command+"\n")
	return c
}

// others sees to it that the other client is served as before.
func (h *house) others(c *stream.Conn) {
	h.Helper()
	h.say(c, "hello\n")
	h.hear(c, "hello")
}

// R56: once.
func TestHandlerFails(t *testing.T) {
	for command, want := range map[string]error{"fail": errOdd, "fail at the end": errOdd,
		"panic in a task": errOdd, "late": os.ErrDeadlineExceeded} {
		inHouse(t, &stream.Server{Handler: obedient}, func(h *house) {
			other := h.dial()
			h.ends(h.disobey(command), io.EOF)
			in := h.incident()
			if !errors.Is(in.Err, want) || !strings.HasPrefix(in.What, "serve ") {
				h.Errorf("the incident is %s: %v", in.What, in.Err)
			}
			h.others(other)
			h.equal("failed", h.server.Stats().Failed, 1)
		})
	}
}

// R51, R57: ordinary ends are not told of.
func TestHandlerEndsOrdinarily(t *testing.T) {
	for _, command := range []string{"cancel", "close", "write after close", "wrapped end"} {
		inHouse(t, &stream.Server{Handler: obedient}, func(h *house) {
			other := h.dial()
			h.ends(h.disobey(command), io.EOF)
			h.others(other)
			h.equal("the counts", h.server.Stats(),
				stream.ServerStats{Accepted: 2, Open: 1, Handlers: 1})
		})
	}
}

// TestHandlerPanics: its connection is aborted, and told of with the stack, and the others go on.
func TestHandlerPanics(t *testing.T) {
	for _, command := range []string{"panic", "exit"} {
		inHouse(t, &stream.Server{Handler: obedient}, func(h *house) {
			other := h.dial()
			h.ends(h.disobey(command), h.reset())
			in := h.incident()
			var panicked *kettle.PanicError
			switch {
			case command == "exit" && in.Err != kettle.ErrGoexit:
				h.Errorf("the incident is %v", in.Err)
			case command == "panic" && (!errors.As(in.Err, &panicked) || panicked.Value != errOdd ||
				!strings.Contains(string(in.Stack), "obedient")):
				h.Errorf("the incident is %v", in.Err)
			}
			h.others(other)
			h.equal("the counts", h.server.Stats(),
				stream.ServerStats{Accepted: 2, Open: 1, Handlers: 1, Panicked: 1})
		})
	}
}

// TestOnErrorIsTold of what would else be an incident, while the connection still is one.
func TestOnErrorIsTold(t *testing.T) {
	var told []string
	server := &stream.Server{Handler: obedient, OnError: func(c *stream.Conn, err error) {
		told = append(told, strings.SplitN(err.Error(), "\n", 2)[0])
		if c.RemoteAddr() == nil {
			told = append(told, "no address")
		}
	}}
	inHouse(t, server, func(h *house) {
		told = nil
		for _, command := range []string{"fail", "panic", "exit", "cancel", "close"} {
			c := h.disobey(command)
			_, _ = c.Next()
			h.must(c.Close())
		}
		h.equal("told", strings.Join(told, "; "),
			"obey: odd; panic: odd; kettle: the task was ended by runtime.Goexit")
	})
}

// TestOnErrorPanics: that is an incident, and no connection is left behind.
func TestOnErrorPanics(t *testing.T) {
	inHouse(t, &stream.Server{Handler: obedient,
		OnError: func(*stream.Conn, error) { panic("too much") }}, func(h *house) {
		other := h.dial()
		h.ends(h.disobey("fail"), io.EOF)
		if in := h.incident(); !strings.Contains(in.Err.Error(), "too much") || in.Stack == nil {
			h.Errorf("the incident is %v", in.Err)
		}
		h.others(other)
		h.server.Drain(time.Minute)
		h.returned(nil)
	})
}

// N9
func TestResetInTheMidstOfAWrite(t *testing.T) {
	var outcome error
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		first, err := c.ReadLine()
		if err != nil || string(first) != "pour" {
			return err
		}
		for err == nil {
			_, err = c.Write(make([]byte, 1<<20))
		}
		outcome = err
		return err
	}}, func(h *house) {
		outcome = nil
		other, c := h.dial(), h.disobey("pour")
		for range 50 {
			h.settle()
		}
		c.Abort()
		h.settle()
		if !errors.Is(outcome, syscall.ECONNRESET) && !errors.Is(outcome, syscall.EPIPE) {
			h.Errorf("the handler has got %v", outcome)
		}
		h.equal("the counts", h.server.Stats(),
			stream.ServerStats{Accepted: 2, Open: 1, Handlers: 1})
		h.must(other.Close())
	})
}

// TestBrokenConnectionOfAnother, which a proxy passes on to, is a failure of the handler.
func TestBrokenConnectionOfAnother(t *testing.T) {
	inHouse(t, &stream.Server{Handler: func(task *kettle.Task, c *stream.Conn) error {
		if _, err := c.Next(); err != nil {
			return err
		}
		_, err := stream.Dial(task, "unix", "/nowhere/to/be/found")
		return err
	}}, func(h *house) {
		h.ends(h.disobey("go"), io.EOF)
		if in := h.incident(); !errors.Is(in.Err, syscall.ENOENT) {
			h.Errorf("the incident is %v", in.Err)
		}
	})
}

// TestHandlerReadsByBufio: a Conn is an io.Reader, and its end is the ordinary one.
func TestHandlerReadsByBufio(t *testing.T) {
	inHouse(t, &stream.Server{Handler: func(_ *kettle.Task, c *stream.Conn) error {
		r := bufio.NewReader(c)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(c, "%d ", len(line)); err != nil {
				return err
			}
		}
	}}, func(h *house) {
		c := h.dial()
		h.say(c, "one\nthree\n")
		h.must(c.CloseWrite())
		h.hear(c, "4 6 ")
		h.ends(c, io.EOF)
	})
}
