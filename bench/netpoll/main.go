// The command netpoll is the service on cloudwego/netpoll: an event loop in front of a pool of
// goroutines, with buffers that are linked rather than copied.
//
//	netpoll HOST:PORT
//
// It is not quite what the others are. It reads ahead of the handler without a limit, so that a
// client that does not read makes it hold all that the client sends
// (github.com/cloudwego/netpoll/issues/422). And it closes a connection when its client has ended
// its side, so that what came just before may stay unanswered.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/cloudwego/netpoll"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: netpoll HOST:PORT")
		os.Exit(2)
	}
	if err := serve(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "netpoll:", err)
		os.Exit(1)
	}
}

func serve(addr string) error {
	l, err := netpoll.CreateListener("tcp", addr)
	if err != nil {
		return err
	}
	loop, err := netpoll.NewEventLoop(answer)
	if err != nil {
		return err
	}
	return loop.Serve(l)
}

// answer answers what there is. The library calls it again as long as there is more, and has set
// TCP_NODELAY.
func answer(_ context.Context, c netpoll.Connection) error {
	in, out := c.Reader(), c.Writer()
	n := in.Len()
	request, err := in.Next(n)
	if err != nil {
		return err
	}
	reply, err := out.Malloc(n)
	if err != nil {
		return err
	}
	copy(reply, request)
	upper(reply)
	if err := in.Release(); err != nil {
		return err
	}
	return out.Flush()
}

// upper turns ASCII letters into upper case, eight bytes at a time: in each byte without its high
// bit, one sum carries into that bit from 'a' on, the other behind 'z'.
func upper(p []byte) {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for ; len(p) >= 8; p = p[8:] {
		w := binary.LittleEndian.Uint64(p)
		low := w &^ high
		letters := (low + ones*(0x80-'a')) &^ (low + ones*(0x80-'z'-1)) &^ w & high
		binary.LittleEndian.PutUint64(p, w-letters>>2)
	}
	for i, b := range p {
		if b-'a' < 26 {
			p[i] = b - ('a' - 'A')
		}
	}
}
