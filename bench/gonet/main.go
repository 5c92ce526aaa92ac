// The command gonet is the service on Go's net and nothing else: what a Go program does that has
// heard of no library. The runtime's poller is the event loop, and each connection has a goroutine.
//
//	gonet HOST:PORT
package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/kettle-go/kettle/internal/ascii"
)

// chunk is what io.Copy takes too.
const chunk = 32 << 10

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gonet HOST:PORT")
		os.Exit(2)
	}
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "gonet:", err)
		os.Exit(1)
	}
	for {
		c, err := l.Accept()
		if err != nil { // out of descriptors: clients wait in the backlog
			time.Sleep(5 * time.Millisecond)
			continue
		}
		go serve(c)
	}
}

// serve answers until the client has ended its side. Go's net has set TCP_NODELAY.
func serve(c net.Conn) {
	defer c.Close()
	buf := make([]byte, chunk)
	for {
		n, err := c.Read(buf)
		ascii.Upper(buf[:n])
		if _, writeErr := c.Write(buf[:n]); err != nil || writeErr != nil {
			return
		}
	}
}
