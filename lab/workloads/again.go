package workloads

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kettle-go/kettle/lab"
)

// enoughRounds is how many rounds there are of what is visited again, where there is time: 12 are
// the fewest whose interval leaves out two at each end, so that two that something else on the
// machine has spoilt do not decide.
const enoughRounds = 12

// encore is the visits of a workload that are made again.
type encore struct {
	*plan
	cells  []lab.Cell
	rounds lab.Rounds
	took   time.Duration // a round, as far as is known
}

// again visits again the servers of which more has to be known, under the workloads of which it
// has. One round of each workload follows the other, until all have enough or the time is over.
func (o Options) again(ctx context.Context, plans []*plan, tell func(error)) error {
	if o.Unclear == nil {
		return nil
	}
	unclear := o.Unclear()
	var encores []*encore
	visits := 0
	for _, p := range plans {
		if e := p.encore(unclear[p.workload.Name]); len(e.cells) > 0 && o.inTime(e.took) {
			visits += len(e.cells) * (e.rounds.Last - e.rounds.First + 1)
			encores = append(encores, e)
		}
	}
	if visits > 0 && o.Again != nil {
		o.Again(visits)
	}
	for len(encores) > 0 {
		for _, e := range encores {
			if err := e.round(ctx, tell); err != nil {
				return fmt.Errorf("%s: %w", e.workload.Name, err)
			}
		}
		encores = slices.DeleteFunc(encores, func(e *encore) bool {
			return e.rounds.First > e.rounds.Last || !o.inTime(e.took)
		})
	}
	return nil
}

// encore returns what is to be visited again for some servers to be known better.
func (p *plan) encore(servers []string) *encore {
	e := &encore{plan: p}
	for _, c := range p.cells {
		if slices.Contains(servers, c.Server.Name) && !c.Server.Again {
			e.cells = append(e.cells, c)
		}
	}
	made := p.roundsOf(*p.workload)
	e.rounds = lab.Rounds{First: made + 1, Last: max(2*made, enoughRounds)}
	if n := made * len(p.cells); n > 0 {
		e.took = p.took / time.Duration(n) * time.Duration(len(e.cells))
	}
	return e
}

// round makes the next round, unless the one before it has used up the time.
func (e *encore) round(ctx context.Context, tell func(error)) error {
	if !e.inTime(e.took) {
		return nil
	}
	began, next := time.Now(), lab.Rounds{First: e.rounds.First, Last: e.rounds.First}
	if err := e.visit(ctx, e.cells, next, tell, visited); err != nil {
		return err
	}
	e.took = max(e.took, time.Since(began))
	e.rounds.First++
	return nil
}

// inTime reports whether what takes so long would be over in time.
func (o Options) inTime(took time.Duration) bool {
	return time.Until(o.Until) > took
}
