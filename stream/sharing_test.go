package stream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/transport"
)

// eachReserve runs a test with both ways to share an address, of which systems have one or both.
func eachReserve(t *testing.T, test func(t *testing.T, network, address string,
	reserve func(network, address string) (*stream.Port, error))) {
	t.Helper()
	t.Run("as the system has it", func(t *testing.T) {
		test(t, "tcp", "127.0.0.1:0", stream.Reserve)
	})
	t.Run("one socket", func(t *testing.T) {
		test(t, "tcp", "127.0.0.1:0", stream.ReserveShared)
	})
	t.Run("unix", func(t *testing.T) {
		test(t, "unix", filepath.Join(t.TempDir(), "socket"), stream.Reserve)
	})
}

// TestLoopsShareAPort: each client is served by one of them, whichever, and a limit counts for all.
func TestLoopsShareAPort(t *testing.T) {
	eachReserve(t, func(t *testing.T, network, address string,
		reserve func(network, address string) (*stream.Port, error)) {
		port, err := reserve(network, address)
		if err != nil {
			t.Fatal(err)
		}
		const loops, clients, most = 3, 90, 4
		limit := transport.NewLimit(most)
		ctx, cancel := context.WithCancel(context.Background())
		listening, served := make(chan struct{}, loops), make(chan map[byte]int, 1)
		go func() {
			defer cancel()
			for range loops {
				<-listening
			}
			served <- askLoops(t, port.Addr(), clients)
		}()
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := port.Listen(task, stream.ListenConfig{Limit: limit})
			if err != nil {
				return err
			}
			listening <- struct{}{}
			for {
				c, err := ln.Accept()
				if err != nil {
					return ignoreCancel(task, err)
				}
				if limit.Open() > most {
					t.Errorf("%d connections are open", limit.Open())
				}
				if _, err := c.Write([]byte{byte(task.Loop())}); err != nil {
					return err
				}
				_ = c.Close()
			}
		}, kettle.Loops(loops), kettle.Context(ctx))
		total, per := 0, <-served
		for _, n := range per {
			total += n
		}
		if total != clients {
			t.Errorf("%d of %d clients were served: %v", total, clients, per)
		}
		if err := errors.Join(port.Close(), port.Close()); err != nil {
			t.Error(err)
		}
	})
}

// ignoreCancel returns nil if err is the end of the task's scope.
func ignoreCancel(t *kettle.Task, err error) error {
	if t.Cancelled(err) {
		return nil
	}
	return err
}

// askLoops connects as n clients, all at once, and counts which loops have served them.
func askLoops(t *testing.T, addr net.Addr, n int) map[byte]int {
	answers := make(chan byte, n)
	for range n {
		go func() {
			b := []byte{255}
			c, err := net.Dial(addr.Network(), addr.String())
			if err == nil {
				_, err = io.ReadFull(c, b)
				_ = c.Close()
			}
			if err != nil {
				t.Errorf("a client: %v", err)
			}
			answers <- b[0]
		}()
	}
	served := map[byte]int{}
	for range n {
		served[<-answers]++
	}
	delete(served, 255)
	return served
}

// TestPortIsTaken until it is closed, and its listeners with it.
func TestPortIsTaken(t *testing.T) {
	eachReserve(t, func(t *testing.T, network, address string,
		reserve func(network, address string) (*stream.Port, error)) {
		port, err := reserve(network, address)
		if err != nil {
			t.Fatal(err)
		}
		addr := port.Addr().String()
		err = kettle.Run(func(task *kettle.Task) error {
			_, err := stream.Listen(task, network, addr)
			wantErrors(t, err, syscall.EADDRINUSE)
			ln, err := port.Listen(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			if got := ln.Addr().String(); got != addr {
				t.Errorf("it listens on %s, want %s", got, addr)
			}
			before, err := stream.Dial(task, network, addr)
			if err != nil {
				return err
			}
			if err := port.Close(); err != nil {
				return err
			}
			_, err = port.Listen(task, stream.ListenConfig{})
			wantErrors(t, err, net.ErrClosed)
			c, err := ln.Accept() // the listener goes on
			if err != nil {
				return err
			}
			if err := errors.Join(before.Close(), c.Close(), ln.Close()); err != nil {
				return err
			}
			free, err := stream.Listen(task, network, addr)
			if err != nil {
				return err
			}
			return free.Close()
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestListenersOfAPortAreClosedOneByOne: the others go on.
func TestListenersOfAPortAreClosedOneByOne(t *testing.T) {
	eachReserve(t, func(t *testing.T, network, address string,
		reserve func(network, address string) (*stream.Port, error)) {
		port, err := reserve(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer port.Close()
		runQuietly(t, func(task *kettle.Task) error {
			first, err := port.Listen(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			second, err := port.Listen(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			if err := first.Close(); err != nil {
				return err
			}
			if _, err := stream.Dial(task, network, port.Addr().String()); err != nil {
				return err
			}
			_, err = second.Accept()
			return err
		})
	})
}

// TestReserveRefuses what Listen does.
func TestReserveRefuses(t *testing.T) {
	for _, bad := range []struct{ network, address string }{
		{"udp", "127.0.0.1:0"}, {"tcp", "127.0.0.1"}, {"tcp4", "[::1]:0"}, {"unix", ""},
		{"tcp", "192.0.2.1:0"}, {"unix", "/no/such/directory/socket"},
	} {
		if port, err := stream.Reserve(bad.network, bad.address); err == nil {
			t.Errorf("reserved %v", port.Addr())
		}
	}
	port, err := stream.Reserve("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	if port.Addr().(*net.TCPAddr).Port == 0 {
		t.Error("the port is not known")
	}
	if err := port.Close(); err != nil {
		t.Error(err)
	}
}

// TestFileOfAReservedSocket is removed with the reservation, if it is still the same one.
func TestFileOfAReservedSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	for _, replaced := range []bool{false, true} {
		port, err := stream.Reserve("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		if replaced {
			replace(t, path)
		}
		if err := port.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); (err == nil) != replaced {
			t.Errorf("replaced: %v, the file: %v", replaced, err)
		}
	}
}

// replace puts another file where one is.
func replace(t *testing.T, path string) {
	t.Helper()
	other := path + ".other"
	if err := os.WriteFile(other, []byte("somebody else's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
}
