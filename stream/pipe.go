package stream

import (
	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/transport"
)

// Pipe returns the two sides of a connection in memory, for tasks of the loop of t. Each is what a
// connection of TCP is, with at most 64 KiB under way in each direction, but that it holds no
// descriptor, and that with a virtual clock its deadlines take no time: it is for tests of what
// talks to a Conn, and for two parts of a program that could also be apart. Loop only.
func Pipe(t *kettle.Task) (*Conn, *Conn) {
	var home kettle.WaitQueue
	home.Init(t)
	a, b := newConn(&home), newConn(&home)
	transport.Pipe(t.EventLoop(), (*protocol)(a), (*protocol)(b))
	return a, b
}
