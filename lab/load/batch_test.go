package load_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/load"
)

// batch runs a batch, and fails the test if it fails.
func batch(t testing.TB, config load.Config) *load.Result {
	t.Helper()
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	res, err := load.Batch(t.Context(), config, load.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestBatchIsThereAtOnce: the server answers nobody before it has the requests of all.
func TestBatchIsThereAtOnce(t *testing.T) {
	const conns, size = 300, 100
	testenv.NeedDescriptors(t, 2*conns+100)
	for _, backend := range load.Backends() {
		t.Run(backend, func(t *testing.T) {
			var all, ended sync.WaitGroup
			all.Add(conns)
			ended.Add(conns)
			var more atomic.Int64
			addr := serve(t, func(i int, c net.Conn) {
				defer ended.Done()
				serial(size, func(k int) {
					if k > 0 {
						more.Add(1)
						return
					}
					all.Done()
					all.Wait()
				})(i, c)
			})
			res := batch(t, load.Config{Addr: addr, Conns: conns, Size: size, Backend: backend})
			check(t, res, conns)
			if res.Requests != conns || res.Served != conns || !res.Batch {
				t.Errorf("%d answers, %d connections served: %+v", res.Requests, res.Served, res)
			}
			if n := res.Latency.TotalCount(); n != conns || res.Latency.Min() == 0 {
				t.Errorf("%d latencies from %d on", n, res.Latency.Min())
			}
			// To three digits, a latency may be told longer than it was.
			if most := time.Duration(res.Latency.Max()); most > res.Elapsed*1001/1000 {
				t.Errorf("an answer came after %v, and the last of all after %v", most, res.Elapsed)
			}
			ended.Wait() // each connection was closed
			if n := more.Load(); n > 0 {
				t.Errorf("%d requests came on connections that had their answer", n)
			}
			if r := res.Report(); !r.Batch || r.Requests != conns {
				t.Errorf("the report is %+v", r)
			}
		})
	}
}

// oneByOne serves one client at a time, in the order in which they came, each until it has left.
func oneByOne(wait time.Duration) handler {
	var one sync.Mutex
	return func(i int, c net.Conn) {
		one.Lock()
		defer one.Unlock()
		serial(64, func(int) { time.Sleep(wait) })(i, c)
	}
}

// TestBatchOnOneClientAtATime gets to all of them, one after the other: it takes the sum of what
// each takes, and half of them have waited for half of that.
func TestBatchOnOneClientAtATime(t *testing.T) {
	const conns, wait = 20, 5 * time.Millisecond
	addr := serve(t, oneByOne(wait))
	res := batch(t, load.Config{Addr: addr, Conns: conns, Heavy: 5})
	check(t, res, conns)
	if res.Elapsed < conns*wait {
		t.Errorf("%d clients one after the other took %v, and each takes %v", conns, res.Elapsed,
			wait)
	}
	if a, b := res.Latency.TotalCount(), res.Heavy.TotalCount(); a != conns-5 || b != 5 {
		t.Errorf("%d latencies and %d heavy ones", a, b)
	}
	if least := time.Duration(res.Latency.Max()); least < conns/2*wait {
		t.Errorf("none has waited for longer than %v", least)
	}
}

// TestBatchHasALimitInTime: what is missing then is unanswered, and the time is that of the whole.
func TestBatchHasALimitInTime(t *testing.T) {
	const limit = 100 * time.Millisecond
	addr := serve(t, func(i int, c net.Conn) {
		if i%2 == 0 {
			upper(i, c)
		}
		<-t.Context().Done()
	})
	var start, end time.Time
	res, err := load.Batch(t.Context(), load.Config{Addr: addr, Conns: 10, Timeout: limit},
		load.Hooks{
			Start: func(now time.Time) { start = now },
			End:   func(now time.Time) { end = now },
		})
	if err != nil {
		t.Fatal(err)
	}
	if res.Requests != 5 || res.Unanswered != 5 || res.Silent != 5 || res.Lost != 0 {
		t.Errorf("%d answered, %d unanswered, %d silent, %d lost", res.Requests, res.Unanswered,
			res.Silent, res.Lost)
	}
	if res.Elapsed < limit || end.Sub(start) < res.Elapsed {
		t.Errorf("it took %v, and %v between the hooks", res.Elapsed, end.Sub(start))
	}
}

// TestBatchOnAServerThatGivesUp: whom it ends is lost, and waited for no longer.
func TestBatchOnAServerThatGivesUp(t *testing.T) {
	addr := serve(t, func(i int, c net.Conn) {
		if i%4 == 0 {
			reset(c.(*net.TCPConn))
			return
		}
		upper(i, c)
	})
	res := batch(t, load.Config{Addr: addr, Conns: 8, Timeout: time.Minute})
	if res.Requests != 6 || res.Lost != 2 || res.Unanswered != 2 || res.First == nil {
		t.Errorf("%d answered, %d lost, %d unanswered, %v", res.Requests, res.Lost, res.Unanswered,
			res.First)
	}
}

func TestBatchWhereNobodyListens(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	_, err = load.Batch(t.Context(), load.Config{Addr: addr, Conns: 3}, load.Hooks{})
	if !errors.Is(err, syscall.ECONNREFUSED) || !strings.Contains(err.Error(), addr) {
		t.Errorf("err = %v; want connection refused by %s", err, addr)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q is more than a line", err)
	}
}

// TestBatchTriesAllAddresses of a name: the server may listen on one of them only.
func TestBatchTriesAllAddresses(t *testing.T) {
	testenv.Need(t, testenv.IPv6)
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if addrs, err := net.DefaultResolver.LookupHost(t.Context(), "localhost"); err != nil ||
		len(addrs) < 2 {
		return // a machine may know it as an IPv4 address only
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if c, err := ln.Accept(); err == nil {
			upper(0, c)
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	if res := batch(t, load.Config{Addr: "localhost:" + port}); res.Requests != 1 {
		t.Errorf("%+v", res)
	}
	<-done
}

func TestBatchIsCheckedAndCancelled(t *testing.T) {
	addr := serve(t, func(_ int, c net.Conn) { io.Copy(c, c) }) // which is echo, and not upper
	_, err := load.Batch(t.Context(), load.Config{Addr: addr, Conns: 2}, load.Hooks{})
	if !errors.Is(err, load.ErrWrongByte) {
		t.Errorf("a wrong byte: %v", err)
	}
	silent := serve(t, func(int, net.Conn) { <-t.Context().Done() })
	begun := time.Now()
	_, err = load.Batch(within(t, 50*time.Millisecond), load.Config{Addr: silent, Conns: 4},
		load.Hooks{})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 5*time.Second {
		t.Errorf("cancelled: %v after %v", err, time.Since(begun))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = load.Batch(ctx, load.Config{Addr: silent}, load.Hooks{}); !errors.Is(err,
		context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
	for want, config := range map[string]load.Config{
		"-1 connections":                    {Addr: addr, Conns: -1},
		"neither idle nor deaf connection":  {Addr: addr, Idle: 1},
		"a batch has neither idle nor deaf": {Addr: addr, Deaf: 1},
		"2 requests on each connection":     {Addr: addr, Depth: 2},
		"leaves room for":                   {Addr: addr, Conns: load.MaxConns() + 100},
		`address "no.such.host.invalid:80"`: {Addr: "no.such.host.invalid:80"},
	} {
		_, err := load.Batch(t.Context(), config, load.Hooks{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Batch(%+v): %v; want %s", config, err, want)
		}
	}
}
