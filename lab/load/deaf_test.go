package load_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// deafest is from which connection on those are deaf that the loads here have.
const deafest = 4

// beside serves connections as upper does, but for the deaf ones, which are left to other.
func beside(ctx context.Context, other func(context.Context, net.Conn)) handler {
	return func(i int, c net.Conn) {
		if i < deafest {
			upper(i, c)
			return
		}
		other(ctx, c)
	}
}

// TestDeafConnectionsAreInNoOtherFigure, whatever a server does with them.
func TestDeafConnectionsAreInNoOtherFigure(t *testing.T) {
	const most = 2 * load.DeafMost
	for _, tt := range []struct {
		name  string
		other func(context.Context, net.Conn)
		lost  int
		sent  func(n int64) bool
	}{
		{"answered", func(_ context.Context, c net.Conn) { upper(0, c) }, 0,
			func(n int64) bool { return n > 1000 && n < most }},
		{"not read", func(ctx context.Context, _ net.Conn) { <-ctx.Done() }, 0,
			func(n int64) bool { return n > 1000 && n < most }},
		{"reset", func(_ context.Context, c net.Conn) {
			c.Read(make([]byte, 1))
			reset(c.(*net.TCPConn))
		}, 2, func(n int64) bool { return n > 0 && n < most }},
		{"taken", func(_ context.Context, c net.Conn) { io.Copy(io.Discard, c) }, 0,
			func(n int64) bool { return n == most }},
	} {
		for _, backend := range load.Backends() {
			t.Run(tt.name+"/"+backend, func(t *testing.T) {
				addr := serve(t, beside(t.Context(), tt.other))
				l := dial(t, load.Config{Addr: addr, Conns: 3, Idle: 1, Deaf: 2, Backend: backend})
				if s := l.Stats(); s.Conns != 6 || s.Live() != 6 {
					t.Errorf("there are %+v", s)
				}
				if n, err := l.Greet(t.Context(), 5*time.Second); n != 4 || err != nil {
					t.Errorf("Greet = %d, %v", n, err)
				}
				var last *load.Result
				for end := time.Now().Add(10 * time.Second); ; {
					last = saturate(t, l, 50*time.Millisecond)
					check(t, last, 3)
					last = pace(t, l, 500, 50*time.Millisecond)
					check(t, last, 3)
					settled := last.DeafLost == tt.lost && tt.sent(last.DeafSent)
					if settled || time.Now().After(end) {
						break
					}
				}
				if last.DeafConns != 2 || last.DeafLost != tt.lost || !tt.sent(last.DeafSent) {
					t.Errorf("%d deaf connections, %d lost, have sent %d bytes", last.DeafConns,
						last.DeafLost, last.DeafSent)
				}
				if r := last.Report(); r.DeafConns != 2 || r.DeafSent != last.DeafSent {
					t.Errorf("the report is %+v", r)
				}
				s := l.Stats()
				if s.Lost != 0 || s.First != nil || s.DeafLost != tt.lost ||
					s.Live() != 6-tt.lost {
					t.Errorf("after it: %+v", s)
				}
			})
		}
	}
}

// TestDeafConnectionsSendOnlyInPhases of load, and then what the others send: whole lines to a
// server that counts them.
func TestDeafConnectionsSendOnlyInPhases(t *testing.T) {
	const size = 100
	var sent, ends atomic.Int64
	addr := serve(t, func(i int, c net.Conn) {
		if i == 0 {
			counting(right)(i, c)
			return
		}
		for buf := make([]byte, 4096); ; {
			n, err := c.Read(buf)
			sent.Add(int64(n))
			ends.Add(int64(bytes.Count(buf[:n], []byte("\n"))))
			if err != nil {
				return
			}
		}
	})
	l := dial(t, load.Config{Addr: addr, Deaf: 1, Size: size, Service: "count"})
	if _, err := l.Greet(t.Context(), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Idle(t.Context(), 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if n := sent.Load(); n != 0 {
		t.Errorf("%d bytes were sent before there was load", n)
	}
	total := saturate(t, l, 20*time.Millisecond).DeafSent
	arrived := func() bool { return sent.Load() == total }
	for end := time.Now().Add(10 * time.Second); !arrived() && time.Now().Before(end); {
		if _, err := l.Idle(t.Context(), time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if !arrived() || ends.Load() != total/size {
		t.Errorf("%d bytes were sent, and %d have arrived with %d ends of lines", total,
			sent.Load(), ends.Load())
	}
}
