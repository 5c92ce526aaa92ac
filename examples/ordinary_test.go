package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// The functions of this file are those of docs/ordinary-go.md. A test there compares the two texts,
// and others run them.

func await(t *kettle.Task, ready func() bool) error {
	for !ready() {
		if err := t.Sleep(50 * time.Millisecond); err != nil {
			return err // cancelled, or timed out
		}
	}
	return nil
}

func load(t *kettle.Task, name string) ([]byte, error) {
	return kettle.Blocking(t, func(context.Context) ([]byte, error) {
		return os.ReadFile(name)
	})
}

func get(t *kettle.Task, url string) ([]byte, error) {
	return kettle.Blocking(t, func(ctx context.Context) ([]byte, error) {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		defer response.Body.Close()
		return io.ReadAll(response.Body)
	})
}

type accounts struct {
	db    *sql.DB
	conns *kettle.Semaphore // as many permits as db.SetMaxOpenConns
}

func (a *accounts) transfer(t *kettle.Task, from, to string, amount int) error {
	if err := a.conns.Acquire(t); err != nil {
		return err
	}
	defer a.conns.Release()
	return t.Blocking(func(ctx context.Context) error { // no result but the error
		tx, err := a.db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // does nothing after Commit
		const add = "UPDATE accounts SET balance = balance + ? WHERE owner = ?"
		if _, err := tx.ExecContext(ctx, add, -amount, from); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, add, amount, to); err != nil {
			return err
		}
		return tx.Commit()
	})
}

func greet(_ *kettle.Task, c *stream.Conn) error {
	in, out := json.NewDecoder(c), bufio.NewWriter(c)
	for {
		var guest struct{ Name string }
		if err := in.Decode(&guest); err != nil { // suspends until there is a whole value
			return err // io.EOF: the client has finished
		}
		fmt.Fprintf(out, "good evening, %s\n", guest.Name)
		if err := out.Flush(); err != nil { // suspends while the client is slow
			return err
		}
	}
}

func announce(c *stream.Conn, values ...any) error {
	var text bytes.Buffer
	log.New(&text, "", 0).Println(values...) // its lock is free again when it returns
	_, err := c.Write(text.Bytes())
	return err
}

func pages(t *kettle.Task, handler http.Handler) error {
	ln, err := stream.Listen(t, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	return ln.ServeNet(t, &http.Server{Handler: handler}) // until the drain
}

func count(t *kettle.Task, names <-chan string, counts map[string]int) error {
	for {
		name, ok, err := kettle.Receive(t, names)
		if err != nil || !ok {
			return err // nil: the channel is closed
		}
		counts[name]++ // only tasks of this loop touch it: no lock
	}
}

func countBoth(t *kettle.Task, a, b <-chan string, counts map[string]int) error {
	return t.Group(func(g *kettle.Group) error {
		return errors.Join(
			g.Go("a", func(t *kettle.Task) error { return count(t, a, counts) }),
			g.Go("b", func(t *kettle.Task) error { return count(t, b, counts) }),
		)
	})
}

type cache struct {
	mu    sync.Mutex
	pages map[string][]byte
}

func (c *cache) put(name string, page []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages[name] = page
}

type files struct {
	mu    kettle.Mutex
	pages map[string][]byte
}

func (f *files) page(t *kettle.Task, name string) ([]byte, error) {
	if err := f.mu.Lock(t); err != nil {
		return nil, err
	}
	defer f.mu.Unlock()
	if page, ok := f.pages[name]; ok {
		return page, nil
	}
	page, err := load(t, name) // waits: the other tasks go on, but none gets in here
	if err == nil {
		f.pages[name] = page
	}
	return page, err
}

type thread struct{ jobs chan func() }

func newThread() *thread {
	th := &thread{jobs: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for job := range th.jobs {
			job()
		}
	}()
	return th
}

func (th *thread) do(t *kettle.Task, job func()) error {
	return t.Blocking(func(context.Context) error {
		done := make(chan struct{})
		th.jobs <- func() {
			defer close(done)
			job()
		}
		<-done
		return nil
	})
}

func digest(t *kettle.Task, data []byte) ([32]byte, error) {
	return kettle.Blocking(t, func(context.Context) ([32]byte, error) {
		return sha256.Sum256(data), nil
	})
}

func index(t *kettle.Task, words []string, places map[string][]int) error {
	for i, word := range words {
		places[word] = append(places[word], i)
		if i%1000 == 999 {
			if err := t.Yield(); err != nil {
				return err
			}
		}
	}
	return nil
}

func until(t *kettle.Task, ctx context.Context, body func(t *kettle.Task) error) error {
	return t.WithCancel(func(t *kettle.Task) error {
		stop := context.AfterFunc(ctx, func() { t.Cancel(context.Cause(ctx)) })
		defer stop()
		return body(t)
	})
}

func hits(h kettle.Handle, counts map[string]int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, err := kettle.Submit(r.Context(), h, "hit", func(*kettle.Task) (int, error) {
			counts[r.URL.Path]++ // a task of the loop does it: no lock
			return counts[r.URL.Path], nil
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, n)
	}
}

func wrong(t *kettle.Task) error {
	failed := make(chan error, 1)
	go func() { failed <- t.Sleep(time.Second) }() // ErrWrongGoroutine, at once
	err, _, _ := kettle.Receive(t, failed)
	return err
}

func held(t *kettle.Task, mu *sync.Mutex) error {
	mu.Lock()
	defer mu.Unlock()
	return t.Sleep(time.Second) // the next task that calls mu.Lock stops the loop for ever
}
