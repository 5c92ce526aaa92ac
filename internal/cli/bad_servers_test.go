package cli_test

import (
	"net"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/kettle-go/kettle/internal/ascii"
)

// badServers are servers that a client should not believe: what each does with a connection
// until over is closed.
func badServers(over <-chan struct{}) map[string]func(*net.TCPConn) {
	return map[string]func(*net.TCPConn){
		// closes ends the connection after the first piece, without an answer.
		"closes": func(c *net.TCPConn) { c.Read(make([]byte, 1<<16)) },

		// resets does so with a reset.
		"resets": func(c *net.TCPConn) {
			c.Read(make([]byte, 1<<16))
			c.SetLinger(0)
		},

		// deaf receives all and never answers.
		"deaf": func(c *net.TCPConn) {
			answer(c, func([]byte) []byte { return nil })
			<-over
		},

		// wrong answers one byte in each piece wrongly.
		"wrong": func(c *net.TCPConn) {
			answer(c, func(p []byte) []byte {
				p[len(p)/2]++
				return p
			})
		},

		// twice answers everything two times.
		"twice": func(c *net.TCPConn) {
			answer(c, func(p []byte) []byte { return append(p, p...) })
		},
	}
}

// answer answers each piece with what change makes of it in upper case, until the client
// has finished.
func answer(c *net.TCPConn, change func([]byte) []byte) {
	buf := make([]byte, 1<<16)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		ascii.Upper(buf[:n])
		if _, err := c.Write(change(buf[:n:n])); err != nil {
			return
		}
	}
}

// badServer starts one of them; it ends with the script.
func badServer(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 2, "badserver VAR KIND")
	over := make(chan struct{})
	handle := badServers(over)[args[1]]
	if handle == nil {
		ts.Fatalf("there is no bad server %s", args[1])
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				handle(c.(*net.TCPConn))
			})
		}
	})
	ts.Defer(func() {
		close(over)
		l.Close()
		all.Wait() // the clients have ended, and with them their connections
	})
	ts.Setenv(args[0], l.Addr().String())
}

// nobody sets a variable to the address of a connection's own end. While that is open nobody
// else can listen there, and it does not itself.
func nobody(ts *testscript.TestScript, neg bool, args []string) {
	want(ts, neg, len(args) == 1, "nobody VAR")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	c, err := net.Dial("tcp", l.Addr().String())
	ts.Check(err)
	ts.Defer(func() { c.Close() })
	ts.Setenv(args[0], c.LocalAddr().String())
}
