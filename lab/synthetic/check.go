package synthetic

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// Options say how the lab is checked.
type Options struct {
	Rounds int
	Most   int // rounds: as long as a figure is wrong there are more, up to so many
	Seed   uint64

	// Command returns the command of a server that behaves so, as the lab takes it.
	Command func(Behaviour) []string

	Machine results.Machine       // as lab.Look has found it
	Unbound bool                  // servers and load may use every CPU, and the load may sleep
	Visited func(done, total int) // called after each visit, of those of Rounds; may be nil
}

// Figure is one that the lab has measured, and that is known without measuring.
type Figure struct {
	Load     string  // under which it was measured
	Name     string  // what it is, with its unit
	Measured float64 // the median of the rounds that count
	Expected float64 // what arithmetic says
	Within   float64 // the share of Expected that it may differ by; 0: it must be below Expected
}

// OK reports whether the figure is what it must be.
func (f Figure) OK() bool {
	if f.Within == 0 {
		return f.Measured < f.Expected
	}
	return math.Abs(f.Measured-f.Expected) <= f.Within*f.Expected
}

// Report is what a check has found.
type Report struct {
	Figures []Figure

	// HeldUp is how much of what server and load generator had to do was over a millisecond late,
	// in the rounds that count: the machine had something else to do.
	HeldUp float64
}

// Wrong returns how many figures are not what they must be.
func (r Report) Wrong() (n int) {
	for _, f := range r.Figures {
		if !f.OK() {
			n++
		}
	}
	return n
}

// Check has the lab measure servers whose figures are known, and returns what it has found. It is
// an error if something could not be measured, and none that a figure is not what it must be.
//
// A machine that has something else to do may spoil every figure, but it puts none right that is
// wrong. So there can be more rounds until all are right.
func Check(ctx context.Context, o Options) (Report, error) {
	return (&checking{Options: o, subjects: subjects()}).run(ctx)
}

// checking is a check that goes on.
type checking struct {
	Options
	subjects []*subject
	done     int // visits
}

func (c *checking) run(ctx context.Context) (Report, error) {
	if c.Rounds < 1 {
		return Report{}, fmt.Errorf("%d rounds: at least 1 is needed", c.Rounds)
	}
	for made, more := 0, c.Rounds; ; more = min(2, c.Most-made) {
		if err := c.visit(ctx, more, c.Seed+uint64(made)); err != nil {
			return Report{}, err
		}
		made += more
		if r := c.report(); r.Wrong() == 0 || made >= c.Most {
			return r, nil
		}
	}
}

// round is what one visit of a subject has shown.
type round struct {
	figures []Figure
	heldUp  float64 // the share of what server and load generator had to do that was late
}

// visit visits every subject so many times.
func (c *checking) visit(ctx context.Context, n int, seed uint64) error {
	var cells []lab.Cell
	for _, s := range c.subjects {
		if err := s.server.Validate(); err != nil {
			return fmt.Errorf("server %s: %w", s.name, err)
		}
		cells = append(cells, lab.Cell{
			Server: lab.Server{Name: s.name, Command: c.Command(s.server)},
			Config: lab.Config{Conns: s.conns, Size: s.server.Size, Depth: 1, Rate: s.rate,
				Seed: seed, Warmup: s.warmup, Saturate: s.window, Pace: s.window,
				Greet: 5 * time.Second, Unbound: c.Unbound, Stderr: &s.said},
		})
	}
	return lab.Visits(ctx, &c.Machine, cells, n, seed, func(v *results.Visit, err error) error {
		if err != nil {
			return err
		}
		i := slices.IndexFunc(c.subjects, func(s *subject) bool { return s.name == v.Server })
		if err := c.subjects[i].add(v); err != nil {
			return fmt.Errorf("%s: %w", v.Server, err)
		}
		if c.done++; c.Visited != nil {
			c.Visited(c.done, c.Rounds*len(c.subjects))
		}
		return nil
	})
}

// add takes what a visit has shown.
func (s *subject) add(v *results.Visit) error {
	said := s.said.String()
	s.said.Reset()
	if v.Served < v.Asked() || v.Saturated == nil || v.Paced == nil {
		return fmt.Errorf("%d of %d connections were served", v.Served, v.Asked())
	}
	var late, answered int
	if _, err := fmt.Sscanf(said, heldUp, &late, &answered); err != nil {
		return fmt.Errorf("it says %.200q, not how often it was held up", said)
	}
	due := v.Paced.Offered * v.Paced.Seconds
	heldUp := max(float64(v.Paced.Late)/max(due, 1), float64(late)/float64(max(answered, 1)))
	s.rounds = append(s.rounds, round{s.figures(*s, v), heldUp})
	return nil
}

// report returns what all visits so far have shown.
func (c *checking) report() (r Report) {
	for _, s := range c.subjects {
		counting := counting(s.rounds)
		r.Figures = append(r.Figures, medians(counting)...)
		r.HeldUp = max(r.HeldUp, counting[len(counting)-1].heldUp)
	}
	return r
}

// counting returns the rounds that count, the best first: the half of them, and an odd number, in
// which something else on the machine has held up server and load generator the least.
func counting(rounds []round) []round {
	best := slices.Clone(rounds)
	slices.SortStableFunc(best, func(a, b round) int { return cmp.Compare(a.heldUp, b.heldUp) })
	return best[:(len(best)-1)/4*2+1]
}

// medians returns the figures of a round, each with the median of all rounds.
func medians(rounds []round) []Figure {
	all := slices.Clone(rounds[0].figures)
	for i := range all {
		var xs []float64
		for _, r := range rounds {
			xs = append(xs, r.figures[i].Measured)
		}
		slices.Sort(xs)
		all[i].Measured = results.Median(xs)
	}
	return all
}

// subject is a server with the load that it is put under.
type subject struct {
	name           string
	server         Behaviour
	conns          int
	rate           float64
	warmup, window time.Duration
	figures        func(s subject, v *results.Visit) []Figure
	said           bytes.Buffer // by the server that runs
	rounds         []round
}
