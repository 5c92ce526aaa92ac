package client

import (
	"io"
	"net"
	"os"
	"testing"
)

// Without terminals, Run is Pipe: one connection, whatever the options say.
func TestRunWithoutTerminals(t *testing.T) {
	accepted := make(chan struct{}, 10)
	addr := listen(t, func(c *net.TCPConn) {
		accepted <- struct{}{}
		serveUpper(c)
	})
	in, keys := filePair(t)
	result, out := filePair(t)
	io.WriteString(keys, "hello\n")
	keys.Close()
	o := Options{Addr: addr, Conns: 5, Timeout: patient}
	if err := Run(t.Context(), o, in, out); err != nil {
		t.Error(err)
	}
	out.Close()
	if got, err := io.ReadAll(result); err != nil || string(got) != "HELLO\n" {
		t.Errorf("got %q and %v, want HELLO", got, err)
	}
	if len(accepted) != 1 {
		t.Errorf("%d connections were opened, want 1", len(accepted))
	}
}

// A file that is not a terminal cannot be prepared as one, and its size is not known.
func TestTerminalOfFiles(t *testing.T) {
	addr := listen(t, func(c *net.TCPConn) { serveUpper(c) })
	in, keys := filePair(t)
	tty := TerminalOf(in, keys)
	o := Options{Addr: addr, Conns: 2, Timeout: patient}
	if err := Prompt(t.Context(), o, tty); err == nil {
		t.Error("a prompt ran on what is not a terminal")
	}
	if got := (&screen{size: tty.Size}).width(); got != defaultWidth {
		t.Errorf("a window of unknown size is %d columns wide, want %d", got, defaultWidth)
	}
}

// filePair is a pipe whose ends are files.
func filePair(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}
