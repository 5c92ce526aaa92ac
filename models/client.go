package models

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/trace"
)

// client is a connection of a blocking model.
type client struct {
	fd   int
	peer netip.AddrPort
}

// converse is the heart of every blocking model: receive, answer, until the client has
// finished. Each call may wait as long as it likes, and the thread waits with it.
//
// Two things are easy to forget here. A send may take less than it was given, so it is called
// until all is sent. And 0 bytes received is not an empty request but the end of the stream:
// everything before it has been answered, so there is nothing left to do.
func (s *server) converse(c client) {
	s.lost(c.peer, func() error {
		buf, reply := make([]byte, clientBuffer), s.newReply()
		for {
			began := s.trace.Now()
			n, err := sys.Recv(c.fd, buf)
			s.did(trace.Read, "recv", c.peer, began, n, err)
			if n == 0 && err == nil {
				s.linger(c.fd)
			}
			if n == 0 || err != nil {
				return err
			}
			s.request(c.peer, buf[:n])
			s.compute(buf[:n])
			s.sleep(c, s.Wait)
			for rest := buf[:n]; len(rest) > 0; {
				var answer []byte
				answer, rest = reply(rest)
				if err := s.sendAll(c, answer); err != nil {
					return err
				}
			}
		}
	}())
}

func (s *server) sendAll(c client, p []byte) error {
	for len(p) > 0 {
		began := s.trace.Now()
		n, err := sys.Send(c.fd, p)
		s.did(trace.Write, "send", c.peer, began, n, err)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// sleep blocks the thread for d, in pieces so that it can be given up when a drain's grace
// is over.
func (s *server) sleep(c client, d time.Duration) {
	if d <= 0 {
		return
	}
	const piece = 100 * time.Millisecond
	began := s.trace.Now()
	for ; d > 0 && s.over.Err() == nil; d -= piece {
		sys.Sleep(min(d, piece))
	}
	s.did(trace.Sleep, "sleep", c.peer, began, 0, nil)
}

// clients are the listener and the open connections of a blocking model, so that a drain can
// end the calls that wait on them. It may be used from any goroutine. What is closed is closed
// under the lock: the number of a descriptor may be another connection's at once.
type clients struct {
	server *server
	stop   []func() bool

	mu       sync.Mutex
	listener int // -1 when closed
	open     map[int]struct{}
}

// newClients arranges that a drain ends accepting at once, the receives when what has arrived
// is answered, and after Grace also the sends.
func (s *server) newClients(listener int) *clients {
	cs := &clients{server: s, listener: listener, open: make(map[int]struct{})}
	cs.stop = []func() bool{
		context.AfterFunc(s.ctx, func() { cs.shutdown(sys.ShutdownRead) }),
		context.AfterFunc(s.over, func() { cs.shutdown(sys.ShutdownBoth) }),
	}
	return cs
}

// shutdown ends one or both directions of every connection. To end the receiving side makes a
// waiting receive return what has arrived, and then the end of the stream. To end both makes a
// waiting send fail as well.
func (cs *clients) shutdown(how sys.ShutdownHow) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.listener >= 0 {
		sys.InterruptAccept(cs.listener)
	}
	for fd := range cs.open {
		sys.Shutdown(fd, how)
	}
}

// add takes in a connection that has been accepted; a drain may have begun just now.
func (cs *clients) add(c client) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.open[c.fd] = struct{}{}
	if cs.server.draining() {
		sys.Shutdown(c.fd, sys.ShutdownRead)
	}
}

// remove closes a connection.
func (cs *clients) remove(c client) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.open, c.fd)
	sys.Close(c.fd)
}

func (cs *clients) len() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}

// close closes the listener; every connection has been removed.
func (cs *clients) close() {
	for _, stop := range cs.stop {
		stop()
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.listener >= 0 {
		sys.Close(cs.listener)
		cs.listener = -1
	}
}

// acceptClient waits for the next client, and adds it; open returns how many there are. It
// returns false when the server drains.
func (s *server) acceptClient(cs *clients, open func() int) (client, bool) {
	for !s.draining() {
		began := s.trace.Now()
		fd, peer, err := sys.Accept(cs.listener, false)
		s.did(trace.Accept, "accept", peer, began, 0, err)
		switch {
		case err != nil:
			if !s.draining() {
				sleepUnless(s.ctx.Done(), s.acceptFailed(err))
			}
		case s.draining() || !s.admitted(open()):
			sys.Close(fd)
		default:
			s.connected(peer)
			c := client{fd, peer}
			cs.add(c)
			return c, true
		}
	}
	return client{}, false
}
