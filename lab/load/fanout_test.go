package load_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// hub gives the lines of its connections to all of them. What deliver returns is what becomes of a
// line for a connection; nil: the line.
type hub struct {
	deliver func(conn, line int, text []byte) []byte

	mu      sync.Mutex
	members map[int]net.Conn
	lines   int
}

func (h *hub) serve(i int, c net.Conn) {
	h.mu.Lock()
	if h.members == nil {
		h.members = make(map[int]net.Conn)
	}
	h.members[i] = c
	h.mu.Unlock()
	for in := bufio.NewReader(c); ; {
		text, err := in.ReadBytes('\n')
		h.mu.Lock()
		if err != nil {
			delete(h.members, i)
			h.mu.Unlock()
			return
		}
		for conn, c := range h.members {
			out := text
			if h.deliver != nil {
				out = h.deliver(conn, h.lines, text)
			}
			c.Write(out)
		}
		h.lines++
		h.mu.Unlock()
	}
}

// publishing is a load of 4 connections that publish lines to each other.
func publishing(addr string) load.Config {
	return load.Config{Addr: addr, Conns: 4, Service: "publish"}
}

// fanout publishes at a rate.
func fanout(t *testing.T, l *load.Load, rate float64, d time.Duration) (*load.Result, error) {
	return l.Fanout(within(t, time.Minute), rate, d/10, d, load.Hooks{})
}

