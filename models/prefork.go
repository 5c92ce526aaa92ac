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
		Limits:      "clients of different workers share nothing; load can be uneven",
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
	count := runtime.NumCPU()
	crashed := make(chan int, count)
	workers, err := s.newChildren(perWorker(s.maxConns, count), func(exit int) {
		select {
		case crashed <- exit:
		case <-s.ctx.Done():
		}
	})
	if err != nil {
		return err
	}
	defer workers.close()
	for range count {
		if err := workers.start(listener); err != nil {
			return err
		}
	}
	for {
		select {
		case <-s.ctx.Done():
			workers.drain()
			return nil
		case exit := <-crashed:
			s.log.Printf("a worker has ended (%s): starting another", exitText(exit))
			sleepUnless(s.ctx.Done(), restartPause) // or a worker that cannot run would spin
			if err := workers.start(listener); err != nil {
				return err
			}
		}
	}
}

// restartPause is how long a worker that has crashed is not replaced.
const restartPause = 100 * time.Millisecond

// perWorker divides the limit on connections, rounded up; 0 is none.
func perWorker(total, workers int) int { return (total + workers - 1) / workers }

func exitText(exit int) string {
	if exit < 0 {
		return fmt.Sprintf("signal %d", -exit)
	}
	return fmt.Sprintf("exit code %d", exit)
}
