package load

import (
	"context"
	"fmt"
	"math"
	"time"
)

// Pace sends rate requests per second in all, evenly spaced, on the connections that are
// not silent, in turn, and whether the server keeps up or not: what a socket does not take
// waits. After warmup it measures for d. Latencies are those of the requests that were due in
// the window, each from when it was due, whenever its answer came.
//
// Requests of the window that are not answered when the drain ends count as Unanswered. If
// their connection lives, they also count in Latency, with what they have waited so far: to
// leave them out would hide the worst of a server that does not keep up.
func (l *Load) Pace(ctx context.Context, rate float64, warmup, d time.Duration, hooks Hooks) (
	*Result, error) {
	if !(rate > 0 && rate <= 1e9) {
		return nil, fmt.Errorf("load: %v requests per second: more than 0 and at most 1e9 are "+
			"possible", rate)
	}
	p := &paced{l: l, interval: 1e9 / rate, first: math.MaxInt64, last: math.MaxInt64}
	err := l.run(ctx, "pacing", p, phase{
		warmup:  warmup,
		measure: max(d, 1),
		drain:   l.config.Timeout,
		deaf:    true,
		hooks:   hooks,
		opened:  p.opened,
		closed:  func() {},
	})
	if err != nil {
		return nil, err
	}
	p.countUnanswered(l.clock())
	r := l.result()
	r.Offered, r.Unanswered, r.Late, r.MaxLate = rate, p.unanswered, p.late, p.maxLate
	return r, nil
}

// paced is the plan of Pace. Request k of the phase is due at origin + k * interval, on
// connection k mod n of the n that take part. So the j-th answer on the connection in slot s
// is that to request j * n + s, and when that was due is known without writing it down,
// however far the server is behind.
type paced struct {
	l        *Load
	members  []int32 // the connections that take part, by slot
	origin   int64
	interval float64 // in nanoseconds
	issued   int64   // requests that were due so far: the number of the next
	slot     int     // of the next request: issued mod n

	first, last int64 // requests first to last-1 are those of the window; later ones are not sent

	late       int64
	maxLate    time.Duration
	unanswered int64
}

const (
	// tooLate is how much later than it was due a request of the window may be sent before
	// it counts as Late.
	tooLate = int64(time.Millisecond)

	// together is the most requests that are sent before the loop looks for answers.
	together = 32
)

func (p *paced) begin(now int64) {
	p.origin = now
	for i := range p.l.conns {
		if p.l.conns[i].active {
			p.members = append(p.members, int32(i))
		}
	}
}

// opened fixes which requests are those of the window, by when they are due and not by when
// they get sent: if the loop is late at the end of the window, they are sent in the drain. The
// time that the hook held up the loop is not the server's: what is not yet sent is due later.
func (p *paced) opened(begin, end, held int64) {
	p.origin += held
	p.first = max(p.issued, p.from(begin))
	p.last = p.from(end)
}

// from returns the first request that is due at a time or later.
func (p *paced) from(at int64) int64 {
	k := int64(float64(at-p.origin) / p.interval)
	for k > 0 && p.time(k-1) >= at {
		k--
	}
	for p.time(k) < at {
		k++
	}
	return k
}

// time returns when request k is due.
func (p *paced) time(k int64) int64 { return p.origin + int64(float64(k)*p.interval) }

func (p *paced) due(now int64) int64 {
	for range together {
		if p.issued >= p.last {
			return never
		}
		at := p.time(p.issued)
		if at > now {
			return at
		}
		p.issue(now - at)
	}
	return now // there is more, after a look at what has come back
}

// issue sends the next request, which is late by so many nanoseconds.
func (p *paced) issue(late int64) {
	i := int(p.members[p.slot])
	if p.slot++; p.slot == len(p.members) {
		p.slot = 0
	}
	k := p.issued
	p.issued++
	if p.first <= k {
		if late > tooLate {
			p.late++
		}
		p.maxLate = max(p.maxLate, time.Duration(late))
	}
	// A lost connection keeps its turn, or all others would be asked more often than before.
	if c := &p.l.conns[i]; c.state == alive {
		p.l.ask(i, c, 1)
	}
}

func (p *paced) answered(_ int, c *conn, answers int) {
	now := p.l.clock()
	for range answers {
		k := c.done*int64(len(p.members)) + int64(c.slot)
		c.done++
		if p.first <= k && k < p.last {
			p.l.window.record(c, now-p.time(k))
		}
	}
}

func (*paced) turned() {}

// countUnanswered counts the requests of the window that have no answer.
func (p *paced) countUnanswered(now int64) {
	n := int64(len(p.members))
	for slot, i := range p.members {
		c := &p.l.conns[i]
		for k := c.done*n + int64(slot); k < p.last; k += n {
			if k < p.first {
				continue
			}
			p.unanswered++
			if c.state == alive {
				p.l.window.record(c, now-p.time(k))
			}
		}
	}
}
