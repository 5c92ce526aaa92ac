package stream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// serveHTTP serves on listeners until the test ends. The server says when it has.
func serveHTTP(t testing.TB, handler http.Handler, listeners ...net.Listener) *http.Server {
	t.Helper()
	server := &http.Server{Handler: handler}
	var wg sync.WaitGroup
	for _, ln := range listeners {
		wg.Go(func() {
			if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) &&
				!errors.Is(err, net.ErrClosed) {
				t.Errorf("Serve: %v, want that it is closed", err)
			}
		})
	}
	t.Cleanup(func() {
		server.Close()
		wg.Wait()
	})
	return server
}

// clientOf returns a client whose connections are those of dial, or else package net's.
func clientOf(t testing.TB,
	dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	transport := &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// fetch makes a request, and returns the body of the answer, and whether the connection had been
// used before.
func fetch(t testing.TB, client *http.Client, method, url string, body io.Reader) ([]byte, bool) {
	t.Helper()
	reused := false
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }})
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Error(err)
		return nil, false
	}
	response, err := client.Do(request)
	if err != nil {
		t.Error(err)
		return nil, reused
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("read the answer to %s %s: %v", method, url, err)
	}
	return got, reused
}

// pages is what the servers of these tests have.
func pages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "hello")
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex() // or the answer would end the request
		io.Copy(w, r.Body)
	})
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			fmt.Fprintf(w, "chunk %d\n", i)
			w.(http.Flusher).Flush()
		}
	})
	return mux
}

// net/http has nothing to say of its connections but that they are net.Conns, so what it does with
// them is what they must be able to do.
func TestServingHTTP(t *testing.T) {
	outsideOnEverySelector(t, func(t *testing.T, backend kettle.Option) {
		o := newOutside(t, stream.ListenConfig{}, backend)
		serveHTTP(t, pages(), o)
		client := clientOf(t, nil)
		url := "http://" + o.Addr().String()
		for i := range 100 {
			got, reused := fetch(t, client, "GET", url+"/hello", nil)
			if string(got) != "hello" || reused != (i > 0) {
				t.Fatalf("request %d: %q, on a connection that was used before: %v", i, got, reused)
			}
		}
		got, _ := fetch(t, client, "GET", url+"/chunks", nil)
		if lines := strings.Count(string(got), "\n"); lines != 100 {
			t.Errorf("%d lines, want 100: %q", lines, got)
		}
		large := bytes.Repeat([]byte("0123456789abcde\n"), 1<<19) // 8 MiB
		got, _ = fetch(t, client, "POST", url+"/echo", bytes.NewReader(large))
		if !bytes.Equal(got, large) {
			t.Errorf("of a body of %d bytes came back %d, or others", len(large), len(got))
		}
	})
}

