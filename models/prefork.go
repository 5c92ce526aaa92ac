package models

import (
	"fmt"
	"runtime"
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
// idle worker is woken and one gets it.
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
		Limits:      "workers share nothing, the limit on connections included; uneven load",
		Section:     "4.3",
		Backends:    true,
		files: []string{"prefork.go", "selectors.go", "selecting.go", "conn.go", "single.go",
			"children.go"},
		serve: servePrefork,
		work: func(s *server) error {
			return s.singleOn(socketFD).serveCallbacks()
		},
	}
}

func servePrefork(s *server) error {
	listener, err := s.listen(true)
	if err != nil {
		return err
	}
	defer sys.Close(listener)
	workers, err := s.newChildren()
	if err != nil {
		return err
	}
	defer workers.close()
	shares := divide(s.maxConns, runtime.NumCPU())
	ended := make(chan worker, len(shares))
	start := func(i int) error {
		return workers.start(listener, shares[i], func(exit int) { ended <- worker{i, exit} })
	}
	for i := range shares {
		if err := start(i); err != nil {
			return err
		}
	}
	if err := s.announce(listener); err != nil {
		return err
	}
	for {
		select {
		case <-s.ctx.Done():
			workers.drain()
			return nil
		case w := <-ended:
			s.log.Printf("a worker has ended (%s): starting another", exitText(w.exit))
			s.restart(func() error { return start(w.index) })
		}
	}
}

// worker is a worker that has ended.
type worker struct{ index, exit int }

// restart tries to start a worker in place of one that has ended, until it can be started or
// the server drains. It begins with a pause: a worker that cannot run would spin else.
func (s *server) restart(start func() error) {
	for pause := restartPause; ; pause = min(2*pause, longestPause) {
		sleepUnless(s.ctx.Done(), pause)
		if s.draining() {
			return
		}
		err := start()
		if err == nil {
			return
		}
		s.log.Printf("%v: trying again", err)
	}
}

// restartPause is how long a worker that has crashed is not replaced.
const restartPause = 100 * time.Millisecond

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
