package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kettle-go/kettle/internal/sys"
)

// Hooks are called at the two ends of a measured window, on the loop's thread, with the
// loop's time. While they run the loop stands still. What arrives during Start is received
// before the window begins, and not counted; what arrives during End is after it. Either
// may be nil.
type Hooks struct {
	Start func(now time.Time) // the window begins soon after it returns
	End   func(now time.Time) // the window has ended when it is called
}

// window is what is counted between the two hooks.
type window struct {
	open       bool
	begin, end int64
	requests   [kinds]int64
	bytes      int64
	served     int
	cpu        time.Duration // of the thread, at the beginning; of the window, at the end
	latency    [kinds]*hdrhistogram.Histogram
	recent     [kinds][]int64 // latencies that are not in it yet
}

// recently is how many latencies are kept before they go into the histogram. Between two messages
// the kernel has used the CPU's cache for itself, and it would have to be fetched for each.
const recently = 1024

// slowest is the greatest latency told apart; greater ones count as this one.
const slowest = int64(time.Minute)

// record counts a latency of a connection, in nanoseconds.
func (w *window) record(c *conn, latency int64) {
	recent := append(w.recent[c.kind], latency)
	w.recent[c.kind] = recent
	if len(recent) == cap(recent) {
		w.collect()
	}
}

// collect brings the histograms up to date. There is no value that they refuse.
func (w *window) collect() {
	for kind, recent := range w.recent {
		for _, latency := range recent {
			_ = w.latency[kind].RecordValue(min(max(latency, 0), slowest))
		}
		w.recent[kind] = recent[:0]
	}
}

// open begins the measured window and returns when it has to end.
func (l *Load) open(p plan, ph phase) (end int64) {
	for i := range l.conns {
		l.conns[i].served = false
	}
	before := l.clock()
	if ph.hooks.Start != nil {
		ph.hooks.Start(l.epoch.Add(time.Duration(before)))
		l.catchUp(p)
	}
	w := &l.window
	*w = window{open: true}
	for kind := range w.latency {
		if kind == int(ordinary) || kind == int(heavy) && l.config.Heavy > 0 {
			w.latency[kind] = hdrhistogram.New(1, slowest, 3)
			w.recent[kind] = make([]int64, 0, recently)
		}
	}
	w.cpu, _ = sys.ThreadCPU() // 0 where the system does not tell
	w.begin = l.clock()
	end = w.begin + ph.measure.Nanoseconds()
	ph.opened(w.begin, end, w.begin-before)
	return end
}

// catchUp receives the answers that have come while the loop stood still. The server gave them
// before the window, so that they are not counted, and their wait for the loop is no latency of
// the server's. The closed loop's next requests are sent here: theirs starts at that moment.
func (l *Load) catchUp(p plan) {
	for i := range l.conns {
		c := &l.conns[i]
		if !c.active {
			continue
		}
		// Only what was owed when it began: the server answers meanwhile, and may never end.
		for owed := c.asked; c.state == alive && l.err == nil &&
			(c.received < owed || l.topic != nil && l.behind(i)); {
			before := c.received
			if l.receive(i, c, p); c.received == before {
				break
			}
		}
	}
	p.turned()
}

// shut ends the measured window.
func (l *Load) shut(ph phase) {
	w := &l.window
	w.end, w.open = l.clock(), false
	cpu, _ := sys.ThreadCPU()
	w.cpu = cpu - w.cpu
	ph.closed()
	if ph.hooks.End != nil {
		ph.hooks.End(l.epoch.Add(time.Duration(w.end)))
	}
}

// result returns what the window has counted.
func (l *Load) result() *Result {
	w := &l.window
	w.collect()
	r := &Result{
		Size:          l.config.Size,
		Requests:      w.requests[ordinary] + w.requests[heavy],
		Bytes:         w.bytes,
		Elapsed:       time.Duration(w.end - w.begin),
		Served:        w.served,
		Lost:          l.lost,
		First:         l.stats.First,
		Latency:       w.latency[ordinary],
		Heavy:         w.latency[heavy],
		HeavyRequests: w.requests[heavy],
		GeneratorCPU:  w.cpu,
	}
	l.deafness(r)
	if l.numbers != nil {
		r.Counted = l.numbers.seen.counted()
	}
	for i := range l.conns {
		c := &l.conns[i]
		if c.active {
			r.Conns++
			if c.kind == heavy {
				r.HeavyConns++
			}
			if c.silent {
				r.Silent++
			}
		}
	}
	r.Stuck = l.stuck && r.Silent > 0
	return r
}
