package cli_test

import (
	"fmt"
	"net"
	"os"
	"sync/atomic"
)

// faulty is a server process with something wrong about it, which its first argument says, or
// nothing; it listens on its second. It returns the exit code.
func faulty(args []string) int {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: faulty KIND ADDR")
		return 2
	}
	kind := args[0]
	if kind == "never" { // listens
		select {}
	}
	l, err := net.Listen("tcp", args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var pieces atomic.Int64
	for i := 0; ; i++ {
		c, err := l.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() {
			defer c.Close()
			answer(c.(*net.TCPConn), func(p []byte) []byte {
				return fault(kind, c, i, pieces.Add(1), p)
			})
		}()
	}
}

// many pieces are those of a load that is under way.
const many = 100

// fault is what a server of a kind makes of the answer to a piece, the nth of all, on its
// connection number i.
func fault(kind string, c net.Conn, i int, n int64, p []byte) []byte {
	switch {
	case kind == "wrong" && n > many:
		p[len(p)-1] ^= 1
	case kind == "closes":
		c.Close()
	case kind == "leaves" && i == 2 && n > many: // one of its clients, in the middle
		c.Close()
	case kind == "deaf":
		return nil
	case kind == "stops" && n > many:
		return nil
	case kind == "starves" && i == 2 && n > many:
		return nil
	case kind == "crashes" && n > many:
		fmt.Fprintln(os.Stderr, "out of water")
		os.Exit(3)
	case kind == "ends" && n > many:
		os.Exit(0)
	}
	return p
}
