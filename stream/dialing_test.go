package stream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/stream"
)

// page is what answers a request with a page, as an HTTP server of the first version does.
func page(c net.Conn) error {
	defer c.Close()
	lines := bufio.NewScanner(c)
	for lines.Scan() && lines.Text() != "" {
	}
	_, err := io.WriteString(c, "HTTP/1.0 200 OK\r\n\r\nTest message")
	return errors.Join(lines.Err(), err)
}

// TestRequestAndAnswer is the life of a client of one request.
func TestRequestAndAnswer(t *testing.T) { // R1
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			address := "127.0.0.1:0"
			if network == "unix" {
				address = filepath.Join(t.TempDir(), "socket")
			}
			ln, err := net.Listen(network, address)
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			eachBackend(t, func(t *testing.T, backend kettle.Option) {
				go func() {
					c, err := ln.Accept()
					if err == nil {
						err = page(c)
					}
					served <- err
				}()
				err := kettle.Run(func(task *kettle.Task) error {
					return get(task, network, ln.Addr().String())
				}, backend)
				if err := errors.Join(err, <-served); err != nil {
					t.Error(err)
				}
			})
			_ = ln.Close()
		})
	}
}

// get asks for a page and checks it.
func get(t *kettle.Task, network, address string) error {
	c, err := stream.Dial(t, network, address)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		return err
	}
	line, err := c.ReadLine()
	if err != nil || string(line) != "HTTP/1.0 200 OK" {
		return fmt.Errorf("the first line is %q, %w", line, err)
	}
	rest, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(rest), "\r\nTest message") {
		return fmt.Errorf("the rest is %q, %w", rest, err)
	}
	if remote := c.RemoteAddr().String(); remote != address {
		return fmt.Errorf("the peer is %s, want %s", remote, address)
	}
	return nil
}

// TestAddressesInNumbersAreNotLookedUp, nor those of this machine.
func TestAddressesInNumbersAreNotLookedUp(t *testing.T) {
	d := &stream.Dialer{LookUp: func(context.Context, string, string) ([]netip.Addr, error) {
		t.Error("a resolver was asked")
		return nil, errors.New("there is none")
	}}
	blocking := kettle.Executor(func(work func()) {
		t.Error("another goroutine was asked")
		go work()
	})
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := stream.Listen(task, "tcp", "0.0.0.0:0")
		if err != nil {
			return err
		}
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", ""} {
			c, err := d.Dial(task, "tcp", net.JoinHostPort(host, port))
			if err != nil {
				t.Errorf("dial host %q: %v", host, err)
				continue
			}
			_ = c.Close()
			accepted, err := ln.Accept()
			if err != nil {
				return err
			}
			_ = accepted.Close()
		}
		return nil
	}, blocking)
}

// TestNames are looked up elsewhere, and only addresses of the network are used.
func TestNames(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := listening(task, stream.ListenConfig{})
		if err != nil {
			return err
		}
		_, port, _ := net.SplitHostPort(ln.Addr().String())
		var networks []string
		lookUp := func(_ context.Context, network, host string) ([]netip.Addr, error) {
			networks = append(networks, network+" "+host)
			loopback := netip.MustParseAddr("127.0.0.1")
			return []netip.Addr{netip.MustParseAddr("2001:db8::1"), loopback, loopback}, nil
		}
		d := &stream.Dialer{LookUp: lookUp}
		c, err := d.Dial(task, "tcp4", "kettle.example:"+port)
		if err != nil {
			return err
		}
		_ = c.Close()
		if len(networks) != 1 || networks[0] != "ip4 kettle.example" {
			t.Errorf("looked up: %q", networks)
		}
		return nil
	})
}

// TestAddressesThatAreNone are refused with an error of package net, and what was asked for.
func TestAddressesThatAreNone(t *testing.T) {
	unknown := errors.New("nobody knows it")
	d := &stream.Dialer{LookUp: func(context.Context, string, string) ([]netip.Addr, error) {
		return nil, unknown
	}}
	runQuietly(t, func(task *kettle.Task) error {
		for _, bad := range []struct{ network, address, says string }{
			{"udp", "127.0.0.1:1", "unknown network udp"},
			{"", "127.0.0.1:1", "unknown network"},
			{"tcp", "127.0.0.1", "missing port"},
			{"tcp", "127.0.0.1:99999", "port"},
			{"tcp", "127.0.0.1:no-such-service", "no-such-service"},
			{"tcp4", "[::1]:1", "no address of this network"},
			{"tcp6", "127.0.0.1:1", "no address of this network"},
			{"tcp", "kettle.example:1", "nobody knows it"},
			{"unix", "", "empty"},
			{"unix", strings.Repeat("x", 200), "at most"},
		} {
			c, err := d.Dial(task, bad.network, bad.address)
			var op *net.OpError
			if c != nil || !errors.As(err, &op) || op.Op != "dial" || op.Net != bad.network {
				t.Errorf("dial %s %s: %v, %v", bad.network, bad.address, c, err)
			} else if !strings.Contains(err.Error(), bad.says) {
				t.Errorf("dial %s %s: %v, which does not say %q", bad.network, bad.address, err,
					bad.says)
			}
		}
		return nil
	})
}

