package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/stream"
)

// upperLines answers each line in upper case.
func upperLines(_ *kettle.Task, c *stream.Conn) error {
	for line, err := range c.Lines() {
		if err != nil {
			return err
		}
		if _, err := c.Write(append(bytes.ToUpper(line), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// askFor connects, and prints what a line is answered with.
func askFor(t *kettle.Task, address, line string) error {
	c, err := stream.Dial(t, "tcp", address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := io.WriteString(c, line+"\n"); err != nil {
		return err
	}
	answer, err := c.ReadLine()
	fmt.Println(string(answer))
	return err
}

// A server, and a client that has all of it drain when it has its answer.
func ExampleServe() {
	err := kettle.Run(func(t *kettle.Task) error {
		ln, err := stream.Listen(t, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		return t.Group(func(g *kettle.Group) error {
			err := g.Go("client", func(t *kettle.Task) error {
				defer t.Drain(time.Second)
				return askFor(t, ln.Addr().String(), "two cups of tea")
			})
			if err != nil {
				return err
			}
			return stream.Serve(g.Task, ln, upperLines)
		})
	})
	fmt.Println(err)
	// Output:
	// TWO CUPS OF TEA
	// <nil>
}

// A task beside a server that is to end when the server does: the group is cancelled, and for that
// task this is an ordinary end.
func ExampleServer_Serve() {
	err := kettle.Run(func(t *kettle.Task) error {
		ln, err := stream.Listen(t, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		server := &stream.Server{Handler: upperLines}
		return t.Group(func(g *kettle.Group) error {
			err := g.Go("counter", func(t *kettle.Task) error {
				err := askFor(t, ln.Addr().String(), "tea")
				server.Drain(time.Second)
				for err == nil { // what goes on for as long as there is a server
					err = t.Sleep(time.Second)
				}
				if t.Cancelled(err) {
					fmt.Println("served:", server.Stats().Accepted)
					return nil
				}
				return err
			})
			if err == nil {
				err = server.Serve(g.Task, ln)
			}
			g.Cancel(nil)
			return err
		})
	})
	fmt.Println(err)
	// Output:
	// TEA
	// served: 1
	// <nil>
}

// A read that takes too long loses nothing of what had come. On a virtual clock it takes no time.
func ExamplePipe() {
	clock := kettle.Clock(func() loop.Clock { return looptest.NewClock() })
	err := kettle.Run(func(t *kettle.Task) error {
		a, b := stream.Pipe(t)
		defer a.Close()
		defer b.Close()
		if _, err := io.WriteString(a, "half a "); err != nil {
			return err
		}
		err := t.WithTimeout(time.Hour, func(t *kettle.Task) error {
			_, err := b.ReadLine()
			return err
		})
		fmt.Println(errors.Is(err, context.DeadlineExceeded))
		if _, err := io.WriteString(a, "line\n"); err != nil {
			return err
		}
		line, err := b.ReadLine()
		fmt.Println(string(line))
		return err
	}, clock)
	fmt.Println(err)
	// Output:
	// true
	// half a line
	// <nil>
}