// TestEveryDeliveryIsCounted, and in the latencies, and so is each line.
func TestEveryDeliveryIsCounted(t *testing.T) {
	for _, backend := range load.Backends() {
		for _, size := range []int{17, 64, 1000, 16 << 10} {
			addr := serve(t, (&hub{}).serve)
			cfg := publishing(addr)
			cfg.Size, cfg.Backend = size, backend
			l := dial(t, cfg)
			if n, err := l.Greet(t.Context(), time.Minute); n != 4 || err != nil {
				t.Fatalf("Greet = %d, %v", n, err)
			}
			for range 2 {
				r, err := fanout(t, l, 200, 100*time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if r.Lines < 15 || r.Lines > 25 || r.Unanswered+r.Missed != 0 || r.Conns != 4 ||
					!r.Fanout {
					t.Errorf("%s, %d bytes: %+v", backend, size, r)
				}
				if r.Latency.TotalCount() != 4*r.Lines || r.Last.TotalCount() != r.Lines {
					t.Errorf("%d latencies of deliveries and %d of lines: there were %d lines",
						r.Latency.TotalCount(), r.Last.TotalCount(), r.Lines)
				}
				report := r.Report()
				if report.Lines != r.Lines || report.LastMax < report.LastP50 ||
					report.LastP50 <= 0 || report.LastMax < report.LatencyMax*99/100 {
					t.Errorf("the report is %+v", report)
				}
			}
		}
	}
}

// TestLastDeliveryIsTheSlowest: one connection gets everything later, and so is each line's last
// delivery; most deliveries are not.
func TestLastDeliveryIsTheSlowest(t *testing.T) {
	const late = 50 * time.Millisecond
	h := &hub{}
	h.deliver = func(conn, _ int, text []byte) []byte {
		if conn == 2 {
			c, text := h.members[conn], slices.Clone(text)
			time.AfterFunc(late, func() { c.Write(text) })
			return nil
		}
		return text
	}
	l := dial(t, publishing(serve(t, h.serve)))
	r, err := fanout(t, l, 10, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if least := r.Last.Min(); least < late.Nanoseconds()*99/100 {
		t.Errorf("a last delivery after %v", time.Duration(least))
	}
	if n := r.Latency.TotalCount(); n != 4*r.Lines || r.Unanswered != 0 {
		t.Errorf("%d deliveries of %d lines, %d missing", n, r.Lines, r.Unanswered)
	}
}

// TestWrongDeliveries are found: what is no line, or comes twice, or in another order.
func TestWrongDeliveries(t *testing.T) {
	for name, change := range map[string]func(text []byte) []byte{
		"a byte": func(text []byte) []byte {
			text[40]++
			return text
		},
		"its end": func(text []byte) []byte {
			text[len(text)-1] = ' '
			return text
		},
		"its number":  func(text []byte) []byte { return append([]byte("f"), text[1:]...) },
		"no number":   func(text []byte) []byte { return append([]byte("+"), text[1:]...) },
		"twice":       func(text []byte) []byte { return append(text, text...) },
		"half of it":  func(text []byte) []byte { return text[:len(text)/2] },
		"upper case":  func(text []byte) []byte { return []byte(strings.ToUpper(string(text))) },
		"an earlier":  func([]byte) []byte { return slices.Concat(first(0), first(1)) },
		"one to come": func(text []byte) []byte { return slices.Concat(text, first(1000)) },
	} {
		h := &hub{deliver: func(conn, line int, text []byte) []byte {
			if conn == 1 && line == 5 {
				return change(slices.Clone(text))
			}
			return text
		}}
		l := dial(t, publishing(serve(t, h.serve)))
		if _, err := fanout(t, l, 500, 50*time.Millisecond); !errors.Is(err, load.ErrWrongByte) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// first returns the number of a line.
func first(n int) []byte {
	const digits = "0123456789abcdef"
	text := []byte("0000000000000000")
	for i := len(text) - 1; n > 0; i-- {
		text[i] = digits[n%16]
		n /= 16
	}
	return text
}

// TestLinesThatAreMissing are counted: those instead of which a later one has come, and those of
// which nothing is known.
func TestLinesThatAreMissing(t *testing.T) {
	for _, tt := range []struct {
		name       string
		skips      func(line int) bool
		all        bool // nothing comes any more
		goesBeyond bool // the drain has to end by its time
	}{
		{"every fourth", func(line int) bool { return line%4 == 3 }, false, false},
		{"all from one on", func(line int) bool { return line > 10 }, true, true},
	} {
		h := &hub{deliver: func(conn, line int, text []byte) []byte {
			if conn == 3 && tt.skips(line) {
				return nil
			}
			return text
		}}
		cfg := publishing(serve(t, h.serve))
		cfg.Timeout = time.Second
		l := dial(t, cfg)
		if n, err := l.Greet(t.Context(), time.Minute); n != 4 || err != nil {
			t.Fatalf("Greet = %d, %v", n, err)
		}
		r, err := fanout(t, l, 200, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if r.Unanswered == 0 || r.Unanswered > r.Lines || (r.Missed == 0) != tt.all ||
			r.Missed > r.Unanswered {
			t.Errorf("%s: of %d lines to one connection, %d missing, %d of them missed", tt.name,
				r.Lines, r.Unanswered, r.Missed)
		}
		if n := r.Last.TotalCount(); n != r.Lines {
			t.Errorf("%s: %d of %d lines are in the latencies", tt.name, n, r.Lines)
		}
		if tt.goesBeyond && (r.Silent != 1 || r.Last.Max() < cfg.Timeout.Nanoseconds()*99/100) {
			t.Errorf("%s: %d silent, and the longest wait is %v", tt.name, r.Silent,
				time.Duration(r.Last.Max()))
		}
	}
}

// TestWhoNeverReadsIsNotWaitedFor, and is a connection like the others for the server.
func TestWhoNeverReadsIsNotWaitedFor(t *testing.T) {
	h := &hub{}
	cfg := publishing(serve(t, h.serve))
	cfg.Deaf = 3
	l := dial(t, cfg)
	r, err := fanout(t, l, 200, 50*time.Millisecond)
	if err != nil || r.Unanswered != 0 || r.Conns != 4 || r.DeafConns != 3 || r.DeafSent != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.members) != 7 {
		t.Errorf("the server has %d connections", len(h.members))
	}
}

// TestSubscribersThatAreLost are told, and the others go on.
func TestSubscribersThatAreLost(t *testing.T) {
	h := &hub{}
	h.deliver = func(conn, line int, text []byte) []byte {
		if conn == 2 && line == 8 {
			h.members[conn].Close()
		}
		return text
	}
	l := dial(t, publishing(serve(t, h.serve)))
	r, err := fanout(t, l, 200, 100*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Stats(); s.Lost != 1 || s.Dropped != 1 || r.Lost != 1 || r.Unanswered == 0 {
		t.Errorf("%+v, and %+v", s, r)
	}
	if n := r.Last.TotalCount(); n != r.Lines || r.Last.Max() > time.Minute.Nanoseconds()/2 {
		t.Errorf("%d of %d lines are in the latencies", n, r.Lines)
	}
}

// TestServersThatPublishNothing are an error, and nobody waits for ever.
func TestServersThatPublishNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		handle handler
		want   error
	}{
		"silent": {func(_ int, c net.Conn) { bufio.NewReader(c).ReadString(0) },
			load.ErrUnserved},
		"closes":     {func(int, net.Conn) {}, load.ErrUnserved},
		"upper case": {upper, load.ErrWrongByte},
	} {
		cfg := publishing(serve(t, tt.handle))
		cfg.Timeout = time.Second
		l := dial(t, cfg)
		_, err := fanout(t, l, 100, 10*time.Second)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// One that answers only who has sent serves one connection, and that is a result.
	cfg := publishing(serve(t, func(_ int, c net.Conn) {
		for in := bufio.NewReader(c); ; {
			text, err := in.ReadBytes('\n')
			if err != nil {
				return
			}
			c.Write(text)
		}
	}))
	cfg.Timeout = time.Second
	l := dial(t, cfg)
	if n, err := l.Greet(t.Context(), time.Second); n != 1 || err != nil {
		t.Errorf("Greet = %d, %v", n, err)
	}
	if r, err := fanout(t, l, 100, 50*time.Millisecond); err != nil || r.Conns != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestThePublisherIsLost is the end of the phase.
func TestThePublisherIsLost(t *testing.T) {
	h := &hub{}
	h.deliver = func(_, line int, text []byte) []byte {
		if line == 5 {
			for _, c := range h.members {
				c.Close()
			}
		}
		return text
	}
	l := dial(t, publishing(serve(t, h.serve)))
	began := time.Now()
	_, err := fanout(t, l, 500, 20*time.Second)
	if !errors.Is(err, load.ErrUnserved) || time.Since(began) > 15*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// TestOnlyFanoutIsForPublish, and Fanout for nothing else.
func TestOnlyFanoutIsForPublish(t *testing.T) {
	ctx, d := t.Context(), 10*time.Millisecond
	addr := serve(t, (&hub{}).serve)
	l := dial(t, publishing(addr))
	for name, phase := range map[string]func(*load.Load) error{
		"answers nobody": func(l *load.Load) error {
			_, err := l.Saturate(ctx, 0, d, load.Hooks{})
			return err
		},
		"only Fanout is possible": func(l *load.Load) error {
			_, err := l.Pace(ctx, 100, 0, d, load.Hooks{})
			return err
		},
		"churning": func(l *load.Load) error {
			_, err := l.Churn(ctx, 0, d, load.Hooks{})
			return err
		},
		"a batch": func(*load.Load) error {
			_, err := load.Batch(ctx, publishing(addr), load.Hooks{})
			return err
		},
		"more than 0": func(l *load.Load) error {
			_, err := l.Fanout(ctx, 0, 0, d, load.Hooks{})
			return err
		},
	} {
		if err := phase(l); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, change := range map[string]func(*load.Config){
		"lines of 16 bytes":      func(c *load.Config) { c.Size = 16 },
		"lines of 16385 bytes":   func(c *load.Config) { c.Size = 16<<10 + 1 },
		"2 heavy connections":    func(c *load.Config) { c.Heavy = 2 },
		"2 requests in flight":   func(c *load.Config) { c.Depth = 2 },
		"1 idle connections":     func(c *load.Config) { c.Idle = 1 },
		"there is upper, echo, ": func(c *load.Config) { c.Service = "publishing" },
	} {
		cfg := publishing(addr)
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	other := dial(t, load.Config{Addr: addr})
	if _, err := fanout(t, other, 100, d); err == nil ||
		!strings.Contains(err.Error(), "the service is upper, want publish") {
		t.Errorf("of another service: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := l.Fanout(cancelled, 100, 0, d, load.Hooks{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