// TestRefused is told with the address and the errno of each attempt, in one error.
func TestRefused(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			address := ln.Addr().String()
			_ = ln.Close()
			c, err := stream.Dial(task, "tcp", address)
			want := fmt.Sprintf("dial tcp %s: connect: connection refused", address)
			if c != nil || err == nil || err.Error() != want {
				t.Errorf("the error is %v, want %s", err, want)
			}
			wantErrors(t, err, syscall.ECONNREFUSED)
			_, port, _ := net.SplitHostPort(address)
			d := &stream.Dialer{LookUp: names("127.0.0.1", "0.0.0.1")}
			_, err = d.Dial(task, "tcp", "kettle.example:"+port)
			wantErrors(t, err, syscall.ECONNREFUSED)
			if err == nil || strings.Count(err.Error(), "dial tcp ") != 2 {
				t.Errorf("two attempts gave %v", err)
			}
			return nil
		}, backend)
	})
}

// TestTwoFamilies: where one of them fails the other is used at once.
func TestTwoFamilies(t *testing.T) {
	testenv.Need(t, testenv.IPv6)
	clock, jumps := clockThatJumps()
	runQuietly(t, func(task *kettle.Task) error {
		for _, order := range [][]string{{"::1", "127.0.0.1"}, {"127.0.0.1", "::1"}} {
			ln, err := stream.Listen(task, "tcp", net.JoinHostPort(order[1], "0"))
			if err != nil {
				return err
			}
			_, port, _ := net.SplitHostPort(ln.Addr().String())
			d := &stream.Dialer{LookUp: names(order...)}
			took := elapsed(clock, func() {
				var c *stream.Conn
				if c, err = d.Dial(task, "tcp", "kettle.example:"+port); err == nil {
					_ = c.Close()
				}
			})
			if err != nil || took != 0 {
				t.Errorf("connected to %v after %v: %v", order, took, err)
			}
			_ = ln.Close()
		}
		return nil
	}, jumps)
}

// TestDialIsForTasks of its own goroutine and loop.
func TestDialIsForTasks(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		_, err := kettle.Blocking(task, func(context.Context) (struct{}, error) {
			_, err := stream.Dial(task, "tcp", "127.0.0.1:1")
			wantErrors(t, err, kettle.ErrWrongGoroutine)
			_, err = (&stream.Dialer{Timeout: time.Second}).Dial(task, "tcp", "127.0.0.1:1")
			wantErrors(t, err, kettle.ErrWrongGoroutine)
			return struct{}{}, nil
		})
		return err
	})
}

// TestOptionsOfConnections are set on the socket, or refused where there are none.
func TestOptionsOfConnections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	keepAlive := net.KeepAliveConfig{Enable: true, Idle: time.Minute, Interval: -1, Count: -1}
	d := &stream.Dialer{KeepAlive: keepAlive}
	runQuietly(t, func(task *kettle.Task) error {
		for network, address := range map[string]string{"tcp": "127.0.0.1:0", "unix": path} {
			ln, err := stream.Listen(task, network, address)
			if err != nil {
				return err
			}
			c, err := d.Dial(task, network, ln.Addr().String())
			if err != nil {
				return err
			}
			for _, set := range []func() error{
				func() error { return c.SetNoDelay(false) },
				func() error { return c.SetNoDelay(true) },
				func() error { return c.SetKeepAlive(net.KeepAliveConfig{Enable: true}) },
				func() error { return c.SetKeepAlive(net.KeepAliveConfig{}) },
			} {
				err := set()
				if network == "unix" {
					wantErrors(t, err, errors.ErrUnsupported)
				} else if err != nil {
					t.Error(err)
				}
			}
			if err := errors.Join(c.SetReadBuffer(8<<10), c.SetWriteBuffer(8<<10)); err != nil {
				t.Error(err)
			}
			_ = c.Close()
			wantErrors(t, c.SetReadBuffer(8<<10), net.ErrClosed)
			_ = ln.Close()
		}
		return nil
	})
}
