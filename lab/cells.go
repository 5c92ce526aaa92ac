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

// Visits visits every cell once in each of so many Rounds.
func Visits(ctx context.Context, m *results.Machine, cells []Cell, rounds int, seed uint64,
	each func(*results.Visit, error) error) error {
	r, err := NewRounds(m, cells, seed)
	if err != nil {
		return err
	}
	defer r.Close()
	for range rounds {
		if err := r.Next(ctx, each); err != nil {
			return err
		}
	}
	return nil
}

// Rounds are visits of the same cells, again and again. Until they are closed, this process is
// bound to the CPUs of the load.
type Rounds struct {
	Last    int // the number of the last round
	machine *results.Machine
	cells   []Cell
	order   *rand.Rand
	unbind  func()
}

// NewRounds returns the rounds of cells; none is made yet. Each has another order, which follows
// from the seed.
func NewRounds(m *results.Machine, cells []Cell, seed uint64) (*Rounds, error) {
	for i := range cells {
		if err := cells[i].fit(m); err != nil {
			return nil, fmt.Errorf("lab: %s: %w", cells[i].Server.Name, err)
		}
	}
	return &Rounds{machine: m, cells: cells, order: rand.New(rand.NewPCG(seed, 0)),
		unbind: bind(*m)}, nil
}

// Next makes one round: it visits every cell once, in a shuffled order, and passes each visit on as
// it ends, with the error that it has ended with. It stops when ctx is cancelled, whose cause it
// returns, or when each returns an error. A visit that was cut short by that is passed on to
// nobody.
func (r *Rounds) Next(ctx context.Context, each func(*results.Visit, error) error) error {
	r.Last++
	for _, i := range r.order.Perm(len(r.cells)) {
		v, err := visit(ctx, r.cells[i].Server, r.cells[i].Config, r.machine, r.Last)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := each(v, err); err != nil {
			return err
		}
	}
	return nil
}

// Close has this process run on any CPU again.
func (r *Rounds) Close() { r.unbind() }

// fit scales the load to the limits of this process, and checks it.
func (c *Cell) fit(m *results.Machine) error {
	c.Config.fit(m)
	if c.Config.Conns < 1 {
		return errors.New("the limit on descriptors leaves room for no connection")
	}
	return c.Config.validLoad()
}
