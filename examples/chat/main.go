// Command chat is a room: a line that one client writes, all of them read. Who reads slowly delays
// nobody, and is put out in the end: each client has an inbox, and two tasks.
//
//	go run ./examples/chat
package main

import (
	"errors"
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

// room has the inboxes. All tasks share it: they run on one loop, so it has no lock.
type room map[*stream.Conn]*kettle.Queue[string]

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "the address to listen on")
	flag.Parse()
	err := kettle.Run(func(t *kettle.Task) error {
		ln, err := stream.Listen(t, "tcp", *addr)
		if err != nil {
			return err
		}
		fmt.Println("listening on", ln.Addr())
		return stream.Serve(t, ln, room{}.serve) // until drained
	}, kettle.DrainOn(10*time.Second, os.Interrupt, syscall.SIGTERM))
	if err != nil {
		log.Fatal(err)
	}
}

// serve reads from a client, while the task that it starts writes. The group waits for both.
func (r room) serve(t *kettle.Task, c *stream.Conn) error {
	return t.Group(func(g *kettle.Group) error {
		inbox := kettle.NewQueue[string](256)
		r[c] = inbox
		defer inbox.Shutdown(false) // the writer sends what is in it, then ends
		r.tell(t.Name() + " has come")
		defer r.tell(t.Name() + " has left")
		defer delete(r, c)
		err := g.Go("writer", func(t *kettle.Task) error { return write(t, c, inbox) })
		for line, failure := range c.Lines() {
			if err = errors.Join(err, failure); err != nil {
				break
			}
			r.tell(t.Name() + ": " + string(line))
			err = t.Yield() // to the writers: only who does not read may be behind
		}
		return err // a failure cancels the writer
	})
}

func (r room) tell(line string) { // does not suspend: nobody comes or leaves meanwhile
	for c, inbox := range r {
		if !inbox.TryPut(line + "\n") {
			c.Abort() // its reader fails, and leaves
		}
	}
}

func write(t *kettle.Task, c *stream.Conn, inbox *kettle.Queue[string]) error {
	for line, err := range inbox.All(t) {
		if err != nil {
			return err
		}
		if _, err := io.WriteString(c, line); err != nil {
			return err
		}
	}
	return nil
}
