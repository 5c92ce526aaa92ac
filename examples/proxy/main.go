// Command proxy connects each of its clients to another server, and passes bytes both ways.
//
//	go run ./examples/proxy --to example.com:80
//
// It reads from one side no faster than the other takes it: what it holds for a connection is a
// chunk and 64 KiB for each direction, however fast the one and slow the other. When one side has
// ended its stream the other is told so, and can still answer. What breaks on one side is reset on
// the other, so that nobody takes a part for the whole.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"syscall"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "the address to listen on")
	to := flag.String("to", "", "the address to connect clients to")
	flag.Parse()
	if *to == "" {
		log.Fatal("--to is missing: where to connect clients to")
	}
	err := kettle.Run(func(t *kettle.Task) error {
		ln, err := stream.Listen(t, "tcp", *addr)
		if err != nil {
			return err
		}
		fmt.Println("listening on", ln.Addr())
		return stream.Serve(t, ln, func(t *kettle.Task, client *stream.Conn) error {
			dialer := stream.Dialer{Timeout: 10 * time.Second}
			server, err := dialer.Dial(t, "tcp", *to)
			if err == nil {
				defer server.Close()
				err = join(t, client, server)
			}
			if err != nil {
				client.Abort()
			}
			return err
		})
	}, kettle.DrainOn(10*time.Second, os.Interrupt, syscall.SIGTERM))
	if err != nil {
		log.Fatal(err)
	}
}

// join passes bytes both ways, until both streams have ended, or one has broken.
func join(t *kettle.Task, client, server *stream.Conn) error {
	err := t.Group(func(g *kettle.Group) error {
		back := func(*kettle.Task) error { return pass(client, server) }
		if err := g.Go("back to "+t.Name(), back); err != nil {
			return err
		}
		return pass(server, client) // a failure cancels the other direction
	})
	if err != nil {
		server.Abort()
	}
	return err
}

// pass passes one stream on, its end included.
func pass(to, from *stream.Conn) error {
	if _, err := io.Copy(to, from); err != nil { // a read, then a write that suspends: no faster
		return err
	}
	return to.CloseWrite()
}
