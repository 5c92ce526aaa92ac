package models_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// A mistake in the code of one client ends the server, whatever stack that code is on. A server
// that went on would hide it.

// trap is a log that fails when it is told of a request.
type trap func()

func (spring trap) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("request ")) {
		spring()
	}
	return len(p), nil
}

func TestPanicEndsServer(t *testing.T) {
	errMistake := errors.New("a mistake in the service")
	forEach(t, inProcess(), func(t *testing.T, v variant) {
		text := serveIntoTrap(t, v, func() { panic(errMistake) })
		if !strings.Contains(text, errMistake.Error()) {
			t.Errorf("the panic says %q", text)
		}
		if v.model.Name == "coroutines" && !strings.Contains(text, "converse") {
			t.Errorf("the panic does not tell where the coroutine was: %q", text)
		}
	})
}

// The end of a coroutine's goroutine is no less a mistake.
func TestGoexitEndsServer(t *testing.T) {
	for _, v := range inProcess() {
		if v.model.Name == "coroutines" {
			text := serveIntoTrap(t, v, runtime.Goexit)
			if !strings.Contains(text, "Goexit") {
				t.Errorf("%v: the panic says %q", v, text)
			}
		}
	}
}

// serveIntoTrap has a server fail with the second of its clients, while it waits for the first, and
// returns what it panics with.
func serveIntoTrap(t *testing.T, v variant, spring trap) string {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	addrs, panicked := make(chan net.Addr, 1), make(chan string, 1)
	go func() {
		defer func() { panicked <- fmt.Sprint(recover()) }()
		v.model.Serve(ctx, models.Config{Addr: "127.0.0.1:0", Backend: v.backend, Loops: v.loops,
			Verbose: true, Log: spring, Ready: func(a net.Addr) { addrs <- a }})
	}()
	var addr string
	select {
	case a := <-addrs:
		addr = a.String()
	case text := <-panicked:
		t.Fatalf("the server has ended before it could be connected to: %s", text)
	}
	for _, text := range []string{"", "hello"} {
		c, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte(text))
	}
	select {
	case text := <-panicked:
		return text
	case <-time.After(patience):
		t.Fatal("the server goes on")
		return ""
	}
}
