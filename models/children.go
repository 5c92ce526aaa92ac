package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/trace"
)

// What the models with several processes share. Go has no fork: its runtime has many threads,
// of which fork would copy one. A worker is therefore this program, executed anew, and it is
// told by its environment that it is to be a worker and of which model. That costs some
// milliseconds and a runtime of its own for each, which is Go's and not the model's.

// workerEnv names the environment variable that makes a process a worker.
const workerEnv = "KETTLE_WORKER"

// The descriptors that a worker is born with, after standard input, output and error. Nothing is
// ever written to the pipes from the parent: their end says it all, to every worker at once, and
// it comes also to one that has only just begun, whom a signal would kill.
const (
	socketFD   = 3 // its connection, or the listener
	drainFD    = 4 // a pipe that the parent closes when the workers are to drain
	lifelineFD = 5 // a pipe that ends when the parent does, in whatever way
	reportFD   = 6 // a pipe to tell the parent something, if the model has it
)

// order is what a worker is told.
type order struct {
	Model  string
	Config Config
	Peer   netip.AddrPort // of its connection, if it has one
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
	signal.Ignore(sys.GroupSignals()...) // they may go to everybody; the parent decides
	signal.Ignore(syscall.SIGPIPE)       // nobody may read the log any more
	ctx, drain := context.WithCancel(context.Background())
	defer drain()
	atEnd(drainFD, drain)
	atEnd(lifelineFD, func() { os.Exit(1) })
	m, err := Lookup(o.Model)
	if err == nil {
		cfg := o.Config
		cfg.Log = os.Stderr
		err = m.run(ctx, cfg, func(s *server) error { return m.work(s, o) })
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "kettle worker: %v\n", err)
		return 1
	}
	return 0
}

// atEnd calls f, on another goroutine, when a pipe has ended.
func atEnd(fd uintptr, f func()) {
	pipe := os.NewFile(fd, "pipe from the parent")
	go func() {
		pipe.Read(make([]byte, 1))
		f()
	}()
}

// children are the worker processes of a server: they are started, counted, reaped and told
// to end here; what they do is the model's affair. It may be used from any goroutine.
type children struct {
	server *server
	path   string

	// Our end of each pipe, and the end that the workers inherit.
	drainPipe, lifeline       *os.File
	theirDrain, theirLifeline *os.File
	signals                   chan os.Signal

	mu   sync.Mutex
	over bool                   // no child is started any more
	pids map[int]func(exit int) // what is called, if not nil, when the child has ended
	none *sync.Cond             // no child is left
}

// newChildren prepares to start workers. Close must follow.
func (s *server) newChildren() (c *children, err error) {
	c = &children{server: s, signals: make(chan os.Signal, 1), pids: make(map[int]func(int))}
	c.none = sync.NewCond(&c.mu)
	if c.path, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("find this program, to run it as a worker: %w", err)
	}
	if c.theirDrain, c.drainPipe, err = os.Pipe(); err != nil {
		return nil, err
	}
	if c.theirLifeline, c.lifeline, err = os.Pipe(); err != nil {
		c.theirDrain.Close()
		c.drainPipe.Close()
		return nil, err
	}
	signal.Notify(c.signals, sys.ChildSignal)
	go func() {
		for range c.signals {
			c.reap()
		}
	}()
	return c, nil
}

// job is what a worker is started for. The descriptors are the caller's, who closes them.
type job struct {
	socket   int            // its connection, or the listener
	peer     netip.AddrPort // of its connection
	maxConns int
	report   *os.File       // what it has as reportFD; may be nil
	ended    func(exit int) // called when it has ended; may be nil
}

// start runs a worker.
func (c *children) start(j job) error {
	cfg := c.server.Config
	cfg.MaxConns, cfg.Log, cfg.Ready = j.maxConns, nil, nil
	text, err := json.Marshal(order{c.server.model.Name, cfg, j.peer})
	if err != nil {
		return fmt.Errorf("order for a worker: %w", err)
	}
	env := append(os.Environ(), workerEnv+"="+string(text))
	c.mu.Lock() // so that a child that ends at once is known before it is reaped
	defer c.mu.Unlock()
	if c.over {
		return errors.New("start a worker process: the server ends")
	}
	files := []int{0, 1, 2, j.socket, descriptor(c.theirDrain), descriptor(c.theirLifeline)}
	if j.report != nil {
		files = append(files, descriptor(j.report))
	}
	for {
		began := c.server.trace.Now()
		pid, err := sys.StartChild(c.path, []string{c.path}, env, files)
		if c.server.did(trace.Start, "fork and exec", j.peer, began, 0, err); err != nil {
			return fmt.Errorf("start a worker process: %w", err)
		}
		exit, over := sys.Reap(pid)
		switch {
		case !over:
			c.pids[pid] = j.ended
		case isGroupSignal(exit):
			continue // it was born into our group as that got the signal, and its client waits
		case j.ended != nil:
			go j.ended(exit)
		}
		return nil
	}
}

// isGroupSignal reports whether who has ended so has died of what every process may be sent.
func isGroupSignal(exit int) bool {
	return slices.Contains(sys.GroupSignals(), os.Signal(syscall.Signal(-exit)))
}

// descriptor returns the number of an open file. Its method Fd would make the file blocking.
func descriptor(f *os.File) (fd int) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1
	}
	raw.Control(func(n uintptr) { fd = int(n) })
	return fd
}

// reap frees the entries of the children that have ended. One signal may stand for several
// children, so each is asked.
func (c *children) reap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid, ended := range c.pids {
		exit, over := sys.Reap(pid)
		if !over {
			continue
		}
		delete(c.pids, pid)
		if ended != nil {
			go ended(exit)
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

// drain tells the children to drain and waits until they have ended. They know the grace too;
// one that does not run, and cannot end by itself, is ended a moment after it.
func (c *children) drain() {
	c.startNoMore()
	c.drainPipe.Close()
	late := time.AfterFunc(Grace+killPause, c.kill)
	c.wait()
	late.Stop()
}

func (c *children) startNoMore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// killPause is how long after the grace a child that has not ended is killed.
const killPause = 500 * time.Millisecond

func (c *children) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pid := range c.pids {
		sys.Kill(pid) // it may just have ended by itself
	}
}

// wait waits until no child is left.
func (c *children) wait() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.pids) > 0 {
		c.none.Wait()
	}
}

// close ends the children that are left, at once, and waits for them.
func (c *children) close() {
	c.startNoMore()
	c.kill()
	c.wait()
	signal.Stop(c.signals)
	close(c.signals)
	for _, f := range []*os.File{c.drainPipe, c.lifeline, c.theirDrain, c.theirLifeline} {
		f.Close()
	}
}
