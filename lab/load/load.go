package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Load is a set of connections to one server. It belongs to one goroutine: none of its
// methods may be called while another runs. What it holds is descriptors, freed by Close, and
// some 100 bytes for each connection; nothing runs between its phases.
type Load struct {
	config   Config
	payloads [kinds]payload
	numbers  *numbers // that the service count has answered; nil for the others
	topic    *topic   // of the service publish; nil for the others
	poller   poller
	waker    *sys.Waker // ends a wait when the context is cancelled
	conns    []conn     // Config.Conns busy ones, then the idle ones, then the deaf ones
	addr     netip.AddrPort
	buf      []byte // everything is received here, checked and forgotten
	events   []event
	epoch    time.Time // of the loop's clock
	stats    Stats
	err      error // ends every phase: a wrong byte, or a call that cannot fail has
	closed   bool

	// Of the phase that runs.
	active int   // connections that take part and live
	lost   int   // connections that took part
	heard  int64 // pieces that have come, in all phases
	stuck  bool  // in the latter half of the drain nothing came, though it was owed
	next   int64 // when the plan wants to be asked again
	window window
}

// Stats says what has become of the connections.
type Stats struct {
	Conns  int   // asked for, idle and deaf ones included
	Failed int   // never connected
	Lost   int   // closed or broken by the server after that, but for deaf ones
	Silent int   // live, and owed an answer when the last phase ended
	First  error // of the first connection that failed or was lost; nil if none was

	DeafLost int // of the deaf ones, closed or broken by the server

	Dropped      int   // of Lost, those on which the server had answered before
	FirstDropped error // of the first of them; nil if there is none
}

// Live returns how many connections there are.
func (s Stats) Live() int { return s.Conns - s.Failed - s.Lost - s.DeafLost }

func newLoad(config Config) (*Load, error) {
	l := &Load{
		config: config,
		conns:  make([]conn, config.all()),
		buf:    make([]byte, maxChunk),
		events: make([]event, 0, batch),
		epoch:  time.Now(),
		stats:  Stats{Conns: config.all()},
	}
	l.payloads[ordinary] = newPayload(config.Seed, config.Service)
	if config.Service == serviceCount {
		l.payloads[ordinary] = newRequests(config.Seed, config.Service, config.Size, "")
		l.numbers = &numbers{parts: make([]part, len(l.conns))}
	}
	if config.Service == servicePublish {
		l.topic = newTopic(config)
	}
	if config.Heavy > 0 {
		l.payloads[heavy] = newRequests(config.Seed, config.Service, config.Size, Marker)
	}
	l.payloads[deaf] = l.payloads[ordinary]
	for i := range l.conns {
		l.conns[i] = l.unborn(i)
	}
	var err error
	if l.poller, err = openPoller(config.Backend, len(l.conns)+1); err != nil {
		return nil, err
	}
	if l.waker, err = sys.NewWaker(); err != nil {
		l.poller.close()
		return nil, err
	}
	if err := l.poller.watch(len(l.conns), l.waker.FD(), 0, reading); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// unborn returns connection i before it is made.
func (l *Load) unborn(i int) conn {
	kind := l.config.kind(i)
	at := l.payloads[kind].start(i)
	return conn{fd: -1, sendAt: at, answerAt: at, kind: kind}
}

// Stats returns what has become of the connections so far.
func (l *Load) Stats() Stats {
	s := l.stats
	s.Silent = 0
	for i := range l.conns {
		if l.conns[i].silent {
			s.Silent++
		}
	}
	return s
}

// Greet has one request answered on every connection, silent and idle ones included, and returns
// how many were within d. It returns as soon as all are. The others are silent from then on. With
// the service publish a connection is served that gets what is published.
func (l *Load) Greet(ctx context.Context, d time.Duration) (served int, err error) {
	var p plan = &greeting{l: l}
	if l.topic != nil {
		p = &hail{l: l}
	}
	err = l.run(ctx, "greeting", p, phase{drain: d, silent: true, publishing: true})
	for i := range l.conns {
		if c := &l.conns[i]; c.active && c.state == alive && !l.owes(i, c) {
			served++
		}
	}
	return served, err
}

// greeting is the plan of Greet: one request for each connection that owes nothing.
type greeting struct{ l *Load }

func (g *greeting) begin(int64) {
	for i := range g.l.conns {
		if c := &g.l.conns[i]; c.active && !c.owing() {
			g.l.ask(i, c, 1)
		}
	}
}

func (*greeting) due(int64) int64          { return never }
func (*greeting) answered(int, *conn, int) {}
func (*greeting) turned()                  {}

// Idle sends nothing for d and returns how many connections the server has ended meanwhile.
func (l *Load) Idle(ctx context.Context, d time.Duration) (lost int, err error) {
	err = l.run(ctx, "idling", silence{}, phase{warmup: d, silent: true, publishing: true})
	return l.lost, err
}

// silence is the plan of Idle.
type silence struct{}

func (silence) begin(int64)              {}
func (silence) due(int64) int64          { return never }
func (silence) answered(int, *conn, int) {}
func (silence) turned()                  {}

// Close closes all connections and frees what the load holds. Calling it again does nothing.
func (l *Load) Close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	var errs []error
	for i := range l.conns {
		if c := &l.conns[i]; c.fd >= 0 {
			errs = append(errs, sys.Close(int(c.fd)))
			c.fd = -1
		}
	}
	l.waker.Close()
	errs = append(errs, l.poller.close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("load: closing: %w", err)
	}
	return nil
}

// usable returns why no phase can begin, if so.
func (l *Load) usable() error {
	if l.closed {
		return net.ErrClosed
	}
	return l.err
}

// fail notes what ends this phase and every other one.
func (l *Load) fail(err error) {
	if l.err == nil {
		l.err = err
	}
}

// clock returns the loop's time, in nanoseconds since the load was made: one look at the
// monotonic clock, and not at the wall clock too, as time.Now takes.
func (l *Load) clock() int64 { return int64(time.Since(l.epoch)) }

// ask has the connection send n more requests, as soon as its socket takes them.
func (l *Load) ask(i int, c *conn, n int) {
	c.asked += int64(n) * int64(l.config.Size)
	if c.interest&writing == 0 {
		l.pump(i, c)
	}
}
