package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// pending is the most connections that are being made at the same time: a server's backlog
// should not overflow because of us, as the kernel then waits a second before it tries again.
const pending = 64

// Dial connects to the server and returns the load, with nothing sent yet. It blocks
// until each has been connected or refused, or Config.Timeout has passed. That some are not
// connected is no error: Stats tells how many, and why the first was not. It is an error if
// none is, if the configuration is not possible, or if the descriptor limit is too low.
func Dial(ctx context.Context, config Config) (*Load, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	config = config.withDefaults()
	if err := checkLimit(config.all()); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	addrs, err := resolve(ctx, config.Addr)
	if err != nil {
		return nil, fmt.Errorf("load: address %q: %w", config.Addr, err)
	}
	for _, addr := range addrs {
		var l *Load
		l, err = dial(ctx, config, addr)
		if err == nil {
			return l, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("load: connecting %d connections to %s: %w",
		config.all(), config.Addr, err)
}

// dial connects to one address. That a name has several, and the server listens on one of
// them only, shows in that all connections to the others are refused.
func dial(ctx context.Context, config Config, addr netip.AddrPort) (*Load, error) {
	l, err := newLoad(config)
	if err != nil {
		return nil, err
	}
	l.addr = addr
	err = l.connect(ctx)
	if err == nil && l.stats.Live() == 0 {
		err = l.stats.First
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// connect makes all connections, some at a time.
func (l *Load) connect(ctx context.Context) error {
	stop := l.interruptible(ctx)
	defer stop()
	deadline := l.clock() + l.config.Timeout.Nanoseconds()
	begun, underway := 0, 0
	for begun < len(l.conns) || underway > 0 {
		left := deadline - l.clock()
		switch {
		case l.err != nil:
			return l.err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case left <= 0:
			l.giveUp(begun)
			return nil
		}
		for begun < len(l.conns) && underway < pending {
			if l.begin(begun) {
				underway++
			}
			begun++
		}
		if underway == 0 {
			continue // all were refused at once: there is nothing to wait for
		}
		for _, ev := range l.wait(time.Duration(left)) {
			if ev.index < len(l.conns) && l.finish(ev.index) {
				underway--
			}
		}
	}
	return l.err
}

// begin starts to connect connection i and reports whether that is under way.
func (l *Load) begin(i int) bool {
	c := &l.conns[i]
	fd, err := sys.Connect(l.addr)
	if err != nil {
		l.stats.Failed++
		c.state = failed
		if l.stats.First == nil {
			l.stats.First = connError{i, err}
		}
		return false
	}
	c.fd, c.state = int32(fd), connecting
	if l.topic != nil && c.kind == deaf { // so that it is soon up to the server what it holds
		_ = sys.SetRecvBuffer(fd, 4<<10)
	}
	l.watch(i, c, writing) // writable is connected, or refused
	return true
}

// finish takes the outcome of a connection that was under way, and reports whether it was.
func (l *Load) finish(i int) bool {
	c := &l.conns[i]
	if c.state != connecting {
		return false
	}
	if err := sys.Connected(int(c.fd)); errors.Is(err, syscall.ENOTCONN) {
		return false // it is still under way
	} else if err != nil {
		l.drop(i, c, failed, err)
		l.stats.Failed++
		return true
	}
	c.state = alive
	if c.kind == deaf {
		l.watch(i, c, 0)
	} else {
		l.watch(i, c, reading)
	}
	return true
}

// giveUp drops every connection that has not come about in time.
func (l *Load) giveUp(begun int) {
	err := notMadeIn(l.config.Timeout)
	for i := range l.conns {
		c := &l.conns[i]
		switch {
		case i >= begun:
			c.state = failed
			l.stats.Failed++
		case c.state == connecting:
			l.drop(i, c, failed, err)
			l.stats.Failed++
		}
	}
}
