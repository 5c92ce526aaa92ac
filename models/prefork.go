package models

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Prefork: a few worker processes on one listener, each an event loop.
//
//	parent      listen ──▶ start workers ──▶ wait (restarts one that crashes)
//	worker 1    ┌─▶ select ──▶ callbacks ─┐      both accept from
//	            └─────────────────────────┘      the same backlog
//	worker 2    ┌─▶ select ──▶ callbacks ─┐
//	            └─────────────────────────┘
//
// An event loop uses one CPU. The practical form of processes and of event loops is therefore
// both: as many processes as there are CPUs, each of which serves thousands of clients. They
// inherit the listener, so whichever is awake takes the next client; when a client comes, every
// idle worker is woken and one gets it. A limit on connections is divided among them: who has its
// share takes no more, and when all have, the parent turns away who comes.
//
// Good for: many clients on many CPUs, when they share nothing. Limited by that: state that
// clients share has to live outside. A client stays with the worker that took it, so the load
// can be uneven.
func prefork() Model {
	return Model{
		Name:        "prefork",
		Summary:     "a worker process per CPU on one listener, each an event loop",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 process per CPU",
		Waits:       "each worker, in epoll or kqueue, for all its clients",
		Limits:      "workers share nothing; a client stays with its worker: uneven load",
		Section:     "4.3",
		Backends:    true,
		processes:   true,
		files: []string{"prefork.go", "selectors.go", "selecting.go", "conn.go", "single.go",
			"children.go"},
		serve: servePrefork,
		work:  workPrefork,
	}
}

func servePrefork(s *server) error {
	listener, err := s.listen(true)
	if err != nil {
		return err
	}
	defer func() { sys.Close(listener) }()
	waker, err := sys.NewWaker()
	if err != nil {
		return err
	}
	defer waker.Close()
	workers, err := s.newChildren()
	if err != nil {
		return err
	}
	shares := divide(s.maxConns, runtime.NumCPU())
	c := &crew{server: s, listener: listener, waker: waker, workers: workers, size: len(shares),
		ready: make(chan struct{}), failed: make(chan error, len(shares))}
	ctx, stop := context.WithCancel(s.ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer workers.close()
	defer stop()
	running.Go(func() {
		<-ctx.Done()
		waker.Wake()
	})
	for _, share := range shares {
		running.Go(func() {
			c.keep(ctx, func() error {
				why := c.runWorker(share)
				c.endedEarly(ctx, why)
				return why
			})
		})
	}
	if err := c.awaitFirst(); err != nil {
		return err
	}
	if err := s.announce(listener); err != nil {
		return err
	}
	for !s.draining() {
		if err := c.refuseWhileFull(); err != nil {
			return err
		}
	}
	workers.startNoMore()
	sys.Close(listener) // or clients would still get into a backlog that nobody empties
	listener = -1
	workers.drain()
	return nil
}

// crew is what the parent knows of its workers.
type crew struct {
	*server
	listener int
	waker    *sys.Waker // of the parent's main goroutine
	workers  *children
	size     int // how many there are to be
	first    sync.Once
	ready    chan struct{} // closed when the first worker serves
	failed   chan error    // why one has ended, before any served

	mu    sync.Mutex
	fulls int // how many have their share of the limit
}

// keep runs workers, one after the other, until ctx is done: run returns when one has ended, and
// why. Each is replaced after a pause, and one that ends again soon after a longer one.
func (s *server) keep(ctx context.Context, run func() error) {
	for pause := time.Duration(0); ; {
		began := time.Now()
		why := run()
		if ctx.Err() != nil {
			return
		}
		s.log.Printf("%v: starting another", why)
		pause = restartPause(pause, time.Since(began))
		sleepUnless(ctx.Done(), pause)
		if ctx.Err() != nil {
			return
		}
	}
}

// restartPause returns how long to wait until a worker is replaced that has lived so long and
// was itself started after such a pause; 0 is none.
func restartPause(last, lived time.Duration) time.Duration {
	const shortest, longest = 100 * time.Millisecond, 10 * time.Second
	if last == 0 || lived > longest {
		return shortest
	}
	return min(2*last, longest)
}

// runWorker runs a worker, hears what it reports, and returns why it has ended.
func (c *crew) runWorker(share int) error {
	report, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer report.Close()
	exit := make(chan int, 1)
	err = c.workers.start(job{socket: c.listener, maxConns: share, report: theirs,
		ended: func(n int) { exit <- n }})
	theirs.Close()
	if err != nil {
		return err
	}
	full := false
	for word := make([]byte, 1); ; {
		if _, err := report.Read(word); err != nil {
			c.heard(full, false) // it ends: there will be room in the next one
			return fmt.Errorf("a worker has ended (%s)", exitText(<-exit))
		}
		before := full
		full = word[0] == reportFull
		c.heard(before, full)
		c.first.Do(func() { close(c.ready) })
	}
}

// heard takes note of what a worker has, and of what it had before.
func (c *crew) heard(before, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case full && !before:
		c.fulls++
	case before && !full:
		if c.fulls == c.size {
			c.roomAgain()
		}
		c.fulls--
	default:
		return
	}
	c.waker.Wake()
}

