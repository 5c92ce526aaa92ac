package examples_test

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// upstream listens for what a proxy connects to, and has serve called with each connection.
func upstream(t *testing.T, serve func(*net.TCPConn)) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			}()
		}
	}()
	return ln.Addr().String()
}

// TestProxyPassesOnThatAClientHasEnded: the server hears of it, and answers only then.
func TestProxyPassesOnThatAClientHasEnded(t *testing.T) {
	// N4
	p := start(t, "proxy", "--to", upstream(t, func(c *net.TCPConn) {
		question, err := io.ReadAll(c)
		if err == nil {
			io.WriteString(c, strings.ToUpper(string(question)))
		}
	}))
	c := p.dial()
	send(t, c, "tea, ")
	send(t, c, "milk")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, c, "TEA, MILK")
	expectEnd(t, c)
	p.stop()
}

// TestProxyPassesOnThatAServerHasEnded: the client hears of it, and goes on sending.
func TestProxyPassesOnThatAServerHasEnded(t *testing.T) {
	type result struct {
		text []byte
		err  error
	}
	received := make(chan result, 1)
	p := start(t, "proxy", "--to", upstream(t, func(c *net.TCPConn) {
		io.WriteString(c, "what will it be?")
		c.CloseWrite()
		text, err := io.ReadAll(c)
		received <- result{text, err}
	}))
	c := p.dial()
	expect(t, c, "what will it be?")
	expectEnd(t, c)
	send(t, c, "tea, ")
	send(t, c, "milk")
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got := <-received; string(got.text) != "tea, milk" || got.err != nil {
		t.Errorf("the server has received %q, %v", got.text, got.err)
	}
	p.stop()
}

// TestProxyPassesOnThatAConnectionIsBroken: who has got a part must not take it for the whole.
func TestProxyPassesOnThatAConnectionIsBroken(t *testing.T) {
	t.Run("by the server", func(t *testing.T) {
		p := start(t, "proxy", "--to", upstream(t, func(c *net.TCPConn) {
			io.WriteString(c, "tea")
			io.ReadFull(c, make([]byte, 1)) // the client has it
			c.SetLinger(0)                  // so that Close resets it
		}))
		c := p.dial()
		expect(t, c, "tea")
		send(t, c, "x")
		if n, err := c.Read(make([]byte, 1)); !broken(err) {
			t.Errorf("the client reads %d bytes, %v, want a reset", n, err)
		}
		p.signal(os.Interrupt)
		if said := p.reports(); strings.Count(said, "connection reset") != 1 {
			t.Errorf("the proxy has reported %q", said)
		}
	})
	t.Run("by the client", func(t *testing.T) {
		got := make(chan error, 1)
		p := start(t, "proxy", "--to", upstream(t, func(c *net.TCPConn) {
			io.WriteString(c, "tea")
			_, err := io.Copy(io.Discard, c)
			got <- err
		}))
		c := p.dial()
		send(t, c, "x")
		expect(t, c, "tea")
		c.SetLinger(0)
		c.Close()
		if err := <-got; !broken(err) {
			t.Errorf("the server reads %v in the end, want a reset", err)
		}
		p.stop()
	})
}

// TestProxyWithoutAServer: the client is not left waiting, and the proxy goes on.
func TestProxyWithoutAServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	p := start(t, "proxy", "--to", ln.Addr().String())
	for range 3 {
		c, err := net.DialTimeout("tcp", p.addr, patience)
		if err == nil {
			c.SetDeadline(time.Now().Add(patience))
			_, err = c.Read(make([]byte, 1))
			c.Close()
		}
		if !broken(err) { // which it may be as soon as the client looks
			t.Errorf("the client has got %v, want a reset", err)
		}
	}
	p.signal(os.Interrupt)
	if said := p.reports(); strings.Count(said, "connection refused") != 3 {
		t.Errorf("the proxy has reported %q", said)
	}
}

// TestProxyAnswersInADrain: who has asked is answered, though the drain has begun, and has ended a
// connection where nobody asks for anything.
func TestProxyAnswersInADrain(t *testing.T) {
	asked, drained := make(chan struct{}), make(chan struct{})
	p := start(t, "proxy", "--to", upstream(t, func(c *net.TCPConn) {
		if _, err := io.ReadFull(c, make([]byte, 4)); err != nil {
			close(drained)
			return
		}
		close(asked)
		<-drained
		io.WriteString(c, "tea")
		io.Copy(io.Discard, c)
	}))
	idle, c := p.dial(), p.dial()
	send(t, c, "more")
	<-asked
	p.signal(os.Interrupt)
	expectEnd(t, idle)
	expect(t, c, "tea")
	expectEnd(t, c)
	p.wait()
}
