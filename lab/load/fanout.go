package load

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Fanout publishes rate lines per second, evenly spaced, whether the server keeps up or not, on the
// first connection; the service is publish. Every connection that is not silent has to get each of
// them, that one too; connections that never read get them as well, and are not waited for. After
// warmup it measures for d. Latencies are those of the lines that were due in the window, from when
// a line was due: of every delivery in Latency, and of its last delivery in Last.
//
// Deliveries of the window that are missing when the drain ends count as Unanswered. A line with
// such a one counts in Last with what it has waited so far. Of these, Missed are those instead of
// which a later line has come.
//
// If connections have got nothing so far, it begins with Greet, for Config.Timeout at most: the
// server may not know them all yet.
func (l *Load) Fanout(ctx context.Context, rate float64, warmup, d time.Duration, hooks Hooks) (
	*Result, error) {
	switch {
	case l.topic == nil:
		return nil, fmt.Errorf("load: publishing: the service is %s, want %s", l.config.Service,
			servicePublish)
	case !(rate > 0 && rate <= 1e9):
		return nil, fmt.Errorf("load: %v lines per second: more than 0 and at most 1e9 are "+
			"possible", rate)
	}
	if err := l.introduce(ctx); err != nil {
		return nil, err
	}
	p := &fanout{base: l.published(), last: hdrhistogram.New(1, slowest, 3), paced: paced{l: l,
		members: []int32{publisher}, interval: 1e9 / rate, first: math.MaxInt64,
		last: math.MaxInt64}}
	l.topic.plan = p
	err := l.run(ctx, "publishing", p, phase{
		warmup:     warmup,
		measure:    max(d, 1),
		drain:      l.config.Timeout,
		publishing: true,
		hooks:      hooks,
		opened:     p.opened,
		closed:     func() {},
	})
	l.topic.plan = nil
	if err != nil {
		return nil, err
	}
	p.end(l.clock())
	r := l.result()
	r.Fanout, r.Offered, r.Late, r.MaxLate = true, rate, p.late, p.maxLate
	r.Lines, r.Last = p.paced.last-p.first, p.last
	r.Unanswered, r.Missed = p.unanswered, p.lacking
	return r, nil
}

// introduce sees to it that the server knows all connections.
func (l *Load) introduce(ctx context.Context) error {
	for i := range l.conns {
		c := &l.conns[i]
		if c.state == alive && c.kind != deaf && !c.silent && !l.topic.subs[i].heard {
			_, err := l.Greet(ctx, l.config.Timeout)
			if err == nil && !l.topic.subs[publisher].heard {
				err = fmt.Errorf("load: %w", unserved("publishing: none of its own lines has come "+
					"back to the connection that publishes", l.stats.First))
			}
			return err
		}
	}
	return nil
}

// fanout is the plan of Fanout: that of Pace, on one connection, with a ledger of the deliveries.
type fanout struct {
	paced
	base int64 // the number of the phase's first line

	lines   []published
	lacking int64 // deliveries that were missed
	last    *hdrhistogram.Histogram
}

// published is a line of the phase.
type published struct {
	left   int32 // deliveries that are missing
	lacks  bool  // one of them for good
	latest int64 // when the latest delivery was
}

func (p *fanout) begin(now int64) { p.origin = now }

// due ends the phase if there is nobody left to publish.
func (p *fanout) due(now int64) int64 {
	if p.l.conns[publisher].state != alive {
		p.l.fail(unserved("the connection that publishes is lost", p.l.stats.First))
		return never
	}
	return p.paced.due(now)
}

func (*fanout) answered(int, *conn, int) {}

// line returns a line by its number; nil if it is none of the window.
func (p *fanout) line(k int64) *published {
	k -= p.base
	if k < p.first || k >= p.paced.last {
		return nil
	}
	k -= p.first
	for int64(len(p.lines)) <= k {
		p.lines = append(p.lines, published{left: int32(p.l.active + p.l.lost)})
	}
	return &p.lines[k]
}

// delivered is told that a connection has got a line.
func (p *fanout) delivered(c *conn, k int64) {
	line := p.line(k)
	if line == nil {
		return
	}
	line.latest = p.l.clock()
	p.l.window.record(c, line.latest-p.time(k-p.base))
	if line.left--; line.left == 0 {
		p.over(k-p.base, line.latest)
	}
}

// missed is told that a connection gets a later line instead.
func (p *fanout) missed(k int64) {
	if line := p.line(k); line != nil {
		line.lacks = true
		p.lacking++
	}
}

// over notes when the last delivery of a line was, or how long one has been missing.
func (p *fanout) over(k, at int64) {
	_ = p.last.RecordValue(min(max(at-p.time(k), 0), slowest)) // none is refused
}

// end counts what is missing. What a connection that was lost has not got is missing, but the last
// delivery of a line is the last of those that are there.
func (p *fanout) end(now int64) {
	l := p.l
	first, last := p.base+p.first, p.base+p.paced.last
	reached := last
	for i := range l.conns {
		c, next := &l.conns[i], l.topic.subs[i].next
		if !c.active {
			continue
		}
		p.unanswered += max(0, last-max(next, first))
		if c.state == alive {
			reached = min(reached, next)
		}
	}
	p.unanswered += p.lacking
	for k := p.first; k < p.paced.last; k++ {
		switch line := p.line(k + p.base); {
		case line.left == 0:
		case line.lacks || k+p.base >= reached || line.latest == 0:
			p.over(k, now)
		default:
			p.over(k, line.latest)
		}
	}
}

// errPublishes is why a phase is not for the service publish.
var errPublishes = errors.New("the service publish answers nobody: only Fanout is possible")
