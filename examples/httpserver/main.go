// Command httpserver is net/http on connections of an event loop.
//
//	go run ./examples/httpserver
//	curl http://127.0.0.1:PORT
//
// Package http knows nothing of loops. It has a goroutine for each connection, as always, and a
// net.Listener whose connections live on the loop. So HTTP can stand beside tasks in one program.
package main

import (
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
		server := &http.Server{Handler: http.HandlerFunc(hello)}
		return ln.ServeNet(t, server) // until drained, and every request has been answered
	}, kettle.DrainOn(10*time.Second, os.Interrupt, syscall.SIGTERM))
	if err != nil {
		log.Fatal(err)
	}
}

// hello runs on a goroutine of package http.
func hello(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "hello")
}
