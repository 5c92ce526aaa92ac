package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/kettle-go/kettle/lab/results"
)

// Cell is one server under one load.
type Cell struct {
	Server Server
	Config Config
}

// Rounds are those from the first to the last, which is one of them. They are counted from 1.
type Rounds struct{ First, Last int }

// Visits visits every cell once in each round, in a shuffled order that follows from the seed, and
// passes each visit on as it ends, with the error that it has ended with. It stops when ctx is
// cancelled, whose cause it returns, or when each returns an error. A visit that was cut short by
// that is passed on to nobody.
func Visits(ctx context.Context, m *results.Machine, cells []Cell, rounds Rounds, seed uint64,
	each func(*results.Visit, error) error) error {
	for i := range cells {
		if err := cells[i].fit(m); err != nil {
			return fmt.Errorf("lab: %s: %w", cells[i].Server.Name, err)
		}
	}
	defer bind(*m)()
	order := rand.New(rand.NewPCG(seed, uint64(rounds.First-1)))
	for round := rounds.First; round <= rounds.Last; round++ {
		for _, i := range order.Perm(len(cells)) {
			v, err := visit(ctx, cells[i].Server, cells[i].Config, m, round)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := each(v, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// fit scales the load to the limits of this process, and checks it.
func (c *Cell) fit(m *results.Machine) error {
	c.Config.fit(m)
	if c.Config.Conns < 1 {
		return errors.New("the limit on descriptors leaves room for no connection")
	}
	return c.Config.validLoad()
}
