package stream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// netServer is a server of ordinary goroutines.
type netServer interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error
}

// serveNet runs a loop that server serves, and has outside run beside it, which has the address.
// It returns what ServeNet does.
func serveNet(t *testing.T, server netServer, outside func(h kettle.Handle, url string)) error {
	t.Helper()
	gone := make(chan struct{})
	defer func() { <-gone }()
	return kettle.Run(func(task *kettle.Task) error {
		ln, err := stream.Listen(task, "tcp", "127.0.0.1:0")
		if err != nil {
			close(gone)
			return err
		}
		h, url := task.Handle(), "http://"+ln.Addr().String()
		go func() { defer close(gone); outside(h, url) }()
		return ln.ServeNet(task, server)
	})
}

// waitingPage is a page that waits: what is received from began is what its handler waits for.
func waitingPage() (handler http.HandlerFunc, began <-chan chan bool) {
	asked := make(chan chan bool)
	return func(w http.ResponseWriter, r *http.Request) {
		goOn := make(chan bool)
		asked <- goOn
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
		io.WriteString(w, "late")
	}, asked
}

// What is under way when the drain begins is answered, and a client that only keeps its connection
// does not keep the server from ending.
func TestServeNetDrains(t *testing.T) {
	handler, began := waitingPage()
	client := clientOf(t, nil)
	server := &http.Server{Handler: handler}
	shutting := make(chan bool)
	server.RegisterOnShutdown(func() { close(shutting) })
	err := serveNet(t, server, func(h kettle.Handle, url string) {
		for _, drains := range []bool{false, true} {
			answered := make(chan []byte)
			go func() {
				got, _ := fetch(t, client, "GET", url, nil)
				answered <- got
			}()
			goOn := <-began
			if drains {
				h.Drain(time.Hour)
				<-shutting
			}
			close(goOn)
			if got := <-answered; string(got) != "late" {
				t.Errorf("the answer is %q", got)
			}
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// When the time for a drain is over what is under way is cut off.
func TestServeNetEndsWithTheGrace(t *testing.T) {
	handler, began := waitingPage()
	err := serveNet(t, &http.Server{Handler: handler}, func(h kettle.Handle, url string) {
		failed := make(chan error)
		go func() {
			response, err := http.Get(url)
			if err == nil {
				response.Body.Close()
			}
			failed <- err
		}()
		<-began
		h.Drain(time.Millisecond)
		if <-failed == nil {
			t.Error("the request was answered")
		}
	})
	if !errors.Is(err, kettle.ErrGrace) {
		t.Error(err)
	}
}

// A server that ends by itself ends it too, without a drain.
func TestServeNetEndsWithItsServer(t *testing.T) {
	server := &http.Server{}
	err := serveNet(t, server, func(kettle.Handle, string) { server.Close() })
	if !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	idle := serverFunc(func(net.Listener) error { return nil })
	err = serveNet(t, idle, func(kettle.Handle, string) {})
	if !errors.Is(err, stream.ErrServerClosed) {
		t.Error(err)
	}
}

// A cancellation is all that is returned of it.
func TestServeNetIsCancelled(t *testing.T) {
	err := kettle.Run(func(task *kettle.Task) error {
		return task.WithCancel(func(task *kettle.Task) error {
			ln, err := stream.Listen(task, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			cancel := task.Cancel
			err = ln.ServeNet(task, serverFunc(func(l net.Listener) error {
				cancel(nil)
				_, err := l.Accept()
				return err
			}))
			if !task.Cancelled(err) {
				t.Errorf("ServeNet returns %v", err)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// serverFunc is a server that is one function.
type serverFunc func(l net.Listener) error

func (s serverFunc) Serve(l net.Listener) error     { return s(l) }
func (s serverFunc) Shutdown(context.Context) error { return nil }
