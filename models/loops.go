package models

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/transport"
)

// What the models on the library share: protocol, streams and uring. The library knows how to
// accept, to limit, to wait and to drain; what is here has it say so in the words of the other
// models.

// loops returns how many loops there are to be.
func (s *server) loops() int { return max(1, s.Loops) }

// listening returns how to listen. With several loops each has a socket of its own on the port, and
// the kernel spreads the clients; the limit on connections is one for all.
func (s *server) listening() transport.ListenConfig {
	c := transport.ListenConfig{Backlog: backlog, ReusePort: s.loops() > 1, Failed: s.notAccepted}
	if s.maxConns > 0 {
		c.Limit = transport.NewLimit(s.maxConns)
		c.Refused = func(net.Addr) { s.admitted(s.maxConns) } // says that it is not
	}
	return c
}

// notAccepted says why a client could not be accepted. The listener knows itself how long to pause.
func (s *server) notAccepted(err error, _ time.Duration) {
	if errors.Is(err, selectors.ErrTooLarge) {
		s.refuse("their descriptors are too large for select: %v", err)
		return
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = errno // without saying again that it was accept
	}
	s.acceptFailed(err)
}

// peer is a connection of the library: a transport or a stream.
type peer interface{ RemoteAddr() net.Addr }

// told reports whether anybody is told of each client and request.
func (s *server) told() bool { return s.Verbose || s.trace != nil }

// addressOf returns the address of a client. Only the log needs it, so that nobody keeps it.
func addressOf(c peer) netip.AddrPort { return c.RemoteAddr().(*net.TCPAddr).AddrPort() }

// came says that a client has come. It is told later than the client was accepted, and others who
// came with it, on whatever loop, may have been refused in between: so a burst of refusals ends
// when somebody comes after somebody has gone.
func (s *server) came(c peer) {
	s.here.Add(1)
	if s.someLeft.Swap(false) {
		s.roomAgain()
	}
	if s.told() {
		s.connected(addressOf(c))
	}
}

// asked says what a client has sent.
func (s *server) asked(c peer, chunk []byte) {
	if s.told() {
		s.tell(c, chunk)
	}
}

func (s *server) tell(c peer, chunk []byte) { s.request(addressOf(c), chunk) }

// went says that a client has gone. Its place may have another one already.
func (s *server) went(c peer, why error) {
	if s.told() {
		s.lost(addressOf(c), why)
	}
	if left := s.here.Add(-1); s.maxConns > 0 && left >= int64(s.maxConns) {
		s.roomAgain()
	} else {
		s.someLeft.Store(true)
	}
}

// newLoop returns a loop on the selector that the configuration names.
func (s *server) newLoop() (*loop.Loop, error) {
	selector, err := selectors.Prefer(s.backend())
	if err != nil {
		return nil, err
	}
	l, err := loop.New(loop.Config{Selector: selector, OnIncident: s.incident})
	if err == nil {
		s.recordWaits(l)
	}
	return l, err
}

// looped is what runs on a loop of its own. Its methods are called there, but for eventLoop.
type looped interface {
	eventLoop() *loop.Loop
	drain()
	drop() // may be called without drain
}

// runAll runs the loops, each on a goroutine, until all have ended: when they have drained, or when
// the grace for that is over, or something has failed, and the rest is dropped.
func runAll[L looped](s *server, all []L) error {
	each := func(f func(L)) {
		for _, one := range all {
			_ = one.eventLoop().Post(func() { f(one) }) // one that has ended has nothing to be told
		}
	}
	begun := context.AfterFunc(s.ctx, func() { each(L.drain) })
	defer begun()
	over := context.AfterFunc(s.dropped, func() { each(L.drop) })
	defer over()
	var running sync.WaitGroup
	failures := make([]error, len(all))
	for i, one := range all {
		running.Go(func() {
			failures[i] = errEndedEarly // unless Run returns
			defer func() {
				if failures[i] != nil {
					s.fail(failures[i])
				}
			}()
			failures[i] = one.eventLoop().Run()
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// errEndedEarly says that runtime.Goexit has ended the goroutine of a loop.
var errEndedEarly = errors.New("a callback has ended the goroutine of its loop")

// The library goes on when the code of one client panics: the others have done nothing wrong. Here
// that would hide a mistake of the program, so that it ends the server as in the other models.

// mistake is a panic of the code of a client.
type mistake struct{ loop.Incident }

func (m mistake) Error() string {
	return fmt.Sprintf("%s: %v\n\n%s", m.What, m.Err, m.Stack)
}

// incident is told of what goes wrong where nobody waits for an error.
func (s *server) incident(in loop.Incident) {
	if in.Stack == nil {
		s.log.Printf("%s: %v", in.What, in.Err)
		return
	}
	s.fail(mistake{in})
}

// watched runs serve, and panics if the code of a client has. Whatever fails meanwhile drops all
// clients, on whatever loop, as the end of the grace does.
func (s *server) watched(serve func() error) error {
	s.dropped, s.fail = context.WithCancelCause(s.over)
	defer s.fail(nil)
	err := serve()
	if errors.Is(err, errors.ErrUnsupported) {
		err = errNoSockets
	}
	if m, ok := context.Cause(s.dropped).(mistake); ok {
		panic(m.Error())
	}
	return err
}
