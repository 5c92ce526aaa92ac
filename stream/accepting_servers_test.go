package stream_test

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/transport"
)

// echoLine is a handler that answers one line with itself.
func echoLine(_ *kettle.Task, c *stream.Conn) error {
	line, err := c.ReadLine()
	if err == nil {
		_, err = c.Write(append(line, '\n'))
	}
	return err
}

// askLine sends a line, and wants it back.
func askLine(t *kettle.Task, addr net.Addr) error {
	c, err := stream.Dial(t, addr.Network(), addr.String())
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("hello again!\n")); err != nil {
		return err
	}
	line, err := c.ReadLine()
	if err != nil || string(line) != "hello again!" {
		return fmt.Errorf("the answer is %q, %w", line, err)
	}
	return nil
}

// echoProtocol is the server of callbacks.
type echoProtocol struct{ transport.Base }

func (echoProtocol) Data(t *transport.Transport, p []byte) { _ = t.Write(p) }

// TestServersOfTasksAndOfCallbacks both answer, whoever accepts for them.
func TestServersOfTasksAndOfCallbacks(t *testing.T) { // R40
	for name, serve := range map[string]func(*kettle.Task, *stream.Listener) error{
		"Serve": func(t *kettle.Task, ln *stream.Listener) error {
			return stream.Serve(t, ln, echoLine)
		},
		"Accept": acceptAll,
	} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run(name+" "+network, func(t *testing.T) {
				address := "127.0.0.1:0"
				if network == "unix" {
					address = filepath.Join(t.TempDir(), "socket")
				}
				runQuietly(t, func(task *kettle.Task) error {
					ln, err := stream.Listen(task, network, address)
					if err != nil {
						return err
					}
					return ask(task, ln.Addr(), func(t *kettle.Task) error { return serve(t, ln) })
				})
			})
		}
	}
	t.Run("callbacks", func(t *testing.T) {
		runQuietly(t, func(task *kettle.Task) error {
			addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}
			ln, err := transport.Listen(task.EventLoop(), addr, transport.ListenConfig{})
			if err != nil {
				return err
			}
			err = ln.Serve(func() transport.Protocol { return echoProtocol{} })
			return errors.Join(err, askLine(task, ln.Addr()))
		})
	})
}

// ask asks a server as a few clients, and then cancels it.
func ask(t *kettle.Task, addr net.Addr, serve func(t *kettle.Task) error) error {
	return t.Group(func(g *kettle.Group) error {
		var server *kettle.Task
		err := g.Start("server", func(t *kettle.Task, ready func()) error {
			server = t
			ready()
			return ignoreCancel(t, serve(t))
		})
		for range 3 {
			if err == nil {
				err = askLine(t, addr)
			}
		}
		server.Cancel(nil)
		return err
	})
}

// acceptAll is what Serve does, in short.
func acceptAll(t *kettle.Task, ln *stream.Listener) error {
	defer ln.Close()
	return t.Group(func(g *kettle.Group) error {
		for {
			c, err := ln.Accept()
			if err != nil {
				return err
			}
			err = g.Go("connection", func(t *kettle.Task) error {
				defer c.Close()
				return echoLine(t, c)
			})
			if err != nil {
				return err
			}
		}
	})
}
