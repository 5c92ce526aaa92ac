// Command push sends the lines of its standard input to all who are connected, on several loops.
//
//	tail -f log | go run ./examples/push --disconnect
//
// No line waits: a subscriber for whom too much is pending misses it, or is disconnected.
package main

import (
	"bufio"
	"context"
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

// hub is one loop, and its subscribers, whom the tasks of the loop share without a lock.
type hub struct {
	loop        kettle.Handle
	subscribers map[*stream.Conn]bool
}

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "the address to listen on")
	loops := flag.Uint("loops", 2, "how many loops to use")
	disconnect := flag.Bool("disconnect", false, "disconnect who is slow")
	flag.Parse()
	port, err := stream.Reserve("tcp", *addr)
	if err != nil {
		log.Fatal(err)
	}
	hubs := make(chan *hub, *loops)
	go publish(port, hubs, *disconnect)
	err = kettle.Run(func(t *kettle.Task) error { // on each loop
		ln, err := port.Listen(t, stream.ListenConfig{})
		if err != nil {
			return err
		}
		h := &hub{t.Handle(), map[*stream.Conn]bool{}}
		hubs <- h // for which there is room
		return stream.Serve(t, ln, func(_ *kettle.Task, c *stream.Conn) error {
			h.subscribers[c] = true
			defer delete(h.subscribers, c)
			_, err := io.Copy(io.Discard, c) // until the subscriber leaves
			return err
		})
	}, kettle.Loops(int(*loops)), kettle.DrainOn(10*time.Second, os.Interrupt, syscall.SIGTERM))
	if err != nil {
		log.Fatal(err)
	}
}

// publish, an ordinary goroutine, hands each line to one loop after the other, and waits for it.
func publish(port *stream.Port, hubs <-chan *hub, disconnect bool) {
	all := []*hub{<-hubs}
	for len(all) < cap(hubs) {
		all = append(all, <-hubs)
	}
	fmt.Println("listening on", port.Addr())
	in := bufio.NewReader(os.Stdin)
	for line, err := in.ReadBytes('\n'); err == nil; line, err = in.ReadBytes('\n') {
		for _, h := range all {
			_ = h.loop.Submit(context.Background(), "push", func(*kettle.Task) error {
				for c := range h.subscribers {
					if c.TryWrite(line) != nil && disconnect {
						c.Abort()
					}
				}
				return nil
			}) // an error says that the loop has ended
		}
	}
}
