package models

import (
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/kettle-go/kettle/internal/sys"
)

// Threads: an operating system thread for each client.
//
//	main       accept ──▶ accept ──▶ accept (waits)
//	thread 1      └▶ recv (waits) ──▶ send ──▶ recv (waits)
//	thread 2                └▶ recv (waits) ──▶ send ──▶ recv (waits)
//
// The code for a client is the one of the blocking model, word for word: to wait costs nobody
// else anything, as each client has a thread to wait with. The kernel decides who runs. What
// this costs is a stack and a kernel task for each client, and a switch of threads for
// nearly each message; state that clients share needs locks.
//
// Good for: up to some hundreds of clients, code that only knows how to block. Limited by
// memory, by the number of threads that the system allows, and by the switches.
//
// In Go, a goroutine that has locked its thread and blocks in a system call is a thread in
// every respect. What is Go's and not the model's: a thread that comes back from the kernel
// must get one of GOMAXPROCS processors before it may run Go code. With few of them the
// threads stand in line, and a message costs three times as much; so there are as many as there
// are threads. And a thread here has no stack of 8 MiB set aside for it, as in C.
func threads() Model {
	return Model{
		Name:        "threads",
		Summary:     "an OS thread per connection, each with blocking calls",
		Synchronous: true,
		Blocking:    true,
		Threads:     "1 thread per connection",
		Waits:       "each thread, in recv or send of its client",
		Limits:      "memory and switches grow with the connections; shared state needs locks",
		Section:     "4.4",
		parallel:    true,
		files:       []string{"threads.go", "client.go"},
		maxConns:    func() int { return min(1000, threadRoom()) },
		serve:       serveThreads,
	}
}

func serveThreads(s *server) error {
	// Go ends a process with more than 10,000 threads, unless told otherwise.
	defer debug.SetMaxThreads(debug.SetMaxThreads(max(10_000, s.maxConns+1_000)))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))

	if room := threadRoom(); s.maxConns > room {
		s.log.Printf("--max-conns %d: the system allows %d threads and processes, with others "+
			"among them: the limit is %d", s.maxConns, sys.ProcessLimit(), room)
		s.maxConns = room
	}
	listener, err := s.listen(false)
	if err != nil {
		return err
	}
	all := s.newClients(listener)
	defer all.close()
	if err := s.announce(listener); err != nil {
		return err
	}
	var running sync.WaitGroup
	defer running.Wait()
	for {
		c, ok := s.acceptClient(all, all.len)
		if !ok {
			return nil
		}
		provideProcessors(all.len() + 1)
		running.Go(func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			s.converse(c)
			all.remove(c)
		})
	}
}

// threadRoom returns for how many threads there is room with certainty: some are Go's own, some
// are other programs', and Go ends a program that cannot have a thread when it needs one.
func threadRoom() int { return max(1, sys.ProcessLimit()/4) }

// provideProcessors sees to it that n threads can run Go code without waiting for each other,
// in steps of powers of two, as each step stops the world.
func provideProcessors(n int) {
	if have := runtime.GOMAXPROCS(0); n > have {
		for have < n {
			have *= 2
		}
		runtime.GOMAXPROCS(have)
	}
}
