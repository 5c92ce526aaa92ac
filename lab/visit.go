package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/meter"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/server"
)

// visitor measures one server.
type visitor struct {
	*results.Visit
	machine *results.Machine
	cfg     Config
	meter   *meter.Meter
	load    *load.Load
	stuck   int // connections that were owed an answer at the end of a window, and given up
}

// visit starts a server, measures it and stops it. What goes wrong is in the Visit, and returned.
func visit(ctx context.Context, s Server, cfg Config, m *results.Machine, round int) (
	*results.Visit, error) {
	v := &visitor{cfg: cfg, machine: m, Visit: &results.Visit{Time: time.Now(),
		Workload: cfg.Workload, Round: round, Server: s.Name, Again: s.Again, Command: s.Command,
		Load: cfg.Asked(), Seed: cfg.Seed}}
	cpus := m.ServerCPUs
	if cfg.Unbound {
		cpus = slices.Concat(m.LoadCPUs, m.ServerCPUs)
	}
	process, err := server.Start(ctx, server.Config{Name: s.Name, Command: s.Command,
		CPUs: cpus, Stderr: cfg.Stderr, Start: cfg.Start, Stop: cfg.Stop})
	if err == nil {
		v.meter = meter.New(process.PID())
		switch {
		case len(s.Client) > 0:
			err = v.byClient(ctx, s.Client, process.Addr())
		case cfg.Batch:
			err = v.batch(ctx, process.Addr())
		default:
			err = v.measure(ctx, process.Addr())
		}
		if errors.Is(err, load.ErrUnserved) {
			process.Ended(dyingTime) // then End says so
		}
		err = errors.Join(err, process.End())
	}
	if err != nil {
		v.Error = err.Error()
		v.WrongByte = errors.Is(err, load.ErrWrongByte)
		err = fmt.Errorf("%s: %w", s.Name, err)
	}
	return v.Visit, err
}

// dyingTime is how long a server that serves nobody has to turn out to be ending.
const dyingTime = 200 * time.Millisecond

// Asked is what a visit asks of a server, for who reads of it later.
func (c Config) Asked() results.Load {
	asked := results.Load{Conns: c.Conns, Idle: c.IdleConns, Deaf: c.Deaf, Size: c.Size,
		Depth: c.Depth, Heavy: c.Heavy, Batch: c.Batch, Service: c.Service,
		Wait: c.Wait.Seconds(), Work: c.Work.Seconds(), Free: c.Unbound}
	if c.Pace+c.Fanout > 0 {
		asked.Rate = c.Rate
	}
	return asked
}

// generator returns what the load generator is told.
func (v *visitor) generator(addr string) load.Config {
	g := v.cfg.load(addr)
	g.Spin = len(v.machine.LoadCPUs) > 0 && !v.cfg.Unbound // it takes the CPU from nobody
	return g
}

// batch has one request answered on each of the connections, all at once.
func (v *visitor) batch(ctx context.Context, addr string) error {
	w, err := v.window(func(h load.Hooks) (*load.Result, error) {
		return load.Batch(ctx, v.generator(addr), h)
	})
	if err != nil {
		return err
	}
	v.Batched, v.Served, v.Lost, v.First = w, int(w.Requests), w.Lost, w.Report.First
	return nil
}

// measure opens the connections, and measures what is asked for, one after the other.
func (v *visitor) measure(ctx context.Context, addr string) (err error) {
	empty, emptyErr := v.settled(ctx)
	if v.load, err = load.Dial(ctx, v.generator(addr)); err != nil {
		return err
	}
	defer func() {
		stats := v.load.Stats()
		v.Lost = stats.Lost
		if stats.First != nil {
			v.First = stats.First.Error()
		}
		if err == nil || v.stuck > 0 && errors.Is(err, load.ErrUnserved) {
			err = v.faults(stats)
		}
		err = errors.Join(err, v.load.Close())
	}()
	if v.Served, err = v.load.Greet(ctx, v.cfg.Greet); err != nil {
		return err
	}
	if v.Round == 1 && v.cfg.Idle > 0 {
		if err := v.idle(ctx); err != nil {
			return err
		}
	}
	full, fullErr := v.settled(ctx)
	if emptyErr == nil && fullErr == nil && v.Served >= fewConns && (v.Round == 1 || !v.burst()) {
		v.ConnBytes = new(float64(full-empty) / float64(v.Served))
	}
	if v.cfg.CountCalls {
		_ = v.meter.Refresh() // where it fails, CountCalls fails too
		if stop, err := v.meter.CountCalls(); err != nil {
			v.Unsupported = err.Error()
		} else {
			defer stop()
		}
	}
	if err := v.windows(ctx); err != nil {
		return err
	}
	if emptyErr == nil {
		if held, err := v.memory(); err == nil {
			v.GrownBytes = new(float64(held - empty))
		}
	}
	return nil
}

