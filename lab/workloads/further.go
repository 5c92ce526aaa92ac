package workloads

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// enoughRounds is how many rounds there are of what is unclear, where there is time: 12 are the
// fewest whose interval leaves out two at each end, so that two that something else on the machine
// has spoilt do not decide.
const enoughRounds = 12

// encore is what is visited again of a workload.
type encore struct {
	*plan
	cells  []lab.Cell
	claims [][]string // that each of the cells is visited again for
	rounds *lab.Rounds
	last   int           // round
	took   time.Duration // a round, as far as is known
}

// further makes more rounds of what claims are unclear by. One of each workload follows the other,
// until there are enough, or the time is over.
func (o Options) further(ctx context.Context, plans []*plan, tell func(error)) error {
	if o.Unclear == nil || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	unclear := o.Unclear()
	var encores []*encore
	visits := 0
	for _, p := range plans {
		e := p.encore(unclear)
		if len(e.cells) == 0 || !o.inTime(e.took) {
			continue
		}
		var err error
		if e.rounds, err = lab.NewRounds(&o.Machine, e.cells, o.Seed); err != nil {
			return err
		}
		defer e.rounds.Close()
		e.rounds.Last = p.roundsOf(*p.workload)
		visits += len(e.cells) * (e.last - e.rounds.Last)
		encores = append(encores, e)
	}
	if visits > 0 && o.Further != nil {
		o.Further(visits)
	}
	for len(encores) > 0 {
		for _, e := range encores {
			if err := e.next(ctx, tell); err != nil {
				return fmt.Errorf("%s: %w", e.workload.Name, err)
			}
		}
		encores = slices.DeleteFunc(encores, func(e *encore) bool {
			return e.rounds.Last >= e.last || !o.inTime(e.took)
		})
	}
	return nil
}

// encore returns what is to be visited again of a workload.
func (p *plan) encore(unclear map[string][]*results.Visit) *encore {
	made := p.roundsOf(*p.workload)
	e := &encore{plan: p, last: max(2*made, enoughRounds)}
	for _, c := range p.cells {
		like := func(v *results.Visit) bool {
			return v.Workload == p.workload.Name && v.Server == c.Server.Name &&
				v.Load == c.Config.Asked()
		}
		var of []string
		for _, id := range slices.Sorted(maps.Keys(unclear)) {
			if !c.Server.Again && slices.ContainsFunc(unclear[id], like) {
				of = append(of, id)
			}
		}
		if len(of) > 0 {
			e.cells, e.claims = append(e.cells, c), append(e.claims, of)
		}
	}
	if n := made * len(p.cells); n > 0 {
		e.took = p.took * time.Duration(len(e.cells)) / time.Duration(n)
	}
	return e
}

// next makes the next round, unless those before it have used up the time.
func (e *encore) next(ctx context.Context, tell func(error)) error {
	if !e.inTime(e.took) {
		return nil
	}
	began := time.Now()
	err := e.rounds.Next(ctx, e.keeping(tell, func(v *results.Visit) results.Record {
		for i, c := range e.cells {
			if v.Server == c.Server.Name && v.Load == c.Config.Asked() {
				v.Claims = e.claims[i]
			}
		}
		return results.Record{Further: v}
	}))
	e.took = max(e.took, time.Since(began))
	return err
}

// inTime reports whether what takes so long would be over in time.
func (o Options) inTime(took time.Duration) bool { return time.Until(o.Until) > took }
