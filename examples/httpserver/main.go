// Command httpserver is net/http on connections of an event loop.
//
//	go run ./examples/httpserver
//	curl http://127.0.0.1:PORT
//
// Package http knows nothing of loops. It has a goroutine for each connection, as always, and a
// net.Listener whose connections live on the loop. So HTTP can stand beside tasks in one program.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "the address to listen on")
	flag.Parse()
	err := kettle.Run(func(t *kettle.Task) error {
		ln, err := stream.Listen(t, "tcp", *addr)
		if err != nil {
			return err
		}
		fmt.Println("listening on", ln.Addr())
		return serve(t, ln)
	}, kettle.DrainOn(10*time.Second, os.Interrupt, syscall.SIGTERM))
	if err != nil {
		log.Fatal(err)
	}
}

// serve serves until the drain begins, and then ends when every request has been answered.
func serve(t *kettle.Task, ln *stream.Listener) error {
	server := &http.Server{Handler: http.HandlerFunc(hello)}
	return t.Group(func(g *kettle.Group) error {
		err := g.Go("shutdown", func(t *kettle.Task) error {
			if err := t.AwaitDrain(); err != nil {
				return err
			}
			_, err := kettle.Blocking(t, func(ctx context.Context) (any, error) {
				return nil, server.Shutdown(ctx)
			})
			return err
		})
		if err != nil {
			return err
		}
		l := stream.NetListener(g, ln)
		_, err = kettle.Blocking(t, func(context.Context) (any, error) {
			return nil, server.Serve(l)
		})
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
}

// hello runs on a goroutine of package http.
func hello(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "hello")
}
