package stream_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/stream"
)

// A handshake that fails, or panics, is the end of its connection, and no affair of others. What is
// written before it is over is not sent in the clear.
func TestHandshakeOfGoroutinesFails(t *testing.T) {
	sides := newTLSSides(t)
	config := sides.server.Clone()
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		if hello.ServerName == "panic."+tlsHost {
			panic("a test of what a panic does")
		}
		return nil, nil
	}
	incidents := make(chan loop.Incident, 1)
	o := newOutside(t, stream.ListenConfig{TLS: config},
		kettle.OnIncident(func(in loop.Incident) { incidents <- in }))

	here, there := o.pair(t)
	if _, err := here.Write([]byte("in the clear?")); err != nil {
		t.Error(err)
	}
	if _, err := there.Write([]byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
		t.Error(err)
	}
	if _, err := here.Read(make([]byte, 1)); err == nil {
		t.Error("a Read succeeds after a handshake that failed")
	}
	if got, _ := io.ReadAll(there); len(got) > 0 && got[0] != 21 { // an alert
		t.Errorf("the peer got %q", got)
	}

	odd := sides.client.Clone()
	odd.ServerName = "panic." + tlsHost
	if c, err := tls.Dial("tcp", o.Addr().String(), odd); err == nil {
		c.Close()
		t.Error("a handshake succeeds in which the server panicked")
	}
	var panicked *kettle.PanicError
	if in := <-incidents; !errors.As(in.Err, &panicked) {
		t.Errorf("%s: %v, want the panic", in.What, in.Err)
	}
	failed, err := o.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer failed.Close()
	if _, err := failed.Read(make([]byte, 1)); !errors.As(err, &panicked) {
		t.Errorf("Read: %v, want the panic", err)
	}

	client, err := tls.Dial("tcp", o.Addr().String(), sides.client)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := o.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	wantEcho(t, client, server)
}

// wantEcho sends something there and back.
func wantEcho(t *testing.T, from, to net.Conn) {
	t.Helper()
	p := make([]byte, 4)
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		if _, err := way[0].Write([]byte("echo")); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(way[1], p); err != nil || string(p) != "echo" {
			t.Fatalf("%q, %v", p, err)
		}
	}
}

// A client that ends its sending side without a word of TLS can still be answered, as it can by
// package net.
func TestConnOfGoroutinesAnswersWhoWasCutOff(t *testing.T) {
	sides := newTLSSides(t)
	o := newOutside(t, stream.ListenConfig{TLS: sides.server})
	here, there := o.pair(t)
	client := tls.Client(there, sides.client)
	wantEcho(t, client, here)
	closeWrite(t, there)
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Read: %v, want that it was cut off", err)
	}
	if _, err := here.Write([]byte("answer")); err != nil {
		t.Error(err)
	}
	closeWrite(t, here)
	if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
		t.Errorf("the client reads %q, %v", got, err)
	}
}
