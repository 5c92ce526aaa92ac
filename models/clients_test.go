package models_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// upper is the service, written so that it shares nothing with what is tested.
func upper(p []byte) []byte {
	p = bytes.Clone(p)
	for i, b := range p {
		if 'a' <= b && b <= 'z' {
			p[i] = b - 32
		}
	}
	return p
}

// noise returns n bytes, of all 256 values, that follow from the seed: what is at which place
// can be told apart.
func noise(seed uint64, n int) []byte {
	p := make([]byte, n)
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	rand.NewChaCha8(key).Read(p)
	return p
}

// dial connects to a server. All that is done with the connection has to happen in time.
func dial(addr string) (*net.TCPConn, error) { return dialNarrow(addr, 0) }

// dialNarrow is dial with a receive buffer of so many bytes, so that the server soon finds no
// room to send; 0 is the system's choice. It is said before connecting: a window that shrinks
// afterwards makes a Linux sender wait for its timer.
func dialNarrow(addr string, buffer int) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: patience}
	d.Control = func(_, _ string, raw syscall.RawConn) (err error) {
		if buffer > 0 {
			raw.Control(func(fd uintptr) { err = sys.SetRecvBuffer(int(fd), buffer) })
		}
		return err
	}
	conn, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.TCPConn), nil
}

// connect returns a client of the server, which leaves with the test at the latest.
func (s *server) connect(t *testing.T) *net.TCPConn {
	t.Helper()
	return s.connectNarrow(t, 0)
}

// connectNarrow is connect with a receive buffer of so many bytes.
func (s *server) connectNarrow(t *testing.T, buffer int) *net.TCPConn {
	t.Helper()
	conn, err := dialNarrow(s.addr, buffer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// say sends all of p.
func say(t *testing.T, c net.Conn, p []byte) {
	t.Helper()
	if _, err := c.Write(p); err != nil {
		t.Fatalf("send %d bytes: %v", len(p), err)
	}
}

// expect receives the answer to p, to its last byte and no further.
func expect(t *testing.T, c net.Conn, p []byte) {
	t.Helper()
	if err := receive(c, p); err != nil {
		t.Fatal(err)
	}
}

// ask sends text and expects the answer.
func ask(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if err := exchange(c, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// exchange sends p and receives the answer. P has to fit into the kernel's buffers.
func exchange(c net.Conn, p []byte) error {
	if _, err := c.Write(p); err != nil {
		return fmt.Errorf("send %d bytes: %w", len(p), err)
	}
	return receive(c, p)
}

// receive receives the answer to p and compares it, as it comes.
func receive(c net.Conn, p []byte) error {
	a := answer{want: upper(p)}
	buf := make([]byte, 32<<10)
	for a.at < len(a.want) {
		n, err := c.Read(buf[:min(len(buf), len(a.want)-a.at)])
		if err := a.take(buf[:n]); err != nil {
			return err
		}
		if err != nil {
			return fmt.Errorf("receive byte %d of %d: %w", a.at, len(a.want), err)
		}
	}
	return nil
}

// answer compares what comes back, piece by piece, with what should.
type answer struct {
	want []byte
	at   int
}

func (a *answer) take(p []byte) error {
	if n := min(len(p), len(a.want)-a.at); !bytes.Equal(p[:n], a.want[a.at:a.at+n]) {
		for i := range n {
			if p[i] != a.want[a.at+i] {
				return fmt.Errorf("byte %d is answered by %q, want %q", a.at+i, p[i],
					a.want[a.at+i])
			}
		}
	}
	if a.at += len(p); a.at > len(a.want) {
		return fmt.Errorf("%d bytes came back for %d", a.at, len(a.want))
	}
	return nil
}

// expectEnd expects the end of the stream, and nothing before it.
func expectEnd(t *testing.T, c net.Conn) {
	t.Helper()
	if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Fatalf("read %d bytes, %v: want the end of the stream", n, err)
	}
}

// expectNothing looks for a while whether an answer comes that must not.
func expectNothing(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	if n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("read %d bytes, %v: want neither bytes nor an end", n, err)
	}
	c.SetReadDeadline(time.Now().Add(patience))
}

// reset ends the connection with RST: what the server has sent or still sends is refused.
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// sender sends on a goroutine of its own, so that nobody has to read meanwhile.
type sender struct {
	sent atomic.Int64
	done chan struct{}
	err  error // once done
}

// sendAside begins to send p, times times over, and then calls last, if any.
func sendAside(c *net.TCPConn, p []byte, times int, last func() error) *sender {
	s := &sender{done: make(chan struct{})}
	go func() {
		defer close(s.done)
		for range times {
			for rest := p; len(rest) > 0; {
				n, err := c.Write(rest[:min(len(rest), 32<<10)])
				s.sent.Add(int64(n))
				if rest = rest[n:]; err != nil {
					s.err = err
					return
				}
			}
		}
		if last != nil {
			s.err = last()
		}
	}()
	return s
}

// finished reports whether all has been sent, or cannot be.
func (s *sender) finished() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// settle waits until all is sent, or until sending makes no progress any more: the buffers on
// the way are full then.
func (s *sender) settle(ctx context.Context) {
	for sent := int64(-1); !s.finished() && sent != s.sent.Load(); {
		sent = s.sent.Load()
		window(ctx, 150*time.Millisecond)
	}
}

// together runs f n times at the same time, or in turn, and returns the first error.
func together(n int, serial bool, f func(i int) error) error {
	results := make(chan error, n)
	var first error
	for i := range n {
		go func() { results <- f(i) }()
		if serial {
			first = firstOf(first, <-results)
		}
	}
	for range n {
		if !serial {
			first = firstOf(first, <-results)
		}
	}
	return first
}

func firstOf(first, next error) error {
	if first != nil {
		return first
	}
	return next
}
