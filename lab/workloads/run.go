package workloads

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// Options say what is run.
type Options struct {
	Workloads []Workload
	Scale     Scale
	Rounds    int          // of each workload; 0: what belongs to the scale
	Models    []string     // that were chosen
	All       bool         // each of them in each workload, though it may be evidence for nothing
	Others    []lab.Server // beside the models
	Self      string       // this program, to be executed anew
	Reference string       // of the storm: the row that ratios are to
	Seed      uint64
	Machine   results.Machine

	// CountCalls has the storm visit each server once more, to count its system calls. They can be
	// counted where lab.CallsCounted says so.
	CountCalls bool

	// Make returns the server that runs a model with more flags; an error if the model cannot be
	// here.
	Make func(model string, flags ...string) (lab.Server, error)

	Storm   func(*lab.Config) // changes the load of the storm; may be nil
	Stderr  io.Writer         // what the servers say; may be nil
	Keep    func(results.Record) error
	Began   func(w Workload, cells, rounds int) // a workload begins; may be nil
	Visited func(w Workload, v *results.Visit)  // may be nil

	// Ended tells that a workload has ended, with what was left out, and why. It may be nil.
	Ended func(w Workload, left []string)

	// Unclear returns, when all workloads have ended, the claims that are not decided, each with
	// the visits of whose kind more might decide it. More are made, and Further tells how many at
	// most; no round of them is begun that would not be over by Until, as far as can be told.
	// Unclear is asked once: who looks after each round, and stops when he likes what he sees, is
	// wrong more often than his intervals say. It may be nil, and so may Further.
	Unclear func() map[string][]*results.Visit
	Until   time.Time
	Further func(visits int)
}

// step is what a workload does besides visits. It keeps what it has measured.
type step func(ctx context.Context) error

// Visits returns how many visits there are in all workloads, for who shows how much is left.
func (o Options) Visits() int {
	n := 0
	for _, w := range o.Workloads {
		p := o.plan(&w)
		n += len(p.cells)*o.roundsOf(w) + len(p.counted)
	}
	return n
}

// Visit reports whether a server is visited in any of the workloads.
func (o Options) Visit(server string) bool {
	for _, w := range o.Workloads {
		is := func(c lab.Cell) bool { return c.Server.Name == server }
		if slices.ContainsFunc(o.plan(&w).cells, is) {
			return true
		}
	}
	return false
}

// AllRounds returns how many rounds there are, by workload.
func (o Options) AllRounds() map[string]int {
	all := map[string]int{}
	for _, w := range o.Workloads {
		if n := o.roundsOf(w); n > 0 {
			all[w.Name] = n
		}
	}
	return all
}

// plan makes the cells of a workload.
func (o Options) plan(w *Workload) *plan {
	p := &plan{Options: o, workload: w}
	if w.cells != nil {
		w.cells(p)
	}
	return p
}

// roundsOf returns how many rounds there are of a workload.
func (o Options) roundsOf(w Workload) int {
	switch {
	case w.cells == nil && w.step == nil:
		return 0
	case o.Rounds > 0:
		return o.Rounds
	case w.manyModels > 0 && o.All && o.Scale == Normal:
		return w.manyModels
	}
	return max(1, w.rounds[o.Scale])
}

// Default returns the workloads of a run in which none are named: those that are evidence for a
// claim, and in a full run all.
func Default(s Scale) []Workload {
	var some []Workload
	for _, w := range All() {
		if len(w.Claims) > 0 || s == Full {
			some = append(some, w)
		}
	}
	return some
}

// Run runs the workloads, one after the other. When ctx is cancelled it stops, with what has been
// measured kept. The error is ctx's cause, or the first that something could not be measured with,
// such as a server that does not start or answers wrong bytes; the rest is measured all the same.
// That a server does not serve all connections is a result and no error.
func Run(ctx context.Context, o Options) error {
	var failed error
	tell := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	var plans []*plan
	for _, w := range o.Workloads {
		p := o.plan(&w)
		if o.Began != nil {
			o.Began(w, len(p.cells), o.roundsOf(w))
		}
		if err := p.run(ctx, tell); err != nil {
			return fmt.Errorf("%s: %w", w.Name, err)
		}
		if o.Ended != nil {
			o.Ended(w, p.missing)
		}
		plans = append(plans, p)
	}
	if err := o.further(ctx, plans, tell); err != nil {
		return err
	}
	return failed
}

// run runs one workload. What is wrong with one server is told, and no reason to stop.
func (p *plan) run(ctx context.Context, tell func(error)) error {
	w := *p.workload
	if w.step != nil {
		if err := w.step(p)(ctx); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			tell(fmt.Errorf("%s: %w", w.Name, err))
		}
	}
	began := time.Now()
	err := lab.Visits(ctx, &p.Machine, p.cells, p.roundsOf(w), p.Seed, p.keeping(tell,
		func(v *results.Visit) results.Record { return results.Record{Visit: v} }))
	p.took = time.Since(began)
	if err != nil || len(p.counted) == 0 {
		return err
	}
	return lab.Visits(ctx, &p.Machine, p.counted, 1, p.Seed, p.keeping(tell,
		func(v *results.Visit) results.Record { return results.Record{Counted: v} }))
}

// keeping returns what keeps each visit as a record, and tells of it.
func (p *plan) keeping(tell func(error), record func(*results.Visit) results.Record) func(
	*results.Visit, error) error {
	return func(v *results.Visit, err error) error {
		if err != nil {
			tell(fmt.Errorf("%s: %w", p.workload.Name, err))
		}
		if err := p.Keep(record(v)); err != nil {
			return err
		}
		if p.Visited != nil {
			p.Visited(*p.workload, v)
		}
		return nil
	}
}
