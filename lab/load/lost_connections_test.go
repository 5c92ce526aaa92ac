package load_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/load"
)

// closing serves n bytes on each odd connection, then ends it; even ones are served on.
func closing(n int, end func(c *net.TCPConn)) handler {
	return func(i int, c net.Conn) {
		if i%2 == 0 {
			upper(i, c)
			return
		}
		serial(1, func(k int) {
			if k == n {
				end(c.(*net.TCPConn))
			}
		})(i, c)
	}
}

// reset ends a connection with RST.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

func TestLostConnectionsAreCountedAndTheOthersGoOn(t *testing.T) {
	tests := []struct {
		name string
		end  func(c *net.TCPConn)
		want error
	}{
		{"closed", func(c *net.TCPConn) { c.CloseWrite(); io.Copy(io.Discard, c) },
			io.ErrUnexpectedEOF},
		{"reset", reset, syscall.ECONNRESET},
	}
	for _, tt := range tests {
		for _, backend := range load.Backends() {
			t.Run(tt.name+"/"+backend, func(t *testing.T) {
				l := dial(t, load.Config{Addr: serve(t, closing(100, tt.end)), Conns: 6, Size: 40,
					Backend: backend})
				res := saturate(t, l, 50*time.Millisecond)
				if res.Conns != 6 || res.Lost != 3 || res.Requests == 0 {
					t.Errorf("%d connections, %d lost, %d requests", res.Conns, res.Lost,
						res.Requests)
				}
				if s := l.Stats(); s.Live() != 3 || !errors.Is(s.First, tt.want) {
					t.Errorf("Stats = %+v; want %v", s, tt.want)
				}
				check(t, pace(t, l, 300, 50*time.Millisecond), 3)
			})
		}
	}
}

func TestLossUnderPaceIsUnanswered(t *testing.T) {
	l := dial(t, load.Config{Addr: serve(t, closing(400, reset)), Conns: 2, Size: 40})
	res, err := l.Pace(t.Context(), 500, 0, 200*time.Millisecond, load.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	if res.Lost != 1 || res.Unanswered < 10 {
		t.Errorf("%d lost, %d unanswered", res.Lost, res.Unanswered)
	}
	if got := res.Latency.TotalCount() + res.Unanswered; got < 99 || got > 101 {
		t.Errorf("%d requests in the window; want 100", got)
	}
}

func TestAllConnectionsLost(t *testing.T) {
	l := dial(t, load.Config{Addr: serve(t, func(int, net.Conn) {}), Conns: 2})
	_, err := l.Saturate(t.Context(), 0, 10*time.Second, load.Hooks{})
	if !errors.Is(err, load.ErrUnserved) || l.Stats().Lost != 2 {
		t.Errorf("err = %v, %+v", err, l.Stats())
	}
}

func TestIdleNoticesCloses(t *testing.T) {
	idle := make(chan bool)
	l := dial(t, load.Config{Conns: 3, Addr: serve(t, func(i int, c net.Conn) {
		if i == 1 {
			<-idle
			return
		}
		upper(i, c)
	})})
	close(idle)
	lost, err := l.Idle(t.Context(), 100*time.Millisecond)
	if lost != 1 || err != nil || !errors.Is(l.Stats().First, io.EOF) {
		t.Errorf("Idle = %d, %v; %v", lost, err, l.Stats().First)
	}
}

// TestOneClientAtATime is a server that does not look at the second client before the first
// has gone: the others are silent and no error, and come back when they are answered.
func TestOneClientAtATime(t *testing.T) {
	next := make(chan bool)
	l := dial(t, load.Config{Conns: 5, Timeout: 100 * time.Millisecond,
		Addr: serve(t, func(i int, c net.Conn) {
			if i > 0 {
				<-next
			}
			upper(i, c)
		})})
	if n, err := l.Greet(t.Context(), 50*time.Millisecond); n != 1 || err != nil {
		t.Fatalf("Greet = %d, %v; want 1", n, err)
	}
	if s := l.Stats(); s.Live() != 5 || s.Silent != 4 {
		t.Errorf("Stats = %+v", s)
	}
	if res := saturate(t, l, 20*time.Millisecond); res.Conns != 1 || res.Served != 1 {
		t.Errorf("%d of %d connections served", res.Served, res.Conns)
	}
	check(t, pace(t, l, 500, 20*time.Millisecond), 1)
	close(next)
	if n, err := l.Greet(t.Context(), 5*time.Second); n != 5 || err != nil {
		t.Fatalf("Greet = %d, %v; want 5", n, err)
	}
	check(t, saturate(t, l, 20*time.Millisecond), 5)
}

func TestNobodyListens(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, err = load.Dial(t.Context(), load.Config{Addr: addr, Conns: 3})
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), addr) {
		t.Errorf("err = %v; want connection refused by %s", err, addr)
	}
}

