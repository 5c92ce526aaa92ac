package load_test

import (
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// churning runs exchanges of one connection each, and fails the test if that fails.
func churning(t testing.TB, l *load.Load, d time.Duration) *load.Result {
	t.Helper()
	res, err := l.Churn(t.Context(), d/10, d, load.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestEachExchangeHasAConnectionOfItsOwn: the server sees one request on each, and then its end.
func TestEachExchangeHasAConnectionOfItsOwn(t *testing.T) {
	const size = 5000
	for _, backend := range load.Backends() {
		t.Run(backend, func(t *testing.T) {
			var conns, whole atomic.Int64
			var other atomic.Value
			addr := serve(t, func(i int, c net.Conn) {
				conns.Add(1)
				pos := 0
				altered(func(_ int, p []byte) []byte {
					pos += len(p)
					return p
				})(i, c)
				if pos == size {
					whole.Add(1)
				} else {
					other.Store(pos)
				}
			})
			l := dial(t, load.Config{Addr: addr, Conns: 3, Size: size, Backend: backend})
			res := churning(t, l, 50*time.Millisecond)
			if !res.Churn || res.Requests == 0 || res.Served != 3 || res.Conns != 3 ||
				res.Lost != 0 || res.Unanswered != 0 || res.Bytes < res.Requests*size/2 {
				t.Errorf("%+v", res)
			}
			if n := res.Latency.TotalCount(); n != res.Requests {
				t.Errorf("%d latencies of %d exchanges", n, res.Requests)
			}
			if s := l.Stats(); s.Live() != 3 || s.Silent != 0 || s.First != nil {
				t.Errorf("after it: %+v", s)
			}
			if n := conns.Load(); n < res.Requests {
				t.Errorf("%d exchanges on %d connections", res.Requests, n)
			}
			if pos := other.Load(); pos != nil {
				t.Errorf("a connection has carried %v bytes, want one request of %d", pos, size)
			}
			check(t, saturate(t, l, 20*time.Millisecond), 3) // the last ones are still there
		})
	}
}

// TestChurnIsCheckedToo, every byte of it.
func TestChurnIsCheckedToo(t *testing.T) {
	var seen atomic.Int64
	addr := serve(t, altered(func(_ int, p []byte) []byte {
		if seen.Add(1) == 20 {
			p[len(p)-1]++
		}
		return p
	}))
	l := dial(t, load.Config{Addr: addr, Conns: 2})
	_, err := l.Churn(t.Context(), 0, 10*time.Second, load.Hooks{})
	if !errors.Is(err, load.ErrWrongByte) {
		t.Errorf("a wrong byte: %v", err)
	}
}

// TestChurnOnAServerThatGivesUp: those that it ends are lost, and the others go on.
func TestChurnOnAServerThatGivesUp(t *testing.T) {
	addr := serve(t, func(i int, c net.Conn) {
		if i != 10 && i != 12 {
			upper(i, c)
		}
	})
	l := dial(t, load.Config{Addr: addr, Conns: 4})
	res := churning(t, l, 200*time.Millisecond)
	if s := l.Stats(); res.Lost != 2 || res.Requests == 0 || s.Lost != 2 || s.First == nil {
		t.Errorf("%d lost, %d requests, %+v; want two lost", res.Lost, res.Requests, s)
	}
}

// TestChurnWhereNobodyListensAnyMore ends, with the reason.
func TestChurnWhereNobodyListensAnyMore(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var conns []net.Conn
		for range 3 {
			c, err := ln.Accept()
			if err != nil {
				break
			}
			conns = append(conns, c)
		}
		ln.Close()
		for i, c := range conns {
			serial(64, func(int) {})(i, c)
			c.Close()
		}
	}()
	l := dial(t, load.Config{Addr: ln.Addr().String(), Conns: 3})
	_, err = l.Churn(t.Context(), 0, 10*time.Second, load.Hooks{})
	if !errors.Is(err, load.ErrUnserved) || l.Stats().Live() != 0 {
		t.Errorf("a server that has gone: %v, %+v", err, l.Stats())
	}
	<-done
}

// TestIdleConnectionsAreThereAndSilent: they are greeted, and take no part in any window.
func TestIdleConnectionsAreThereAndSilent(t *testing.T) {
	const busy, idle = 4, 30
	var conns [busy + idle]atomic.Int64 // bytes received, by number
	addr := serve(t, func(i int, c net.Conn) {
		altered(func(_ int, p []byte) []byte {
			if i < len(conns) { // not one that churning makes
				conns[i].Add(int64(len(p)))
			}
			return p
		})(i, c)
	})
	l := dial(t, load.Config{Addr: addr, Conns: busy, Idle: idle, Depth: 3})
	if s := l.Stats(); s.Conns != busy+idle || s.Live() != busy+idle {
		t.Errorf("there are %+v", s)
	}
	if n, err := l.Greet(t.Context(), 5*time.Second); n != busy+idle || err != nil {
		t.Errorf("%d greeted, %v", n, err)
	}
	for what, res := range map[string]*load.Result{
		"saturated": saturate(t, l, 20*time.Millisecond),
		"paced":     pace(t, l, 2000, 20*time.Millisecond),
		"churning":  churning(t, l, 20*time.Millisecond),
	} {
		if res.Conns != busy || res.Served != busy || res.Requests == 0 {
			t.Errorf("%s: %+v", what, res)
		}
	}
	silent := 0
	for i := range conns {
		if conns[i].Load() == 64 {
			silent++
		}
	}
	if silent != idle {
		t.Errorf("%d connections have carried one request only, want %d", silent, idle)
	}
	if lost, err := l.Idle(t.Context(), 0); lost != 0 || err != nil {
		t.Errorf("%d lost, %v", lost, err)
	}
}