func (c *crew) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fulls == c.size
}

// endedEarly waits, if no worker has ever served, until one does: what hinders one may hinder
// all, and then the server ends.
func (c *crew) endedEarly(ctx context.Context, why error) {
	select {
	case <-c.ready:
		return
	default:
	}
	c.failed <- why
	select {
	case <-c.ready:
	case <-ctx.Done():
	}
}

// awaitFirst waits until a worker serves, or the server is to end. If every worker has ended
// before, it says why one has.
func (c *crew) awaitFirst() (err error) {
	for range c.size {
		select {
		case <-c.ready:
			return nil
		case <-c.ctx.Done():
			return nil
		case err = <-c.failed:
		}
	}
	return fmt.Errorf("no worker can serve: %w", err)
}

// refuseWhileFull waits for something to happen. If a client comes while all workers have their
// shares, and so none accepts, it is turned away here.
func (c *crew) refuseWhileFull() error {
	fds := []sys.PollFD{{Fd: int32(c.waker.FD()), Events: sys.PollIn},
		{Fd: int32(c.listener), Events: sys.PollIn}}
	if !c.full() {
		fds = fds[:1]
	}
	if _, err := sys.Poll(fds, -1); err != nil {
		return err
	}
	c.waker.Drain()
	if len(fds) == 1 || fds[1].Revents == 0 || c.draining() {
		return nil
	}
	if err := c.turnAway(); err != nil && !sys.WouldBlock(err) {
		sleepUnless(c.ctx.Done(), c.acceptFailed(err))
	}
	return nil
}

// turnAway refuses a client, unless a worker has reported by now that it has room. One that reports
// meanwhile is heard after that, so that the refusal belongs to the burst that the report ends.
func (c *crew) turnAway() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fulls < c.size {
		return nil
	}
	fd, _, err := sys.Accept(c.listener, true)
	if err == nil {
		c.admitted(c.maxConns) // says that it is not
		sys.Close(fd)
	}
	return err
}

// workPrefork is the whole life of a worker.
func workPrefork(s *server, _ order) error {
	l := s.singleOn(socketFD)
	l.share = &share{size: s.maxConns, report: os.NewFile(reportFD, "pipe to the parent")}
	s.Ready = func(net.Addr) { l.share.tell() }
	return l.serveCallbacks()
}

// share is a worker's share of the limit on connections. Who has it accepts no more, so that a
// client goes to a worker that has room; if none has, the parent refuses it.
type share struct {
	size   int      // 0: no limit
	report *os.File // where it is told
	full   bool     // what was told
}

// What a worker tells its parent: whether it has room, as soon as it serves and whenever that
// changes.
const (
	reportRoom = 'r'
	reportFull = 'f'
)

// hasRoom reports whether beside so many open connections there is room for another. If that
// has changed, the parent is told.
func (sh *share) hasRoom(open int) bool {
	if sh == nil || sh.size == 0 {
		return true
	}
	if full := open >= sh.size; full != sh.full {
		sh.full = full
		sh.tell()
	}
	return !sh.full
}

func (sh *share) tell() {
	word := []byte{reportRoom}
	if sh.full {
		word[0] = reportFull
	}
	sh.report.Write(word) // a parent that is gone is the lifeline's affair
}

// divide divides the limit on connections among workers: each one's share, 0 for no limit. No
// worker has a share of nothing, so with a small limit there are fewer.
func divide(limit, workers int) []int {
	if limit > 0 {
		workers = min(workers, limit)
	}
	shares := make([]int, workers)
	for i := range shares {
		shares[i] = limit / workers
		if i < limit%workers {
			shares[i]++
		}
	}
	return shares
}

func exitText(exit int) string {
	if exit < 0 {
		return fmt.Sprintf("signal %d", -exit)
	}
	return fmt.Sprintf("exit code %d", exit)
}
