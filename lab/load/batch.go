package load

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/kettle-go/kettle/internal/sys"
)

// Batch opens config.Conns connections at once, has one request answered on each, and closes each
// when it is. No connection is there before, so that a server that serves one client at a time gets
// to all of them. Elapsed is the time until nothing is missing any more, from before the first was
// begun, and so is each latency until its answer. What is missing after config.Timeout is
// Unanswered, as is what was asked on a connection that was refused or lost.
//
// The measured window is the whole of it: there is neither a warm-up nor a drain. It is an error if
// no connection can be made; if the name in the address stands for several, each is tried, with
// hooks.Start anew.
func Batch(ctx context.Context, config Config, hooks Hooks) (*Result, error) {
	switch err := config.Validate(); {
	case err != nil:
		return nil, fmt.Errorf("load: %w", err)
	case config.Service == servicePublish:
		return nil, fmt.Errorf("load: a batch: %w", errPublishes)
	case config.Idle > 0 || config.Deaf > 0:
		return nil, errors.New("load: a batch has neither idle nor deaf connections")
	case config.Depth > 1:
		return nil, fmt.Errorf("load: a batch of %d requests on each connection: 1 is possible",
			config.Depth)
	}
	config = config.withDefaults()
	if err := checkLimit(config.Conns); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	addrs, err := resolve(ctx, config.Addr)
	if err != nil {
		return nil, fmt.Errorf("load: address %q: %w", config.Addr, err)
	}
	for _, addr := range addrs {
		var r *Result
		if r, err = batchTo(ctx, config, addr, hooks); err == nil {
			return r, nil
		}
		if !errors.Is(err, errNoneMade) {
			break
		}
	}
	return nil, fmt.Errorf("load: a batch of %d connections to %s: %w", config.Conns, config.Addr,
		err)
}

// errNoneMade is matched by the error of a batch no connection of which could be made.
var errNoneMade = errors.New("none could be made")

func batchTo(ctx context.Context, config Config, addr netip.AddrPort, hooks Hooks) (
	r *Result, err error) {
	l, err := newLoad(config)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	l.addr = addr
	p := &atOnce{l: l}
	err = l.looping(ctx, func() error { return p.run(ctx, hooks) })
	if err != nil {
		return nil, err
	}
	r = l.result()
	r.Batch = true
	r.Unanswered = int64(r.Conns) - r.Requests
	return r, nil
}

// atOnce is the plan of Batch.
type atOnce struct {
	l     *Load
	begun int // connections
}

func (p *atOnce) run(ctx context.Context, hooks Hooks) error {
	l := p.l
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	for i := range l.conns {
		l.conns[i].active = true
	}
	l.active = len(l.conns)
	whole := phase{measure: l.config.Timeout, hooks: hooks, opened: func(_, _, _ int64) {},
		closed: func() {}}
	for deadline := l.open(p, whole); l.active > 0; {
		now := l.clock()
		switch {
		case l.err != nil:
			return l.err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		if now >= deadline {
			break
		}
		l.next = p.due(now)
		l.turn(p, min(l.next, deadline)-now)
	}
	if l.err != nil {
		return l.err
	}
	p.end()
	if l.stats.Failed == len(l.conns) {
		return fmt.Errorf("%w: %w", errNoneMade, l.stats.First)
	}
	l.shut(whole)
	l.settle()
	return nil
}

func (*atOnce) begin(int64) {}

// due begins some connections more, so many that those who are there need not wait for long.
func (p *atOnce) due(now int64) int64 {
	l := p.l
	for range together {
		if p.begun == len(l.conns) {
			return never
		}
		if i := p.begun; !l.begin(i) {
			l.unconnected(&l.conns[i])
		}
		p.begun++
	}
	return now
}

func (p *atOnce) answered(i int, c *conn, _ int) {
	l := p.l
	l.window.record(c, l.clock()-l.window.begin)
	l.watch(i, c, 0)
	sys.Close(int(c.fd))
	c.fd, c.state = -1, unborn
	l.active--
}

func (*atOnce) turned() {}

// end gives up the connections that have not come about in time.
func (p *atOnce) end() {
	l := p.l
	for i := range l.conns {
		switch c := &l.conns[i]; {
		case i >= p.begun:
			c.state = failed
		case c.state == connecting:
			l.drop(i, c, failed, notMadeIn(l.config.Timeout))
		default:
			continue
		}
		l.stats.Failed++
		l.unconnected(&l.conns[i])
	}
}
