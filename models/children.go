package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/kettle-go/kettle/internal/sys"
)

// What the models with several processes share. Go has no fork: its runtime has many threads,
// of which fork would copy one. A worker is therefore this program, executed anew, and it is
// told by its environment that it is to be a worker and of which model. That costs some
// milliseconds and a runtime of its own for each, which is Go's and not the model's.

// workerEnv names the environment variable that makes a process a worker.
const workerEnv = "KETTLE_WORKER"

// The descriptors that a worker is born with, after standard input, output and error.
const (
	socketFD   = 3 // its connection, or the listener
	lifelineFD = 4 // a pipe whose other end only the parent has: it ends when the parent does
)

// order is what a worker is told.
type order struct {
	Model  string
	Config Config
}

// IsWorker reports whether this process was started to be a worker of a model. A program that
// serves the processes or prefork model, a test binary included, calls RunWorker as the first
// thing in main if so.
func IsWorker() bool { return os.Getenv(workerEnv) != "" }

// RunWorker serves as a worker until its work is done, and returns the exit code for the
// process.
func RunWorker() int {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(workerEnv)), &o); err != nil {
		fmt.Fprintf(os.Stderr, "kettle worker: read %s: %v\n", workerEnv, err)
		return 2
	}
	lifeline := os.NewFile(lifelineFD, "lifeline")
	go func() {
		// The parent writes nothing: this returns when it has ended, in whatever way.
		lifeline.Read(make([]byte, 1))
		os.Exit(1)
	}()
	signal.Ignore(os.Interrupt) // the terminal's goes to everybody; our parent will tell us
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	m, err := Lookup(o.Model)
	if err == nil {
		cfg := o.Config
		cfg.Log = os.Stderr
		err = m.run(ctx, cfg, m.work)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "kettle worker: %v\n", err)
		return 1
	}
	return 0
}

// children are the worker processes of a server: they are started, counted, reaped and told
// to end here; what they do is the model's affair. It may be used from any goroutine.
type children struct {
	server *server
	path   string
	env    []string
	ended  func(exit int) // called for each child that has ended; may be nil

	lifeline *os.File // the parent's end: closing it ends every child
	theirs   *os.File
	signals  chan os.Signal

	mu   sync.Mutex
	pids map[int]struct{}
	none *sync.Cond // no child is left
}

// newChildren prepares to start workers. Close must follow.
func (s *server) newChildren(max int, ended func(exit int)) (*children, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to run it as a worker: %w", err)
	}
	cfg := s.Config
	cfg.MaxConns, cfg.Log, cfg.Ready = max, nil, nil
	text, err := json.Marshal(order{s.model.Name, cfg})
	if err != nil {
		return nil, fmt.Errorf("order for the workers: %w", err)
	}
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &children{server: s, path: path, env: append(os.Environ(), workerEnv+"="+string(text)),
		ended: ended, lifeline: ours, theirs: theirs, signals: make(chan os.Signal, 1),
		pids: make(map[int]struct{})}
	c.none = sync.NewCond(&c.mu)
	signal.Notify(c.signals, sys.ChildSignal)
	go func() {
		for range c.signals {
			c.reap()
		}
	}()
	return c, nil
}

// start runs a worker that has fd as its socket. The caller's copy of fd remains, and remains
// the caller's to close.
func (c *children) start(fd int) error {
	raw, err := c.theirs.SyscallConn()
	if err != nil {
		return err
	}
	c.mu.Lock() // so that a child that ends at once is known before it is reaped
	defer c.mu.Unlock()
	var pid int
	controlErr := raw.Control(func(theirs uintptr) {
		files := []int{0, 1, 2, fd, int(theirs)}
		pid, err = sys.StartChild(c.path, []string{c.path}, c.env, files)
	})
	if err = errors.Join(err, controlErr); err != nil {
		return fmt.Errorf("start a worker process: %w", err)
	}
	c.pids[pid] = struct{}{}
	return nil
}

// reap frees the entries of the children that have ended. One signal may stand for several
// children, so each is asked.
func (c *children) reap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid := range c.pids {
		exit, ended := sys.Reap(pid)
		if !ended {
			continue
		}
		delete(c.pids, pid)
		if c.ended != nil {
			go c.ended(exit)
		}
	}
	if len(c.pids) == 0 {
		c.none.Broadcast()
	}
}

func (c *children) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pids)
}

// drain tells the children to drain and waits until they have ended. After Grace their
// lifeline is cut, and they end at once.
func (c *children) drain() {
	late := context.AfterFunc(c.server.over, func() { c.lifeline.Close() })
	defer late()
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid := range c.pids {
		sys.Terminate(pid) // it may be ending by itself
	}
	for len(c.pids) > 0 {
		c.none.Wait()
	}
}

// close ends the children that are left, at once, and waits for them.
func (c *children) close() {
	c.lifeline.Close()
	c.theirs.Close()
	c.mu.Lock()
	for len(c.pids) > 0 {
		c.none.Wait()
	}
	c.mu.Unlock()
	signal.Stop(c.signals)
	close(c.signals)
}
