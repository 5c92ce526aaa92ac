package models

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// What a server says. Each connection and request is told only with --verbose; what goes
// wrong is always told, once per burst, as a flood of lines helps nobody.

// quoteLimit is how much of a request the log shows.
const quoteLimit = 256

func (s *server) connected(peer netip.AddrPort) {
	if s.trace != nil {
		s.recordAccepted(peer)
	}
	if s.Verbose {
		s.log.Printf("client %v connected", peer)
	}
}

// request logs what a client has sent. Any byte may be in it, so it is quoted.
func (s *server) request(peer netip.AddrPort, chunk []byte) {
	switch {
	case !s.Verbose:
	case len(chunk) > quoteLimit:
		s.log.Printf("request %v: %q and %d bytes more", peer, chunk[:quoteLimit],
			len(chunk)-quoteLimit)
	default:
		s.log.Printf("request %v: %q", peer, chunk)
	}
	if s.trace != nil {
		s.recordRequest(peer, len(chunk))
	}
}

// lost logs the end of a client: nil means that it has finished and been answered.
func (s *server) lost(peer netip.AddrPort, err error) {
	if s.trace != nil {
		s.recordEnd(peer, err)
	}
	switch {
	case !s.Verbose:
	case err == nil:
		s.log.Printf("client %v left", peer)
	case s.over.Err() != nil: // what the model sees of it may be another error
		s.log.Printf("client %v dropped: %v", peer, errGrace)
	default:
		s.log.Printf("client %v lost: %v", peer, err)
	}
}

// errGrace is why a client is dropped that a drain did not finish with.
var errGrace = errors.New("the server ends, and the time for answering is over")

// acceptLog says once per burst that accepting fails or that clients are refused, and works
// out how long to leave the backlog alone after the descriptors have run out.
type acceptLog struct {
	mu      sync.Mutex
	refused bool
	failed  bool // so did the worker of the last client, to start
	pause   time.Duration
}

// The first pause after the descriptors have run out, and the longest. Clients wait in the
// backlog meanwhile: none that the kernel has queued is lost.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
)

// acceptFailed returns how long to wait before the next accept.
func (s *server) acceptFailed(err error) time.Duration {
	a := &s.accepts
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.pause == 0
	a.pause = min(max(2*a.pause, firstPause), longestPause)
	switch {
	case first && sys.Exhausted(err):
		s.log.Printf("accept: %v: new clients wait until a descriptor is free (the limit is %d)",
			err, sys.DescriptorLimit())
	case first:
		s.log.Printf("accept: %v: trying again", err)
	}
	return a.pause
}

// admitted says that a connection has been accepted, beside open others, and reports whether
// there is room for it. If not, the caller closes it.
func (s *server) admitted(open int) bool {
	if s.maxConns == 0 || open < s.maxConns {
		s.roomAgain()
		return true
	}
	s.refuse("the limit on connections (--max-conns) is %d", s.maxConns)
	return false
}

// roomAgain ends a burst of refusals: the next one is told.
func (s *server) roomAgain() {
	a := &s.accepts
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused, a.pause = false, 0
}

// refuse says why clients are turned away, once until one is admitted again.
func (s *server) refuse(format string, args ...any) {
	a := &s.accepts
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.refused {
		s.log.Printf("refusing clients: "+format, args...)
	}
	a.refused = true
	a.pause = 0
}

// notStarted says why a client that there was room for got no worker, once until one gets one:
// see started.
func (s *server) notStarted(err error) {
	a := &s.accepts
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.failed {
		s.log.Printf("refusing clients: %v", err)
	}
	a.failed = true
}

func (s *server) started() {
	a := &s.accepts
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = false
}
