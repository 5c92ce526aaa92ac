package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Goroutines: what Go's own net package does.
//
//	goroutine 1   Read ─┐                     ┌▶ Write ──▶ Read ─┐
//	goroutine 2         │     Read ─┐         │                  │
//	runtime             └▶ parked   └▶ parked │ epoll says that 1 is ready
//
// The code reads like the blocking model's, and no thread waits: a Read that would wait
// registers the connection with the runtime's own event loop, and the scheduler runs another
// goroutine on the thread. It is async/await with the await in every call and out of sight.
//
// Good for: nearly everything. Its limits are what this module is about: a stack and a buffer
// for each idle client, locks for what they share, and no say in who runs when. It is the
// reference that the other models are compared with.
func goroutines() Model {
	return Model{
		Name:      "goroutines",
		Summary:   "Go's own net: a goroutine per connection; the reference to beat",
		Blocking:  false,
		Threads:   "1 goroutine per connection on a thread per CPU",
		Waits:     "each goroutine is parked; the runtime's poller, in epoll or kqueue, for all",
		Limits:    "a stack and a buffer for each idle client; shared state needs locks",
		Section:   "4.10",
		parallel:  true,
		publishes: true,
		files:     []string{"goroutines.go"},
		serve:     serveGoroutines,
	}
}

func serveGoroutines(s *server) error {
	listener, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return err
	}
	if s.Ready != nil {
		s.Ready(listener.Addr())
	}
	stop := context.AfterFunc(s.ctx, func() { listener.Close() })
	defer stop()
	defer listener.Close()
	var running sync.WaitGroup
	defer running.Wait()
	var open atomic.Int64
	handle := s.memberCode()
	for !s.draining() {
		conn, err := s.accept(listener)
		switch {
		case err != nil && s.draining():
		case err != nil && errors.Is(err, net.ErrClosed):
			return fmt.Errorf("accept: %w", err)
		case err != nil:
			sleepUnless(s.ctx.Done(), s.acceptFailed(err))
		case !s.admitted(int(open.Load())):
			conn.Close()
		default:
			open.Add(1)
			running.Go(func() {
				handle(conn)
				conn.Close()
				open.Add(-1)
			})
		}
	}
	return nil
}

func (s *server) handle(conn net.Conn) {
	peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
	peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	s.connected(peer)
	defer s.drainConn(conn)()
	buf, reply := make([]byte, clientBuffer), s.newReply()
	for {
		n, err := conn.Read(buf)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				err = nil
				s.lingerConn(conn)
			}
			s.lost(peer, err)
			return
		}
		s.request(peer, buf[:n])
		s.compute(buf[:n])
		s.computed(conn)
		if s.Wait > 0 {
			sleepUnless(s.over.Done(), s.Wait)
			s.slept(conn)
		}
		for rest := buf[:n]; len(rest) > 0; {
			var answer []byte
			answer, rest = reply(rest)
			if _, err := conn.Write(answer); err != nil {
				s.lost(peer, err)
				return
			}
		}
		s.wrote(conn, n)
	}
}

// drainConn arranges that, once the server drains, reading ends when what has arrived has been
// read, and that after Grace writing ends too.
func (s *server) drainConn(conn net.Conn) func() {
	read := context.AfterFunc(s.ctx, func() {
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.CloseRead()
		}
	})
	all := context.AfterFunc(s.over, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return func() {
		read()
		all()
	}
}

// lingerConn is linger for a connection of net's, but that it blocks no thread.
func (s *server) lingerConn(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	for more := err == nil; more && s.draining() && s.over.Err() == nil; {
		more = false
		raw.Control(func(fd uintptr) { more = undelivered(int(fd)) })
		if more {
			sleepUnless(s.over.Done(), lingerPause)
		}
	}
}