// faults returns what no server does that is right, and is no reason to stop: its figures are
// there. That it has never answered on some connections is no fault, but a limit that it has.
func (v *visitor) faults(stats load.Stats) error {
	switch {
	case v.stuck > 0:
		return fmt.Errorf("it has stopped answering: at the end of a window it owed answers on %s",
			words.Count(v.stuck, "connection"))
	case v.Published != nil && v.Published.Missed > 0:
		return fmt.Errorf("it has left out %s to connections that read",
			words.Count(int(v.Published.Missed), "line"))
	case stats.Dropped > 0:
		return fmt.Errorf("it has ended %s on which it had answered; the first: %w",
			words.Count(stats.Dropped, "connection"), stats.FirstDropped)
	}
	return nil
}

// windows measures the server in each kind of window that the configuration has.
func (v *visitor) windows(ctx context.Context) error {
	l, warmup := v.load, v.cfg.Warmup
	for _, w := range []struct {
		d       time.Duration
		result  **results.Window
		measure func(d time.Duration, hooks load.Hooks) (*load.Result, error)
	}{
		{v.cfg.Saturate, &v.Saturated, func(d time.Duration, h load.Hooks) (*load.Result, error) {
			return l.Saturate(ctx, warmup, d, h)
		}},
		{v.cfg.Pace, &v.Paced, func(d time.Duration, h load.Hooks) (*load.Result, error) {
			return l.Pace(ctx, v.cfg.Rate, warmup, d, h)
		}},
		{v.cfg.Churn, &v.Churned, func(d time.Duration, h load.Hooks) (*load.Result, error) {
			return l.Churn(ctx, warmup, d, h)
		}},
		{v.cfg.Fanout, &v.Published, func(d time.Duration, h load.Hooks) (*load.Result, error) {
			return l.Fanout(ctx, v.cfg.Rate, warmup, d, h)
		}},
	} {
		if w.d == 0 {
			continue
		}
		window, err := v.window(func(hooks load.Hooks) (*load.Result, error) {
			return w.measure(w.d, hooks)
		})
		if err != nil {
			return err
		}
		*w.result = window
		v.Served = max(v.Served, window.Served)
	}
	return nil
}

// fewConns is how many connections must be served for memory to be divided by their number:
// what else changes in a server's memory would be most of the quotient for fewer.
const fewConns = 10

// errNotAsked is why there is no figure that nobody has asked for.
var errNotAsked = errors.New("memory is not measured")

const (
	settleStep  = 20 * time.Millisecond  // between two looks at the memory
	settleLimit = 300 * time.Millisecond // for it to come to rest
	settleBytes = 64 << 10               // the difference that counts as rest
)

// settled waits until the server is at rest and returns what its processes hold. A server that
// listens may still be starting its workers, and one that has answered may be tidying up.
func (v *visitor) settled(ctx context.Context) (int64, error) {
	if !v.cfg.Memory || v.cfg.MemoryOnce && v.Round > 1 {
		return 0, errNotAsked
	}
	return settle(ctx, func() (bytes int64, processes int, err error) {
		bytes, err = v.memory()
		return bytes, v.meter.Processes(), err
	})
}

// settle looks until two looks in a row find the same number of processes and about the same
// memory, and returns that; after settleLimit it returns what it has seen last.
func settle(ctx context.Context, look func() (int64, int, error)) (int64, error) {
	begun := time.Now()
	bytes, processes, err := look()
	for err == nil && time.Since(begun) < settleLimit {
		select {
		case <-time.After(settleStep):
		case <-ctx.Done():
			return bytes, context.Cause(ctx)
		}
		before, had := bytes, processes
		bytes, processes, err = look()
		if processes == had && max(bytes-before, before-bytes) <= settleBytes {
			break
		}
	}
	return bytes, err
}

