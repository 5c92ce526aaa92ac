package load

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Churn has each exchange done on a connection of its own: connect, one request, its answer,
// close. Each connection that is not silent does so again and again, the first time as it is.
// After warmup it measures for d. Latencies are those of the answers of the window, each from
// before its connection was begun. When it returns the connections are there as before.
//
// A connection that the server ends before its answer is lost, and not made again. Else we close
// first, so that it is our system that keeps the pair of ports for a while (TIME_WAIT).
// Where it has none left to give, the next exchanges wait until it has.
func (l *Load) Churn(ctx context.Context, warmup, d time.Duration, hooks Hooks) (*Result, error) {
	p := &churn{l: l, begun: make([]int64, l.config.Conns)}
	err := l.run(ctx, "churning", p, phase{
		warmup:  warmup,
		measure: max(d, 1),
		drain:   l.config.Timeout,
		hooks:   hooks,
		opened:  func(_, _, _ int64) {},
		closed:  func() { p.draining = true },
	})
	p.end()
	if err != nil {
		return nil, err
	}
	r := l.result()
	r.Churn = true
	r.Unanswered = p.unanswered
	return r, nil
}

// churn is the plan of Churn.
type churn struct {
	l          *Load
	begun      []int64 // when its exchange began, by the connection's slot
	waiting    []int   // connections that the system has no port for
	draining   bool
	unanswered int64
}

// portStep is the time between two attempts to get a port.
const portStep = int64(time.Millisecond)

func (p *churn) begin(now int64) {
	for i := range p.l.conns {
		if c := &p.l.conns[i]; c.active {
			p.begun[c.slot] = now
			p.l.ask(i, c, 1)
		}
	}
}

func (p *churn) due(now int64) int64 {
	again := p.waiting
	p.waiting = nil
	for _, i := range again {
		p.connect(i, &p.l.conns[i])
	}
	if len(p.waiting) == 0 {
		return never
	}
	return now + portStep
}

func (p *churn) answered(i int, c *conn, _ int) {
	now := p.l.clock()
	if p.l.window.open {
		p.l.window.record(c, now-p.begun[c.slot])
	}
	if p.draining {
		return
	}
	p.begun[c.slot] = now
	p.l.watch(i, c, 0)
	sys.Close(int(c.fd))
	slot, served := c.slot, c.served
	*c = p.l.unborn(i)
	c.slot, c.active, c.served = slot, true, served
	p.connect(i, c)
}

func (*churn) turned() {}

// connect begins the connection of the next exchange.
func (p *churn) connect(i int, c *conn) {
	fd, err := sys.Connect(p.l.addr)
	switch {
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		p.waiting = append(p.waiting, i)
	case err != nil:
		p.l.stats.Failed++
		p.l.drop(i, c, failed, err)
		p.l.unconnected(c)
	default:
		c.fd, c.state = int32(fd), connecting
		p.l.watch(i, c, writing)
	}
}

// connected takes the outcome of a connection that a phase has begun, and sends its request.
func (l *Load) connected(i int, c *conn) {
	if !l.finish(i) {
		return // an event of the descriptor that was here before
	}
	if c.state == alive {
		l.ask(i, c, 1)
		return
	}
	l.unconnected(c)
}

// unconnected counts a connection out that could not be made.
func (l *Load) unconnected(c *conn) {
	if c.active {
		l.active--
		l.lost++
	}
}

// end gives up the connections that have not come about when the drain has ended, and counts
// what is unanswered.
func (p *churn) end() {
	l := p.l
	for i := range l.conns {
		c := &l.conns[i]
		switch {
		case !c.active:
		case c.state == connecting, c.state == unborn:
			p.unanswered++
			l.stats.Failed++
			l.drop(i, c, failed, errNotMade)
		case c.state == alive && c.owing():
			p.unanswered++
		}
	}
}

// errNotMade is why a connection is missing that was not there when its phase ended.
var errNotMade = errors.New("connect: not answered before the end")
