package models

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/trace"
	"github.com/kettle-go/kettle/loop"
)

// What a server records, if Config.Trace says so: what it does, and when. Otherwise s.trace is nil,
// and to look at that is all that a hook costs.
//
// The models that make system calls record each of them. Of those on Go's net or on the library,
// their own code is all that can be seen: what they call is marked when it has returned, and what a
// connection does from one mark to the next is what stands before the second.

// seen says what can be seen of a model.
type seen struct {
	rows  trace.Rows
	calls trace.How // what calls do that are not the model's own, "" if there are none
	reads string    // the one that reads, if it is not its own
}

// seen returns what can be seen of the model.
func (m Model) seen() seen {
	switch m.Name {
	case "threads":
		return seen{rows: trace.Rows{Name: "thread", Own: true}}
	case "goroutines":
		return seen{trace.Rows{Name: "goroutine", Own: true}, trace.Suspends, "Read"}
	case "protocol":
		return seen{trace.Rows{Name: "loop"}, trace.Told, "Data"}
	case "streams", "uring":
		return seen{trace.Rows{Name: "loop"}, trace.Suspends, "Next"}
	}
	return seen{rows: trace.Rows{Name: "thread"}}
}

// onLibrary reports whether the model accepts, waits and switches by the library.
func (v seen) onLibrary() bool { return v.rows.Name == "loop" }

// record begins to record.
func (s *server) record() (err error) {
	s.seen = s.model.seen()
	s.trace, err = trace.Open(s.Trace, s.seen.rows)
	return err
}

// did records a system call that began at began.
func (s *server) did(op trace.Op, call string, peer netip.AddrPort, began int64, n int, err error) {
	if s.trace != nil {
		s.recordCall(op, call, peer, began, n, err)
	}
}

func (s *server) recordCall(op trace.Op, call string, peer netip.AddrPort, began int64, n int,
	err error) {
	e := trace.Event{Start: began, Op: op, Call: call, How: trace.Returns, Peer: peer, N: max(n, 0)}
	if s.model.Blocking {
		e.How = trace.Blocks
	}
	switch {
	case sys.WouldBlock(err):
		e.Tries = 1
	case err != nil:
		e.Error = err.Error()
	}
	s.trace.Add(e)
}

// waited records a wait for all that a thread has, which found n of them ready.
func (s *server) waited(call string, began int64, n int) {
	if s.trace != nil {
		s.recordWait(call, began, n)
	}
}

func (s *server) recordWait(call string, began int64, n int) {
	e := trace.Event{Start: began, Op: trace.Wait, Call: call, How: trace.Suspends, N: n}
	if !s.model.Backends && s.model.Selector == "" { // its wait is a system call of its own
		e.How = trace.Blocks
	}
	s.trace.Add(e)
}

// ran records that the coroutine of a client ran.
func (s *server) ran(peer netip.AddrPort, began int64) {
	if s.trace != nil {
		s.trace.Add(trace.Event{Start: began, Op: trace.Task, Peer: peer})
	}
}

// recordAccepted records that a client has come.
func (s *server) recordAccepted(peer netip.AddrPort) {
	if s.seen.calls == "" {
		return // the call has been
	}
	s.trace.Mark(trace.Event{Peer: peer})
	if s.seen.onLibrary() {
		s.trace.Mark(trace.Event{Op: trace.Accept, How: trace.Told, Peer: peer})
	}
}

// recordRequest records that a client has sent something, which will now be answered.
func (s *server) recordRequest(peer netip.AddrPort, n int) {
	if s.seen.calls == "" {
		s.trace.Computing(peer)
		return
	}
	s.trace.Mark(trace.Event{Op: trace.Read, Call: s.seen.reads, How: s.seen.calls, Peer: peer,
		N: n})
	s.switched(peer, true)
}

// recordEnd records that a client has gone.
func (s *server) recordEnd(peer netip.AddrPort, why error) {
	if s.seen.calls != "" {
		e := trace.Event{Op: trace.Read, Call: s.seen.reads, How: s.seen.calls, Peer: peer}
		if why != nil {
			e.Error = why.Error()
		}
		s.trace.Mark(e)
	}
	s.trace.Forget(peer)
}

// computed marks that a request has been worked out.
func (s *server) computed(c peer) {
	if s.trace != nil {
		s.mark(c, trace.Compute, 0)
	}
}

// slept marks that the wait for the simulated upstream call is over.
func (s *server) slept(c peer) {
	if s.trace != nil {
		s.mark(c, trace.Sleep, 0)
	}
}

// wrote marks that a client has been answered, with n bytes.
func (s *server) wrote(c peer, n int) {
	if s.trace != nil {
		s.mark(c, trace.Write, n)
	}
}

// mark marks that a client's code has done something, and whether its task goes on.
func (s *server) mark(c peer, op trace.Op, n int) {
	e := trace.Event{Op: op, Peer: peerOf(c), N: n}
	switch op {
	case trace.Sleep:
		e.How = s.seen.calls
	case trace.Write:
		e.How, e.Call = s.seen.calls, "Write"
	}
	s.trace.Mark(e)
	if op != trace.Compute || s.Wait > 0 {
		s.switched(e.Peer, op == trace.Sleep)
	}
}

// switched records that a task was switched to, or away from, if the model has tasks on a loop.
func (s *server) switched(peer netip.AddrPort, to bool) {
	if s.seen.onLibrary() && s.seen.calls == trace.Suspends {
		s.trace.Switched(peer, to)
	}
}

// peerOf returns the address of a client as the models with system calls know it.
func peerOf(c peer) netip.AddrPort {
	addr := c.RemoteAddr().(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// recordWaits records when a loop of the library waits.
func (s *server) recordWaits(l *loop.Loop) {
	if s.trace == nil {
		return
	}
	selector, began := l.Stats().Selector, int64(0)
	l.OnWait(func(found int) {
		if found < 0 {
			began = s.trace.Now()
		} else {
			s.waited(selector, began, found)
		}
	})
}

// accept accepts a client of the goroutines model.
func (s *server) accept(l net.Listener) (net.Conn, error) {
	began := s.trace.Now()
	conn, err := l.Accept()
	if s.trace != nil {
		e := trace.Event{Start: began, Op: trace.Accept, Call: "Accept", How: trace.Suspends}
		if err != nil {
			e.Error = err.Error()
		} else {
			e.Peer = peerOf(conn)
		}
		s.trace.Add(e)
	}
	return conn, err
}

// recordSleeps records the waits for the simulated upstream call of a single-threaded model.
func (l *single) recordSleeps() {
	if l.trace == nil {
		return
	}
	l.waits.over = func(c *conn) {
		began := l.trace.Now() - int64(time.Since(c.due)+l.Wait)
		l.trace.Add(trace.Event{Start: began, Op: trace.Sleep, How: trace.Told, Peer: c.peer})
	}
}

// errSeveralLoops says that what several loops do cannot be told apart.
var errSeveralLoops = errors.New("a trace is of one loop")
