package stream_test

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// TestAcceptWhereAServerAccepts is refused, and does the server no harm: the task would wait for
// connections that the server has.
func TestAcceptWhereAServerAccepts(t *testing.T) {
	inHouse(t, &stream.Server{Handler: upper}, func(h *house) {
		h.settle()
		if c, err := h.listener.Accept(); err == nil || !strings.Contains(err.Error(), "already") {
			h.Errorf("it returns %v, %v", c, err)
		}
		c := h.dial()
		h.say(c, "x")
		h.hear(c, "X")
		h.must(c.Close())
	})
}

// TestListenIsForTheLoop: on another goroutine nothing is done.
func TestListenIsForTheLoop(t *testing.T) {
	port, err := stream.Reserve("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	runQuietly(t, func(task *kettle.Task) error {
		_, err := kettle.Blocking(task, func(context.Context) (struct{}, error) {
			_, err := stream.Listen(task, "tcp", "127.0.0.1:0")
			wantErrors(t, err, kettle.ErrWrongGoroutine)
			_, err = port.Listen(task, stream.ListenConfig{})
			wantErrors(t, err, kettle.ErrWrongGoroutine)
			_, err = stream.Inherit(task)
			wantErrors(t, err, kettle.ErrWrongGoroutine)
			return struct{}{}, nil
		})
		return err
	})
}

// TestPortInUseIsOneError: where the port is in use there is no other address to try.
func TestPortInUseIsOneError(t *testing.T) {
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	runQuietly(t, func(task *kettle.Task) error {
		for _, host := range []string{"", "localhost"} {
			_, err := stream.Listen(task, "tcp", net.JoinHostPort(host, port))
			wantErrors(t, err, syscall.EADDRINUSE)
			_, reserved := stream.Reserve("tcp", net.JoinHostPort(host, port))
			wantErrors(t, reserved, syscall.EADDRINUSE)
			for _, err := range []error{err, reserved} {
				if err != nil && strings.Count(err.Error(), "in use") != 1 {
					t.Errorf("the error is %v", err)
				}
			}
		}
		return nil
	})
}

// TestPortOfAServerThatWasOneSocket can be reserved at once, though connections of that server wait
// for the end of their time.
func TestPortOfAServerThatWasOneSocket(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := stream.Listen(task, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		c, err := stream.Dial(task, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		s, err := ln.Accept()
		if err != nil {
			return err
		}
		_ = s.Close() // who closes first has the connection wait
		if _, err := c.Next(); err == nil {
			t.Error("the connection was not closed")
		}
		_ = c.Close()
		_ = ln.Close()
		port, err := stream.Reserve("tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		defer port.Close()
		for range 2 { // listeners, each of which can be connected to
			if _, err = port.Listen(task, stream.ListenConfig{}); err != nil {
				return err
			}
		}
		c, err = stream.Dial(task, "tcp", port.Addr().String())
		if err != nil {
			return err
		}
		return c.Close()
	})
}

// TestAddressesAreTriedOnce, in whichever way they are written.
func TestAddressesAreTriedOnce(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := listening(task, stream.ListenConfig{})
		if err != nil {
			return err
		}
		_ = ln.Close()
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		d := stream.Dialer{LookUp: names("127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1")}
		_, err = d.Dial(task, "tcp", "kettle.example:"+port)
		wantErrors(t, err, syscall.ECONNREFUSED)
		if err != nil && strings.Count(err.Error(), "refused") != 1 {
			t.Errorf("the error is %v", err)
		}
		return nil
	})
}
