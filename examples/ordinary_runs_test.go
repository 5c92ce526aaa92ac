package examples_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
)

// run runs body as the main task, and fails the test if it fails.
func run(t *testing.T, body func(t *kettle.Task) error, options ...kettle.Option) {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	if err := kettle.Run(body, options...); err != nil {
		t.Error(err)
	}
}

// virtually is run on a clock on which time takes no time.
func virtually(t *testing.T, body func(t *kettle.Task) error) {
	t.Helper()
	run(t, body, kettle.Clock(func() loop.Clock { return looptest.NewClock() }))
}

func TestAwaitLooksAgainUntilItsTimeIsOver(t *testing.T) {
	virtually(t, func(task *kettle.Task) error {
		looks := 0
		err := task.WithTimeout(225*time.Millisecond, func(task *kettle.Task) error {
			return await(task, func() bool { looks++; return false })
		})
		if !errors.Is(err, context.DeadlineExceeded) || looks != 5 {
			t.Errorf("after %d looks: %v, want a time-out after 5", looks, err)
		}
		return await(task, func() bool { return true })
	})
}

func TestFilesAreLoaded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(name, []byte("tea"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, func(task *kettle.Task) error {
		if text, err := load(task, name); string(text) != "tea" || err != nil {
			t.Errorf("load: %q, %v", text, err)
		}
		if _, err := load(task, name+"s"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("load of what is not there: %v", err)
		}
		return nil
	})
}

