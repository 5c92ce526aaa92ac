// Command echo sends back what it receives, to any number of clients at once, on one goroutine's
// event loop.
//
//	go run ./examples/echo
//
// It is the smallest server there is here. What it does not say is the point: a client that does
// not read suspends its own task and no other, and an interrupt ends the program when every client
// has been answered.
package main

import (
	"flag"
	"fmt"
	"log"
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
		return stream.Serve(t, ln, echo) // until drained, and every client has been answered
	}, kettle.DrainOn(10*time.Second, os.Interrupt, syscall.SIGTERM))
	if err != nil {
		log.Fatal(err)
	}
}

// echo is the task of one client.
func echo(_ *kettle.Task, c *stream.Conn) error {
	for {
		chunk, err := c.Next() // suspends this task, never the loop
		if err != nil {
			return err // io.EOF: the client has finished
		}
		if _, err := c.Write(chunk); err != nil { // suspends while the client is slow
			return err
		}
	}
}
