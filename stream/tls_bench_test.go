package stream_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// inTLSBench runs play as a task, with configurations of both sides.
func inTLSBench(b *testing.B, play func(t *kettle.Task, connect func() (a, b *stream.Conn))) {
	b.Helper()
	sides := newTLSSides(b)
	err := kettle.Run(func(t *kettle.Task) error {
		play(t, func() (client, server *stream.Conn) {
			client, server = stream.Pipe(t)
			var ofServer error
			err := t.Group(func(g *kettle.Group) error {
				err := g.Go("server's handshake", func(*kettle.Task) error {
					ofServer = server.StartTLSServer(sides.server)
					return nil
				})
				return errors.Join(err, client.StartTLS(sides.client))
			})
			if err = errors.Join(err, ofServer); err != nil {
				b.Fatal(err)
			}
			return client, server
		})
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// What a message and its answer cost, in memory.
func BenchmarkTLSExchange(b *testing.B) {
	for _, size := range []int{64, 16 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			inTLSBench(b, func(t *kettle.Task, connect func() (a, b *stream.Conn)) {
				client, server := connect()
				defer client.Abort()
				defer server.Abort()
				message, got := noise(1, size), make([]byte, size)
				b.SetBytes(2 * int64(size))
				b.ReportAllocs()
				for b.Loop() {
					for _, c := range []*stream.Conn{client, server} {
						_, err := c.Write(message)
						if err != nil {
							b.Fatal(err)
						}
						other := server
						if c == server {
							other = client
						}
						if _, err := other.ReadFull(got); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
		})
	}
}

// What an idle connection holds that has exchanged messages of a size, in bytes per side, the task
// that would wait for it not included.
func BenchmarkTLSIdle(b *testing.B) {
	const many = 200
	for _, size := range []int{64, 16 << 10} {
		b.Run(fmt.Sprintf("size=%d", size), func(b *testing.B) {
			inTLSBench(b, func(t *kettle.Task, connect func() (a, b *stream.Conn)) {
				message, got := noise(1, size), make([]byte, size)
				for b.Loop() {
					before := liveHeap()
					var all []*stream.Conn
					for range many {
						client, server := connect()
						all = append(all, client, server)
						for _, pair := range [][2]*stream.Conn{{client, server}, {server, client}} {
							_, err := pair[0].Write(message)
							if err == nil {
								_, err = pair[1].ReadFull(got)
							}
							if err == nil {
								err = findNothing(t, pair[1])
							}
							if err != nil {
								b.Fatal(err)
							}
						}
					}
					b.ReportMetric(float64(liveHeap()-before)/(2*many), "B/conn")
					for _, c := range all {
						c.Abort()
					}
				}
			})
		})
	}
}

// findNothing waits for a moment in vain, so that the connection gives its buffers back.
func findNothing(t *kettle.Task, c *stream.Conn) error {
	err := t.WithTimeout(1, func(*kettle.Task) error {
		_, err := c.Next()
		return err
	})
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