// TestFileIsLoadedOnce: the second task comes while the first one loads, and must wait for it.
func TestFileIsLoadedOnce(t *testing.T) {
	name := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(name, []byte("tea"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &files{pages: map[string][]byte{}}
	var pages [][]byte
	run(t, func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			for range 3 {
				err := g.Go("reader", func(task *kettle.Task) error {
					page, err := f.page(task, name)
					pages = append(pages, page)
					return err
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	for _, page := range pages {
		if len(pages) != 3 || &page[0] != &pages[0][0] {
			t.Errorf("%d pages, and not all of them the same: loaded more than once", len(pages))
		}
	}
	c := &cache{pages: map[string][]byte{}}
	if c.put("a", []byte("b")); string(c.pages["a"]) != "b" {
		t.Errorf("the cache has %q", c.pages)
	}
}

// TestRequestEndsWithItsScope: the server answers the first request, and keeps the second one
// waiting until its client has gone.
func TestRequestEndsWithItsScope(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(asked)
			<-r.Context().Done()
			return
		}
		io.WriteString(w, "tea")
	}))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	run(t, func(task *kettle.Task) error {
		if page, err := get(task, server.URL); string(page) != "tea" || err != nil {
			t.Errorf("get: %q, %v", page, err)
		}
		return task.WithCancel(func(inner *kettle.Task) error {
			go func() {
				<-asked
				inner.Cancel(errors.New("enough"))
			}()
			if _, err := get(inner, server.URL+"/slow"); !errors.Is(err, context.Canceled) {
				t.Errorf("get in a cancelled scope: %v", err)
			}
			return nil
		})
	})
}

func TestTransferIsWholeOrNothing(t *testing.T) {
	b := &bank{balances: map[string]int64{"a": 10, "b": 0}}
	db := b.open()
	defer db.Close()
	run(t, func(task *kettle.Task) error {
		a := &accounts{db: db, conns: kettle.NewSemaphore(1)}
		if err := a.transfer(task, "a", "nobody", 1); !errors.Is(err, errUnknownOwner) {
			t.Errorf("transfer to nobody: %v", err)
		}
		return a.transfer(task, "a", "b", 3)
	})
	if b.balances["a"] != 7 || b.balances["b"] != 3 {
		t.Errorf("the balances are %v", b.balances)
	}
}

// TestCommitOutlivesItsCancellation: the scope is cancelled during the commit, and the task learns
// that the money has moved all the same.
func TestCommitOutlivesItsCancellation(t *testing.T) {
	b := &bank{balances: map[string]int64{"a": 10, "b": 0},
		entered: make(chan struct{}), commit: make(chan struct{})}
	db := b.open()
	defer db.Close()
	run(t, func(task *kettle.Task) error {
		return task.WithCancel(func(inner *kettle.Task) error {
			a := &accounts{db: db, conns: kettle.NewSemaphore(1)}
			go func() {
				<-b.entered
				inner.Cancel(errors.New("too late"))
				<-inner.Done()
				close(b.commit)
			}()
			if err := a.transfer(inner, "a", "b", 3); err != nil || b.balances["b"] != 3 {
				t.Errorf("transfer: %v, and the balances are %v", err, b.balances)
			}
			if err := inner.Yield(); !errors.Is(err, context.Canceled) {
				t.Errorf("the next wait: %v", err)
			}
			return nil
		})
	})
}

func TestTwoChannelsAreCounted(t *testing.T) {
	a, b := make(chan string), make(chan string)
	go func() {
		for range 100 {
			a <- "tea"
			b <- "milk"
		}
		close(a)
		close(b)
	}()
	counts := map[string]int{}
	run(t, func(task *kettle.Task) error { return countBoth(task, a, b, counts) })
	if counts["tea"] != 100 || counts["milk"] != 100 {
		t.Errorf("counted %v", counts)
	}
}

// TestMutexHeldAcrossAWaitStopsTheLoop: one task sleeps with the mutex, and the next one that wants
// it stops the loop. Only from outside can that be mended.
func TestMutexHeldAcrossAWaitStopsTheLoop(t *testing.T) {
	var mu sync.Mutex
	stalls := make(chan loop.Stall, 1)
	ended := make(chan error)
	testenv.Need(t, testenv.Unix)
	go func() {
		ended <- kettle.Run(func(task *kettle.Task) error {
			return task.WithTimeout(time.Millisecond, func(task *kettle.Task) error {
				return task.Group(func(g *kettle.Group) error {
					return errors.Join(
						g.Go("holder", func(task *kettle.Task) error { return held(task, &mu) }),
						g.Go("next", func(*kettle.Task) error { mu.Lock(); return nil }),
					)
				})
			})
		}, kettle.OnStall(10*time.Millisecond, func(s loop.Stall) {
			select {
			case stalls <- s:
			default:
			}
		}))
	}()
	select {
	case s := <-stalls:
		if s.Name != "next" || !strings.Contains(string(s.Stack), "Mutex") {
			t.Errorf("told of %q, which holds the loop at\n%s", s.Name, s.Stack)
		}
	case err := <-ended:
		t.Fatalf("the loop went on: %v", err)
	}
	mu.Unlock() // in place of the holder, which locks it for "next"; and held unlocks it again
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestThreadRunsAllJobs(t *testing.T) {
	th := newThread()
	defer close(th.jobs)
	n := 0
	run(t, func(task *kettle.Task) error {
		for range 3 {
			if err := th.do(task, func() { n++ }); err != nil {
				return err
			}
		}
		return nil
	})
	if n != 3 {
		t.Errorf("%d jobs were done, want 3", n)
	}
}

// lockingTask is set for a process of this test that is to die.
const lockingTask = "KETTLE_LOCKING_TASK"

func lockThreadInTask() {
	_ = kettle.Run(func(t *kettle.Task) error {
		runtime.LockOSThread()
		return t.Yield()
	})
	os.Exit(0)
}

func TestTaskThatLocksItsThreadEndsTheProgram(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockingTask+"=1")
	out, err := cmd.CombinedOutput()
	const said = "coro: OS thread locking must match locking at coroutine creation"
	if err == nil || !strings.Contains(string(out), said) {
		t.Errorf("the process ended with %v, and said\n%s", err, out)
	}
}

func TestComputing(t *testing.T) {
	words := make([]string, 5000)
	for i := range words {
		words[i] = "tea"
	}
	places := map[string][]int{}
	others := 0
	run(t, func(task *kettle.Task) error {
		tea := []byte("tea")
		if sum, err := digest(task, tea); sum != sha256.Sum256(tea) || err != nil {
			t.Errorf("digest: %x, %v", sum, err)
		}
		return task.Group(func(g *kettle.Group) error {
			done := false
			return errors.Join(
				g.Go("index", func(task *kettle.Task) error {
					defer func() { done = true }()
					return index(task, words, places)
				}),
				g.Go("other", func(task *kettle.Task) (err error) {
					for ; !done && err == nil; others++ {
						err = task.Yield()
					}
					return err
				}),
			)
		})
	})
	if len(places["tea"]) != len(words) || others < 5 {
		t.Errorf("%d places, and %d turns for another task", len(places["tea"]), others)
	}
}

func TestScopeEndsWithAContext(t *testing.T) {
	cause := errors.New("closing time")
	ctx, cancel := context.WithCancelCause(t.Context())
	run(t, func(task *kettle.Task) error {
		err := until(task, ctx, func(task *kettle.Task) error {
			cancel(cause)
			return task.Sleep(time.Hour)
		})
		if !errors.Is(err, cause) {
			t.Errorf("the scope ended with %v", err)
		}
		return nil
	})
}

func TestHandlersOfHTTPShareALoop(t *testing.T) {
	run(t, func(task *kettle.Task) error {
		server := httptest.NewServer(hits(task.Handle(), map[string]int{}))
		defer server.Close()
		defer http.DefaultClient.CloseIdleConnections()
		for _, want := range []string{"1\n", "2\n"} {
			if page, err := get(task, server.URL+"/tea"); string(page) != want || err != nil {
				t.Errorf("the page is %q, %v, want %q", page, err, want)
			}
		}
		return nil
	})
}

func TestTaskOnAnotherGoroutine(t *testing.T) {
	run(t, func(task *kettle.Task) error {
		if err := wrong(task); !errors.Is(err, kettle.ErrWrongGoroutine) {
			t.Errorf("a wait on another goroutine: %v", err)
		}
		return nil
	})
}
