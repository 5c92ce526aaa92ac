package load

import (
	"context"
	"time"
)

// Saturate keeps Config.Depth requests in flight on every connection that is not silent: each
// answer is followed by the next request. After warmup it measures for d. Latencies are
// those of the answers of the window, each from the moment before its request was sent.
func (l *Load) Saturate(ctx context.Context, warmup, d time.Duration, hooks Hooks) (
	*Result, error) {
	p := &closedLoop{l: l, depth: int16(l.config.Depth)}
	p.times = make([]int64, l.config.Conns*l.config.Depth)
	p.next = make([]int32, 0, group)
	err := l.run(ctx, "saturating", p, phase{
		warmup:  warmup,
		measure: max(d, 1),
		drain:   l.config.Timeout,
		deaf:    true,
		hooks:   hooks,
		opened:  func(_, _, _ int64) {},
		closed:  func() { p.draining = true },
	})
	if err != nil {
		return nil, err
	}
	r := l.result()
	r.Depth = l.config.Depth
	r.Unanswered = p.unanswered()
	return r, nil
}

// closedLoop is the plan of Saturate.
//
// As depth requests are in flight on a connection at any time, its ring of times is always
// full: an answered request's place is the next one's.
type closedLoop struct {
	l        *Load
	depth    int16
	times    []int64 // a ring of depth for each connection: when its requests were asked for
	next     []int32 // connections whose answers are to be followed by requests, at most group
	draining bool
}

// group is how many connections' answers are received before the requests that follow them are
// sent. A server that has less to do than the generator sleeps in between: it is then woken once
// for a group, and not for each request, and waking it costs the generator as much as sending. It
// is so few that what waits to be sent, or to be timed, waits for some microseconds.
const group = 16

func (p *closedLoop) begin(int64) {
	for i := range p.l.conns {
		c := &p.l.conns[i]
		if !c.active {
			continue
		}
		now := p.l.clock()
		ring := p.ring(c)
		for j := range ring {
			ring[j] = now
		}
		p.l.ask(i, c, len(ring))
	}
}

// ring returns the times of a connection.
func (p *closedLoop) ring(c *conn) []int64 {
	from := int(c.slot) * int(p.depth)
	return p.times[from:][:p.depth]
}

// unanswered returns how many requests are still owed an answer, or a part of one.
func (p *closedLoop) unanswered() (n int64) {
	size := int64(p.l.config.Size)
	for i := range p.l.conns {
		if c := &p.l.conns[i]; c.active {
			n += (c.asked - c.received + size - 1) / size
		}
	}
	return n
}

func (*closedLoop) due(int64) int64 { return never }

func (p *closedLoop) answered(i int, c *conn, answers int) {
	if c.again == 0 {
		p.next = append(p.next, int32(i))
	}
	c.again += int16(answers)
	if len(p.next) == group {
		p.turned()
	}
}

// turned notes the latencies of a group of answers, and sends as many requests as there were.
func (p *closedLoop) turned() {
	if len(p.next) == 0 {
		return
	}
	received := p.l.clock()
	sent := received
	for k, i := range p.next {
		c := &p.l.conns[i]
		if k > 0 {
			sent = p.l.clock()
		}
		answers := int(c.again)
		c.again = 0
		ring := p.ring(c)
		for range answers {
			if p.l.window.open {
				p.l.window.record(c, received-ring[c.head])
			}
			ring[c.head] = sent
			if c.head++; c.head == p.depth {
				c.head = 0
			}
		}
		if !p.draining && c.state == alive { // as many in one send as there were answers
			p.l.ask(int(i), c, answers)
		}
	}
	p.next = p.next[:0]
}