// TestFullBacklog connects more clients than the kernel holds for a server that accepts none:
// connecting the others takes seconds, longer than the time-out.
func TestFullBacklog(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	fd, err := sys.Listen(netip.MustParseAddrPort("127.0.0.1:0"), sys.ListenOptions{Backlog: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(fd)
	addr, err := sys.LocalAddr(fd)
	if err != nil {
		t.Fatal(err)
	}
	l := dial(t, load.Config{Addr: addr.String(), Conns: 100, Timeout: 100 * time.Millisecond})
	s := l.Stats()
	if s.Live() == 0 || s.Live()+s.Failed != 100 || !errors.Is(s.First, os.ErrDeadlineExceeded) {
		t.Errorf("Stats = %+v", s)
	}
	if n, err := l.Greet(t.Context(), 10*time.Millisecond); n != 0 || err != nil {
		t.Errorf("Greet = %d, %v", n, err)
	}
}

func TestDescriptorLimitIsCheckedUpFront(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	most := load.MaxConns()
	_, err := load.Dial(t.Context(), load.Config{Addr: "127.0.0.1:1", Conns: most + 100})
	if !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "leaves room for") {
		t.Errorf("err = %v", err)
	}
}

func TestImpossibleConfigurations(t *testing.T) {
	tests := []struct {
		config load.Config
		want   string
	}{
		{load.Config{Addr: "127.0.0.1:1", Conns: -1}, "-1 connections"},
		{load.Config{Addr: "127.0.0.1:1", Size: load.MaxSize + 1}, "requests of 1048577 bytes"},
		{load.Config{Addr: "127.0.0.1:1", Depth: 1001}, "1001 requests in flight"},
		{load.Config{Addr: "127.0.0.1:1", Timeout: -1}, "a time-out of -1ns"},
		{load.Config{Addr: "127.0.0.1:1", Deaf: -1}, "-1 deaf connections"},
		{load.Config{Addr: "127.0.0.1:1", Heavy: -1}, "-1 heavy connections"},
		{load.Config{Addr: "127.0.0.1:1", Conns: 3, Heavy: 4}, "4 heavy connections: 0 to 3"},
		{load.Config{Addr: "127.0.0.1:1", Heavy: 1, Size: 7}, "heavy requests of 7 bytes"},
		{load.Config{Addr: "127.0.0.1:1", Heavy: 1, Depth: 2}, "2 requests in flight on heavy"},
		{load.Config{Addr: "127.0.0.1:1", Service: "lower"}, `service "lower"`},
		{load.Config{Addr: "127.0.0.1:1", Backend: "iocp"}, `backend "iocp"`},
		{load.Config{Addr: "127.0.0.1"}, `address "127.0.0.1"`},
		{load.Config{Addr: "127.0.0.1:0"}, "nobody listens on port 0"},
		{load.Config{Addr: "127.0.0.1:no-such-one"}, "unknown port"},
		{load.Config{Addr: "no.such.host.invalid:80"}, `address "no.such.host.invalid:80"`},
	}
	for _, tt := range tests {
		_, err := load.Dial(t.Context(), tt.config)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Dial(%+v): %v; want %s", tt.config, err, tt.want)
		}
	}
}

func TestImpossibleRates(t *testing.T) {
	l := dial(t, load.Config{Addr: serve(t, upper)})
	for _, rate := range []float64{0, -1, 1e12} {
		if _, err := l.Pace(t.Context(), rate, 0, time.Second, load.Hooks{}); err == nil {
			t.Errorf("Pace(%v): no error", rate)
		}
	}
}

func TestDescriptorsAreFreed(t *testing.T) {
	testenv.Need(t, testenv.Proc)
	addr := serve(t, func(int, net.Conn) {}) // closes its own side at once
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := count()
	for range 20 {
		l, err := load.Dial(t.Context(), load.Config{Addr: addr, Conns: 10})
		if err != nil {
			t.Fatal(err)
		}
		l.Idle(t.Context(), time.Second) // until all are lost
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Errorf("closing again: %v", err)
		}
		if _, err := l.Idle(t.Context(), 0); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a phase after Close: %v", err)
		}
	}
	if after := count(); after > before+20 {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}