func TestServingHTTPToManyClients(t *testing.T) {
	outsideOnEverySelector(t, func(t *testing.T, backend kettle.Option) {
		o := newOutside(t, stream.ListenConfig{}, backend)
		serveHTTP(t, pages(), o)
		client := clientOf(t, nil)
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				want := bytes.Repeat([]byte{byte('a' + i%26)}, 1000*i)
				for range 10 {
					got, _ := fetch(t, client, "POST", "http://"+o.Addr().String()+"/echo",
						bytes.NewReader(want))
					if !bytes.Equal(got, want) {
						t.Errorf("client %d: %d bytes, want its own %d", i, len(got), len(want))
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestHTTPOverSeveralLoops(t *testing.T) {
	const loops = 2
	listeners := make(chan net.Listener, loops)
	left, leave := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- kettle.Run(func(task *kettle.Task) error {
			ln, err := stream.Listen(task, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			return task.Group(func(g *kettle.Group) error {
				listeners <- stream.NetListener(g, ln)
				_, err := kettle.Blocking(g.Task, func(context.Context) (bool, error) {
					<-left.Done()
					return true, nil
				})
				return err
			})
		}, kettle.Loops(loops))
	}()
	all := []net.Listener{<-listeners, <-listeners}
	server := serveHTTP(t, pages(), all...)
	client := clientOf(t, nil)
	for i := range 100 {
		url := "http://" + all[i%loops].Addr().String() + "/hello"
		if got, _ := fetch(t, client, "GET", url, nil); string(got) != "hello" {
			t.Errorf("request %d: %q", i, got)
		}
	}
	leave()
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	client.CloseIdleConnections()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// The client's connections can be on a loop as well, and TLS the loop's or net/http's.
func TestHTTPWithBothSidesOnALoop(t *testing.T) {
	sides := newTLSSides(t)
	plain := newOutside(t, stream.ListenConfig{})
	serveHTTP(t, pages(), plain)
	secure := newOutside(t, stream.ListenConfig{TLS: sides.server})
	serveHTTP(t, pages(), secure)
	for name, c := range map[string]struct {
		o      *outside
		dialer stream.Dialer
	}{"plain": {o: plain}, "TLS": {secure, stream.Dialer{TLS: sides.client}}} {
		client := clientOf(t, func(ctx context.Context, _, address string) (net.Conn, error) {
			return c.o.dial(ctx, &c.dialer, address)
		})
		want := bytes.Repeat([]byte(name), 100_000)
		for i := range 20 {
			got, reused := fetch(t, client, "POST", "http://"+c.o.Addr().String()+"/echo",
				bytes.NewReader(want))
			if !bytes.Equal(got, want) || reused != (i > 0) {
				t.Errorf("%s request %d: %d bytes, want %d; on a connection that was used: %v",
					name, i, len(got), len(want), reused)
			}
		}
	}
}

// A listener without TLS does for net/http's own, and for HTTP/2.
func TestHTTP2(t *testing.T) {
	sides := newTLSSides(t)
	o := newOutside(t, stream.ListenConfig{})
	server := &http.Server{Handler: pages(), TLSConfig: sides.server}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(o, "", "") }()
	transport := &http.Transport{TLSClientConfig: sides.client, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			response, err := client.Get("https://" + o.Addr().String() + "/chunks")
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			got, err := io.ReadAll(response.Body)
			if err != nil || response.ProtoMajor != 2 || bytes.Count(got, []byte("\n")) != 100 {
				t.Errorf("%s, %v: %q", response.Proto, err, got)
			}
		})
	}
	wg.Wait()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

// A Shutdown lets the request that is under way be answered, and has the group of the connections
// end.
func TestShutdownOfHTTP(t *testing.T) {
	o := newOutside(t, stream.ListenConfig{})
	began, goOn := make(chan bool), make(chan bool)
	server := serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-goOn
		io.WriteString(w, "late")
	}), o)
	client := clientOf(t, nil)
	answered := make(chan []byte)
	go func() {
		got, _ := fetch(t, client, "GET", "http://"+o.Addr().String(), nil)
		answered <- got
	}()
	<-began
	shut, listening := make(chan error), make(chan bool)
	server.RegisterOnShutdown(func() { close(listening) })
	go func() { shut <- server.Shutdown(t.Context()) }()
	<-listening
	close(goOn)
	if got := <-answered; string(got) != "late" {
		t.Errorf("the request that was under way got %q", got)
	}
	if err := <-shut; err != nil {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", o.Addr().String()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

// When the Run is cancelled while requests are under way, all that wait for their connections, in
// whatever direction, are told, and Serve returns.
func TestRunEndsDuringHTTPRequests(t *testing.T) {
	outsideOnEverySelector(t, func(t *testing.T, backend kettle.Option) {
		o := newOutside(t, stream.ListenConfig{}, backend)
		const clients = 4
		began := make(chan bool, 2*clients)
		failed := make(chan error, 2*clients)
		mux := http.NewServeMux()
		mux.HandleFunc("/read", func(_ http.ResponseWriter, r *http.Request) {
			began <- true
			_, err := io.Copy(io.Discard, r.Body)
			failed <- err
		})
		mux.HandleFunc("/write", func(w http.ResponseWriter, _ *http.Request) {
			began <- true
			var err error
			for err == nil {
				_, err = w.Write(make([]byte, 1<<16))
			}
			failed <- err
		})
		serveHTTP(t, mux, o)
		for range clients {
			for _, request := range []string{
				"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf",
				"GET /write HTTP/1.1\r\nHost: x\r\n\r\n",
			} {
				c, err := net.Dial("tcp", o.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if _, err := io.WriteString(c, request); err != nil {
					t.Fatal(err)
				}
				<-began
			}
		}
		o.cancel()
		for range 2 * clients {
			if err := <-failed; err == nil {
				t.Error("a handler did not fail")
			}
		}
	})
}

// What the server waits for, it waits for by deadlines.
func TestTimeoutsOfHTTP(t *testing.T) {
	o := newOutside(t, stream.ListenConfig{})
	server := &http.Server{Handler: pages(), ReadHeaderTimeout: 20 * time.Millisecond}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(o) }()
	c, err := net.Dial("tcp", o.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /hello HT")
	if _, err := io.ReadAll(c); err != nil { // the server closes it
		t.Error(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