// memory returns what the server's processes hold.
func (v *visitor) memory() (int64, error) {
	if err := v.meter.Refresh(); err != nil {
		v.Unsupported = err.Error()
		return 0, err
	}
	bytes, err := v.meter.Memory()
	if err != nil {
		v.Unsupported = err.Error()
	}
	return bytes, err
}

// burst reports whether there are so many connections that their first messages, which come all at
// once, are more than a server commonly has to do with. For such it may take memory which it does
// not need while they are silent, and which it gives back in its own time.
func (v *visitor) burst() bool { return v.cfg.Conns+v.cfg.IdleConns >= 1000 }

// ebb is how long connections are silent at least after a burst.
const ebb = 2500 * time.Millisecond

// What a server uses while every connection is silent is the least of so many windows, and there
// are no more of them when it is at rest: who has just been started, or whose clients have just
// come, may still be tidying up. Who needs the CPU to wait needs it in each.
const (
	idleWindows = 3
	atRest      = 0.002 // of a CPU
)

// idle measures the server while every connection is silent.
func (v *visitor) idle(ctx context.Context) error {
	if _, err := v.load.Idle(ctx, v.cfg.Warmup); err != nil {
		return err
	}
	silent := v.cfg.Idle
	if v.burst() {
		silent = max(silent, ebb)
	}
	for range idleWindows {
		before, beforeErr := v.meter.Begin()
		if _, err := v.load.Idle(ctx, silent); err != nil {
			return err
		}
		after, err := v.meter.Sample()
		if beforeErr != nil || err != nil {
			return nil
		}
		used := after.Since(before)
		share := used.CPU.Seconds() / used.Elapsed.Seconds()
		if v.IdleCPU == nil || share < *v.IdleCPU {
			v.IdleCPU = &share
		}
		if share <= atRest {
			return nil
		}
	}
	return nil
}

// window measures the server in the measured part of a phase. Its CPU time is that between the
// hooks, exactly. Its switches include those while the hooks read them, a few for each thread:
// among the thousands of a window they do not show.
func (v *visitor) window(phase func(load.Hooks) (*load.Result, error)) (*results.Window, error) {
	var before, after meter.Sample
	var beforeErr, afterErr error
	_ = v.meter.Refresh() // where it fails, Sample fails too
	result, err := phase(load.Hooks{
		Start: func(time.Time) { before, beforeErr = v.meter.Begin() },
		End:   func(time.Time) { after, afterErr = v.meter.Sample() },
	})
	if err != nil {
		return nil, err
	}
	if result.Stuck {
		v.stuck = result.Silent
	}
	w := &results.Window{Report: result.Report(),
		Latency: &results.Latencies{Histogram: result.Latency}}
	if err := errors.Join(beforeErr, afterErr); err != nil {
		v.Unsupported = err.Error()
		return w, nil
	}
	v.Threads, v.Processes = after.Threads, after.Processes
	if used := after.Since(before); result.Requests > 0 {
		n := float64(result.Requests)
		w.CPUMicros = new(float64(used.CPU.Nanoseconds()) / 1e3 / n)
		w.Switches = new(float64(used.Switches) / n)
		w.User, w.System = used.User.Seconds(), used.System.Seconds()
		if v.cfg.CountCalls && v.Unsupported == "" {
			w.CallKinds = perMessage(used.Calls, n)
			w.Calls = new(float64(used.Calls.Total()) / n)
		}
	}
	return w, nil
}

// perMessage returns system calls per message.
func perMessage(calls sys.Calls, n float64) *results.Calls {
	of := func(kind sys.CallKind) float64 { return float64(calls[kind]) / n }
	return &results.Calls{Receive: of(sys.ReceiveCall), Send: of(sys.SendCall),
		Wait: of(sys.WaitCall), Accept: of(sys.AcceptCall), Threads: of(sys.ThreadCall),
		Other: of(sys.OtherCall)}
}
