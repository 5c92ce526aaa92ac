package stream_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/stream"
)

// exchange is a way to answer one message; the messages are lines of 64 bytes.
type exchange struct {
	name   string
	answer func(c *stream.Conn) error
}

func exchanges() []exchange {
	full, some := make([]byte, 64), make([]byte, 4096)
	pieces := make([][]byte, 2)
	return []exchange{
		{"Next", func(c *stream.Conn) error { p, err := c.Next(); return answer(c, p, err) }},
		{"Read", func(c *stream.Conn) error {
			n, err := c.Read(some)
			return answer(c, some[:n], err)
		}},
		{"ReadFull", func(c *stream.Conn) error {
			n, err := c.ReadFull(full)
			return answer(c, full[:n], err)
		}},
		{"ReadLine", func(c *stream.Conn) error {
			p, err := c.ReadLine()
			if err == nil {
				p = p[:64] // with its end, which is where it was
			}
			return answer(c, p, err)
		}},
		{"TryWrite", func(c *stream.Conn) error {
			p, err := c.Next()
			if err != nil {
				return err
			}
			return c.TryWrite(p)
		}},
		{"Writev", func(c *stream.Conn) error {
			p, err := c.Next()
			if err != nil {
				return err
			}
			pieces[0], pieces[1] = p[:10], p[10:]
			_, err = c.Writev(pieces)
			return err
		}},
	}
}

func answer(c *stream.Conn, p []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = c.Write(p)
	return err
}

// line64 is a message.
func line64() []byte { return []byte(fmt.Sprintf("%63s\n", "a message")) }

// conversation runs main with a connection of TCP whose peer answers in that way.
func conversation(tb testing.TB, e exchange, main func(c *stream.Conn, one func() error),
	options ...kettle.Option) {
	tb.Helper()
	err := kettle.Run(func(t *kettle.Task) error {
		ln, err := stream.Listen(t, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		client, err := stream.Dial(t, "tcp", ln.Addr().String())
		if err != nil {
			return err
		}
		defer client.Close()
		server, err := ln.Accept()
		if err != nil {
			return err
		}
		defer server.Close()
		return t.Group(func(g *kettle.Group) error {
			g.Go("server", func(*kettle.Task) error {
				for {
					if err := e.answer(server); err != nil {
						return ignoreEOF(err)
					}
				}
			})
			message, got := line64(), make([]byte, 64)
			main(client, func() error {
				if _, err := client.Write(message); err != nil {
					return err
				}
				_, err := client.ReadFull(got)
				return err
			})
			return client.CloseWrite()
		})
	}, options...)
	if err != nil {
		tb.Error(err)
	}
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// TestMessagesDoNotAllocate: once the buffers are there, neither side of a conversation makes work
// for the garbage collector, however the message is read.
func TestMessagesDoNotAllocate(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		for _, e := range exchanges() {
			t.Run(e.name, func(t *testing.T) {
				conversation(t, e, func(_ *stream.Conn, one func() error) {
					var failure error
					n := testing.AllocsPerRun(500, func() {
						if err := one(); err != nil {
							failure = err
						}
					})
					if n > 0 || failure != nil {
						t.Errorf("a message allocates %v times: %v", n, failure)
					}
				}, backend)
			})
		}
	})
}

// BenchmarkMessage is a round trip of 64 bytes between two tasks of one loop, over TCP: both sides
// are in the figure. It fails if a message allocates.
func BenchmarkMessage(b *testing.B) {
	for _, backend := range selectors.Candidates() {
		if s, err := selectors.Open(backend); err != nil {
			continue
		} else if err = s.Close(); err != nil {
			b.Fatal(err)
		}
		for _, e := range exchanges() {
			b.Run("backend="+backend+"/way="+e.name, func(b *testing.B) {
				conversation(b, e, func(_ *stream.Conn, one func() error) {
					benchmarkMessage(b, one)
				}, kettle.Backend(backend))
			})
		}
	}
}

func benchmarkMessage(b *testing.B, one func() error) {
	b.ReportAllocs()
	if err := one(); err != nil { // makes the buffers
		b.Error(err)
		return
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for b.Loop() {
		if err := one(); err != nil {
			b.Error(err)
			return
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > 200+uint64(b.N)/20 { // the runtime has some
		b.Errorf("%d allocations for %d messages", n, b.N)
	}
}
