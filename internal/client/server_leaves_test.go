package client

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"
)

// leaver answers the first n bytes and then closes, or resets.
func leaver(n int64, reset bool) func(*net.TCPConn) {
	return func(c *net.TCPConn) {
		defer c.Close()
		p := make([]byte, n)
		io.ReadFull(c, p)
		c.Write(upper(p))
		if reset {
			c.SetLinger(0)
		}
	}
}

// The server's end does not go unnoticed: not while nobody types, and not with lines unanswered.
func TestServerLeaves(t *testing.T) {
	tests := []struct {
		name    string
		answers int64
		reset   bool
		typed   string
		say     string
	}{
		{"closed while idle", 0, false, "", "lost: closed by the server"},
		{"reset after an answer", 6, true, "hello\r", "lost: read: connection reset by peer"},
		{"closed after an answer", 6, false, "hello\r", "lost: closed by the server"},
	}
	for _, tt := range tests {
		t.Run("prompt/"+tt.name, func(t *testing.T) {
			addr := listen(t, leaver(tt.answers, tt.reset))
			d := sit(t, Options{Addr: addr, Conns: 1, Timeout: patient}, 80, dialTCP)
			io.WriteString(d.keys, tt.typed)
			err := d.leave()
			wantErr(t, err, ErrLost, "connection 1 to "+addr, strings.TrimPrefix(tt.say, "lost: "))
			if want := "[1] " + tt.say; !strings.Contains(d.screen.String(), want) {
				t.Errorf("the screen shows\n%s\nwithout %s", d.screen, want)
			}
		})
	}

	for _, reset := range []bool{false, true} {
		t.Run("pipe with an idle input", func(t *testing.T) {
			r, w := io.Pipe()
			defer w.Close()
			addr := listen(t, leaver(5, reset))
			go io.WriteString(w, "hello")
			err := Pipe(t.Context(), Options{Addr: addr, Timeout: patient}, r, io.Discard)
			wantErr(t, err, ErrLost, addr)
		})
	}
}

// Lines that the server took with it are counted, and the other connections still get theirs.
func TestServerLeavesWithLines(t *testing.T) {
	release := make(chan struct{})
	dial := inMemory(func(n int, c peer) {
		if n == 2 {
			serveUpper(c)
			return
		}
		io.ReadFull(c, make([]byte, 4))
		<-release
		c.Close()
	})
	d := sit(t, options(2, patient), 80, dial)
	d.typ("a\rb\rc\r")
	close(release)
	err := d.leave()
	wantErr(t, err, ErrLost, "connection 1 to server: closed by the server; 2 lines unanswered")
	s := d.screen.String()
	for _, want := range []string{"[1] lost: closed by the server; 2 lines unanswered", "[2] B"} {
		if !strings.Contains(s, want) {
			t.Errorf("the screen shows\n%s\nwithout %s", s, want)
		}
	}
	if strings.Contains(s, "[2] lost") {
		t.Errorf("the screen shows\n%s\nbut the second connection ended as it should", s)
	}
}

// A server that is not there is named.
func TestServerIsNotThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	ln.Close()
	o := Options{Addr: addr, Conns: 3, Timeout: patient}
	err = Pipe(t.Context(), o, strings.NewReader("x"), io.Discard)
	wantErr(t, err, syscall.ECONNREFUSED, "connecting to "+addr+": ")
	err = Prompt(t.Context(), o, Terminal{})
	wantErr(t, err, syscall.ECONNREFUSED, "connection 1 of 3: connecting to "+addr+": ")
	if n := strings.Count(err.Error(), addr); n != 1 {
		t.Errorf("error %q names the address %d times", err, n)
	}
}

// Options that cannot work are refused before anything is opened.
func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []Options{
		{Addr: "server", Conns: 0, Timeout: time.Second},
		{Addr: "server", Conns: 1},
		{Addr: "server", Conns: 1, Timeout: -1},
	} {
		err := prompt(t.Context(), o, nil, Terminal{})
		if err == nil || !strings.Contains(err.Error(), "connecting to server: ") {
			t.Errorf("%+v: error %v, want one that names the address", o, err)
		}
	}
	if errors.Is(Options{Timeout: time.Second}.check(1), ErrLost) {
		t.Error("options with a connection and a time-out are refused")
	}
}
