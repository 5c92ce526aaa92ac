package stream_test

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/kettle-go/kettle/stream"
)

// The connections of the server are on a loop, or package net's; those of the clients are always
// net's. To compare:
//
//	go test -run ^$ -bench OfGoroutines -count 10 ./stream | benchstat -col /server -

// eachServer runs a benchmark with either listener.
func eachServer(b *testing.B, f func(b *testing.B, ln net.Listener)) {
	b.Run("server=net", func(b *testing.B) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer ln.Close()
		f(b, ln)
	})
	b.Run("server=kettle", func(b *testing.B) { f(b, newOutside(b, stream.ListenConfig{})) })
}

// serveEach serves each connection on a goroutine of its own, until the benchmark ends.
func serveEach(b *testing.B, ln net.Listener, serve func(net.Conn)) {
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	b.Cleanup(func() {
		ln.Close()
		wg.Wait()
	})
}

// echo is a server that answers what it has got.
func echo(c net.Conn) {
	p := make([]byte, 4096)
	for {
		n, err := c.Read(p)
		if err == nil {
			_, err = c.Write(p[:n])
		}
		if err != nil {
			return
		}
	}
}

// BenchmarkEchoOfGoroutines: one operation is 64 bytes there and back.
func BenchmarkEchoOfGoroutines(b *testing.B) {
	for _, conns := range []int{1, 100} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			eachServer(b, func(b *testing.B, ln net.Listener) {
				serveEach(b, ln, echo)
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for i := range conns {
					wg.Go(func() { pingPong(b, ln.Addr(), b.N/conns+min(1, b.N%conns/(i+1))) })
				}
				wg.Wait()
				b.StopTimer()
			})
		})
	}
}

func pingPong(b *testing.B, addr net.Addr, n int) {
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	p := make([]byte, 64)
	for range n {
		if _, err = c.Write(p); err == nil {
			_, err = io.ReadFull(c, p)
		}
		if err != nil {
			b.Error(err)
			return
		}
	}
}

// BenchmarkBulkOfGoroutines: one operation is 64 KiB, received or sent.
func BenchmarkBulkOfGoroutines(b *testing.B) {
	const size = 64 << 10
	for _, way := range []string{"receive", "send"} {
		b.Run("way="+way, func(b *testing.B) {
			eachServer(b, func(b *testing.B, ln net.Listener) {
				client, err := net.Dial("tcp", ln.Addr().String())
				if err != nil {
					b.Fatal(err)
				}
				defer client.Close()
				server, err := ln.Accept()
				if err != nil {
					b.Fatal(err)
				}
				defer server.Close()
				from, to := client, server
				if way == "send" {
					from, to = server, client
				}
				b.SetBytes(size)
				b.ResetTimer()
				go func() {
					p := make([]byte, size)
					for range b.N {
						from.Write(p)
					}
				}()
				p := make([]byte, size)
				for range b.N {
					if _, err := io.ReadFull(to, p); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkHTTPOfGoroutines: one operation is a request, of 50 clients that keep their connections.
func BenchmarkHTTPOfGoroutines(b *testing.B) {
	eachServer(b, func(b *testing.B, ln net.Listener) {
		serveHTTP(b, pages(), ln)
		client := clientOf(b, nil)
		b.ReportAllocs()
		b.SetParallelism(25)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				response, err := client.Get("http://" + ln.Addr().String() + "/hello")
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
		})
		b.StopTimer()
	})
}
