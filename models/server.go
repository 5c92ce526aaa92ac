package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/trace"
	"github.com/kettle-go/kettle/selectors"
)

// Config says what a server serves and where.
type Config struct {
	Addr     string         // host:port; port 0 lets the kernel choose
	Service  string         // see Services; "" is upper
	Wait     time.Duration  // a simulated upstream call that each chunk waits for
	Work     time.Duration  // CPU time that each chunk costs that begins with Marker
	MaxConns int            // connections open at once; 0 leaves it to the model
	Backend  string         // the selector of a model with Backends; "" or "auto" is the best
	Loops    int            // how many loops a model with Loops runs; 0 is one
	Verbose  bool           // log each connection and request
	Trace    string         // a file to which what happens is appended, for the lab; "" for none
	Log      io.Writer      `json:"-"` // where the log goes; nil discards it
	Ready    func(net.Addr) `json:"-"` // called once it can be connected to; may be nil
}

const (
	// Grace is how long a server that drains goes on answering what it has received.
	Grace = 5 * time.Second

	// backlog is how many connections the kernel may hold until they are accepted. The
	// blocking model's clients wait there, so it is large; the kernel has a limit of its own.
	backlog = 4096

	// chunkSize is how much a server receives at a time, and so the most that a
	// single-threaded one holds for a client that does not read.
	chunkSize = 64 << 10
)

// server is a model that runs: its configuration, and what all models do alike.
type server struct {
	Config
	ctx     context.Context // cancelled: drain
	over    context.Context // cancelled: the grace of the drain is over, drop what is left
	model   Model
	service Service
	counter counter // of the service count
	log     *log.Logger

	publication publication // of the service publish

	trace    *trace.Recorder // nil: nothing is recorded
	seen     seen            // what can be recorded of the model
	maxConns int             // 0: no limit

	accepts acceptLog

	// Of the models on the library: see loops.go.
	dropped  context.Context // cancelled: the grace is over, or something has failed
	fail     context.CancelCauseFunc
	here     atomic.Int64 // clients
	someLeft atomic.Bool  // since one has come
}

func newServer(ctx context.Context, m Model, cfg Config) (*server, error) {
	if cfg.Service == "" {
		cfg.Service = "upper"
	}
	service, err := LookupService(cfg.Service)
	if err == nil {
		err = m.CanServe(service)
	}
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.Wait > 0 && service.CanWait() != nil:
		return nil, service.CanWait()
	case cfg.Wait < 0:
		return nil, fmt.Errorf("the wait is %v: it cannot be negative", cfg.Wait)
	case cfg.Work < 0:
		return nil, fmt.Errorf("the work is %v: it cannot be negative", cfg.Work)
	case cfg.MaxConns < 0:
		return nil, fmt.Errorf("the limit on connections is %d: it cannot be negative",
			cfg.MaxConns)
	case m.CanRunOn(cfg.Backend) != nil:
		return nil, m.CanRunOn(cfg.Backend)
	case cfg.Loops < 0:
		return nil, fmt.Errorf("the number of loops is %d: it cannot be negative", cfg.Loops)
	case cfg.Loops > 1 && cfg.Trace != "":
		return nil, errSeveralLoops
	case !m.Loops && cfg.Loops > 1:
		return nil, fmt.Errorf("the model cannot run on %d loops", cfg.Loops)
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	if m.Selector != "" {
		cfg.Backend = m.Selector
	}
	s := &server{
		Config:  cfg,
		ctx:     ctx,
		over:    ctx,
		model:   m,
		service: service,
		log:     log.New(cfg.Log, "", log.Ltime|log.Lmicroseconds|log.Lmsgprefix),
	}
	if s.maxConns = cfg.MaxConns; s.maxConns == 0 && m.maxConns != nil {
		s.maxConns = m.maxConns()
	}
	return s, nil
}

// newReply returns what answers a client, or all clients of a loop: see reply.
func (s *server) newReply() reply { return s.service.begin(s) }

// backend returns the name of the selector to wait with, where "" is the best.
func (s *server) backend() string {
	if s.Backend == "auto" {
		return ""
	}
	return s.Backend
}

// prefer finds out whether there can be the selector that was asked for. If there is another one
// instead, that is told once, however many loops and processes there are to be.
func (s *server) prefer() error {
	if s.backend() == "" {
		return nil
	}
	sel, err := selectors.Prefer(s.Backend)
	if err != nil {
		return err
	}
	defer sel.Close()
	if why := sel.Instead(); why != nil {
		s.log.Printf("serving with %s instead of %s: %v", sel.Name(), s.Backend, why)
		s.Backend = sel.Name()
	}
	return nil
}

// addresses returns the addresses that the configured one stands for.
func (s *server) addresses() ([]netip.AddrPort, error) {
	// No host is every address of IPv6, with those of IPv4 where the system can have both on one
	// socket, or of IPv4 alone where there is no IPv6.
	addrs, err := sys.Resolve(s.ctx, s.Addr, netip.IPv6Unspecified(), netip.IPv4Unspecified())
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	return addrs, nil
}

// listen returns a listening socket on the configured address.
func (s *server) listen(nonblock bool) (int, error) {
	addrs, err := s.addresses()
	if err != nil {
		return -1, err
	}
	for _, addr := range addrs {
		var fd int
		fd, err = sys.Listen(addr, sys.ListenOptions{Backlog: backlog, Nonblock: nonblock})
		if err == nil {
			return fd, nil
		}
		if errors.Is(err, errors.ErrUnsupported) {
			return -1, errNoSockets
		}
	}
	return -1, fmt.Errorf("listen on %s: %w", s.Addr, err)
}

// errNoSockets says that only Go's own net works here.
var errNoSockets = errors.New("this system has no sockets that kettle can use: try goroutines")

// announce says that the server can be connected to and will serve. A model calls it when it
// has all that it needs.
func (s *server) announce(listener int) error {
	addr, err := sys.LocalAddr(listener)
	if err == nil && s.Ready != nil {
		s.Ready(net.TCPAddrFromAddrPort(addr))
	}
	return err
}

// draining reports whether the server has been told to end.
func (s *server) draining() bool { return s.ctx.Err() != nil }

// clientBuffer is what each client has to itself whose code waits in the middle of its work: of
// a blocking model, and each goroutine.
const clientBuffer = 16 << 10

// linger sees to it, during a drain, that a client gets what it has been answered. To close at
// once could lose it: the client's next byte would find no connection, the kernel would answer
// with RST, and drop what it has not delivered. So it is closed when the other side has
// acknowledged everything, or when the grace is over. It blocks the thread.
//
// To end the sending side first, so that the client has its end of the stream, would be no
// better here: the drain has ended the receiving side already, and on a connection with both
// ended Linux answers any further byte with RST itself.
func (s *server) linger(fd int) {
	for s.draining() && s.over.Err() == nil && undelivered(fd) {
		sys.Sleep(lingerPause)
	}
}

// lingerPause is how often a connection that lingers is looked at: the kernel has no event for
// an empty send buffer.
const lingerPause = 2 * time.Millisecond

// undelivered reports whether the other side has yet to acknowledge something, and still may: of a
// connection that it has reset the kernel goes on to count what nobody will have.
func undelivered(fd int) bool {
	n, err := sys.Unsent(fd)
	return err == nil && n > 0 && sys.SocketError(fd) == nil
}

func sleepUnless(done <-chan struct{}, d time.Duration) {
	select {
	case <-done:
	case <-time.After(d):
	}
}
