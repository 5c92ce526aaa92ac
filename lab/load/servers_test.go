package load_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/ascii"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/load"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler serves connection number i, in the order in which they were accepted.
type handler func(i int, c net.Conn)

// serve runs a server with a goroutine for each connection until the test ends, and returns
// its address.
func serve(t testing.TB, handle handler) string {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		conns []net.Conn
	)
	wg.Go(func() {
		for i := 0; ; i++ {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				handle(i, c)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return ln.Addr().String()
}

// upper answers every byte in upper case.
func upper(_ int, c net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		ascii.Upper(buf[:n])
		if _, werr := c.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// altered is upper with its stream of answers put through change, which gets each piece and
// its position.
func altered(change func(pos int, piece []byte) []byte) handler {
	return func(_ int, c net.Conn) {
		buf := make([]byte, 4096)
		pos := 0
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			ascii.Upper(buf[:n])
			if _, err := c.Write(change(pos, buf[:n])); err != nil {
				return
			}
			pos += n
		}
	}
}

// dial makes a load that is closed when the test ends.
func dial(t testing.TB, config load.Config) *load.Load {
	t.Helper()
	if config.Timeout == 0 {
		config.Timeout = 5 * time.Second
	}
	l, err := load.Dial(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// saturate runs a closed loop and fails the test if it fails.
func saturate(t testing.TB, l *load.Load, d time.Duration) *load.Result {
	t.Helper()
	res, err := l.Saturate(t.Context(), d/10, d, load.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// pace runs a fixed rate and fails the test if it fails.
func pace(t testing.TB, l *load.Load, rate float64, d time.Duration) *load.Result {
	t.Helper()
	res, err := l.Pace(t.Context(), rate, d/10, d, load.Hooks{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// serial answers requests of size bytes one after the other, each after wait(k), where k is
// its number on the connection.
func serial(size int, wait func(k int)) handler {
	return func(_ int, c net.Conn) {
		buf := make([]byte, size)
		for k := 0; ; k++ {
			if _, err := io.ReadFull(c, buf); err != nil {
				return
			}
			wait(k)
			ascii.Upper(buf)
			if _, err := c.Write(buf); err != nil {
				return
			}
		}
	}
}

// within is a context that is cancelled after d.
func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
