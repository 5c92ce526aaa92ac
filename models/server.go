package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/netip"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Config says what a server serves and where.
type Config struct {
	Addr     string         // host:port; port 0 lets the kernel choose
	Service  string         // see Services; "" is upper
	Wait     time.Duration  // a simulated upstream call that each chunk waits for
	MaxConns int            // connections open at once; 0 leaves it to the model
	Backend  string         // the selector of a model with Backends; "" or "auto" is the best
	Verbose  bool           // log each connection and request
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
	ctx      context.Context // cancelled: drain
	over     context.Context // cancelled: the grace of the drain is over, drop what is left
	model    Model
	service  Service
	log      *log.Logger
	maxConns int // 0: no limit

	accepts acceptLog
}

func newServer(ctx context.Context, m Model, cfg Config) (*server, error) {
	if cfg.Service == "" {
		cfg.Service = "upper"
	}
	service, err := LookupService(cfg.Service)
	if err != nil {
		return nil, err
	}
	switch {
	case cfg.Wait < 0:
		return nil, fmt.Errorf("the wait is %v: it cannot be negative", cfg.Wait)
	case cfg.MaxConns < 0:
		return nil, fmt.Errorf("the limit on connections is %d: it cannot be negative",
			cfg.MaxConns)
	case !m.Backends && cfg.Backend != "" && cfg.Backend != "auto":
		return nil, fmt.Errorf("the model has no loop that could run on %s", cfg.Backend)
	}
	if cfg.Log == nil {
		cfg.Log = io.Discard
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

// listen returns a listening socket on the configured address and says that it is there.
func (s *server) listen(nonblock bool) (int, error) {
	addr, err := resolve(s.ctx, s.Addr)
	if err != nil {
		return -1, fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	fd, err := sys.Listen(addr, sys.ListenOptions{Backlog: backlog, Nonblock: nonblock})
	if errors.Is(err, errors.ErrUnsupported) {
		return -1, errors.New("this system has no sockets that kettle can use: try goroutines")
	}
	if err != nil {
		return -1, fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	if addr, err = sys.LocalAddr(fd); err != nil {
		sys.Close(fd)
		return -1, fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	s.ready(net.TCPAddrFromAddrPort(addr))
	return fd, nil
}

func (s *server) ready(addr net.Addr) {
	if s.Ready != nil {
		s.Ready(addr)
	}
}

// resolve returns the one address to listen on. A name may have several: the first is taken,
// one of IPv4 if there is any, as net.Listen does. An empty host is every address.
func resolve(ctx context.Context, addr string) (netip.AddrPort, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", service)
	if err != nil {
		return netip.AddrPort{}, err
	}
	if host == "" {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), uint16(port)), nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return netip.AddrPortFrom(ip, uint16(port)), nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	best := ips[0].Unmap()
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() {
			best = ip
			break
		}
	}
	return netip.AddrPortFrom(best, uint16(port)), nil
}

// draining reports whether the server has been told to end.
func (s *server) draining() bool { return s.ctx.Err() != nil }
