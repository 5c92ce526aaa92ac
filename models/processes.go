package models

import "github.com/kettle-go/kettle/internal/sys"

// Processes: a process for each client.
//
//	parent     accept ─┬─▶ accept ─┬─▶ accept (waits)      ended? ─▶ reap
//	                   │ socket 1  │ socket 2                ▲
//	worker 1           └▶ recv (waits) ──▶ send ──▶ ... end ─┘
//	worker 2                       └▶ recv (waits) ──▶ send ──▶
//
// The oldest way to serve many: the parent hands each accepted socket to a worker, which runs
// the blocking model's code for it. Workers share nothing, so one that crashes takes nobody
// with it, and nothing needs a lock.
//
// Three things are easy to forget. The parent must close its copy of the socket, or the client
// never sees the end of the stream when the worker has closed the other one. Ended children
// must be reaped, or the system keeps an entry for each. And there must be a limit.
//
// Good for: few, long or dangerous sessions (sshd, databases). Limited by the time to start a
// process and by the memory of each.
func processes() Model {
	return Model{
		Name:        "processes",
		Summary:     "a worker process per connection, each with blocking calls",
		Synchronous: true,
		Blocking:    true,
		Threads:     "1 process per connection",
		Waits:       "each process, in recv or send of its client",
		Limits:      "starting a process takes milliseconds; each has its own memory",
		Section:     "4.2",
		processes:   true,
		files:       []string{"processes.go", "client.go", "children.go"},
		maxConns:    func() int { return processRoom(sys.ProcessLimit()) },
		serve:       serveProcesses,
		work:        serveInheritedClient,
	}
}

func serveProcesses(s *server) error {
	listener, err := s.listen(false)
	if err != nil {
		return err
	}
	parent := s.newClients(listener)
	defer parent.close()
	workers, err := s.newChildren()
	if err != nil {
		return err
	}
	defer workers.close()
	if err := s.announce(listener); err != nil {
		return err
	}
	for {
		c, ok := s.acceptClient(parent, workers.len)
		if !ok {
			workers.drain()
			return nil
		}
		if err := workers.start(job{socket: c.fd, peer: c.peer}); err != nil {
			s.notStarted(err)
			s.lost(c.peer, err)
		} else {
			s.started()
		}
		parent.remove(c) // the worker has its own copy
	}
}

// processRoom returns for how many workers there is room where the system allows so many threads
// and processes: a worker has several threads. 0 would be no limit.
func processRoom(allowed int) int { return max(1, min(256, allowed/8)) }

// serveInheritedClient is the whole life of a worker. It is told who its client is, as a client
// that has left already has no address any more.
func serveInheritedClient(s *server, o order) error {
	c := client{socketFD, o.Peer}
	only := s.newClients(-1)
	only.add(c)
	s.converse(c)
	only.remove(c)
	only.close()
	return nil
}
