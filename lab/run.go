package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// Report is what a run has shown.
type Report struct {
	Config  Config
	Machine Machine
	Servers []Server
	Visits  []*Visit
	Elapsed time.Duration
}

// Run measures the servers. When ctx is cancelled it stops, and the report has what has been
// measured until then. The error is ctx's cause, or that something could not be measured at
// all, such as a server that does not start or answers wrong bytes; the report has the rest.
// That a server does not serve all connections is a result and no error.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	began := time.Now()
	r := &Report{Machine: look(&cfg), Config: cfg, Servers: cfg.withReference()}
	if cfg.Conns < 1 {
		return nil, errors.New("lab: the limit on descriptors leaves room for no connection")
	}
	if cfg.Begin != nil {
		cfg.Begin(r.Machine, len(r.Servers))
	}
	defer r.Machine.bind()()
	defer func() { r.Elapsed = time.Since(began) }()
	order := rand.New(rand.NewPCG(cfg.Seed, 0))
	var failed error
	for round := 1; round <= cfg.Rounds; round++ {
		for _, i := range order.Perm(len(r.Servers)) {
			v := visit(ctx, r.Servers[i], cfg, &r.Machine, round)
			if ctx.Err() != nil {
				return r, context.Cause(ctx)
			}
			r.Visits = append(r.Visits, v)
			if failed == nil {
				failed = v.err
			}
			if err := r.tell(v); err != nil {
				return r, err
			}
		}
	}
	return r, failed
}

// tell passes a visit on.
func (r *Report) tell(v *Visit) error {
	if r.Config.JSON != nil {
		line, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("lab: write the results of %s: %w", v.Server, err)
		}
		if _, err := r.Config.JSON.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("lab: write the results of %s: %w", v.Server, err)
		}
	}
	if r.Config.Progress != nil {
		r.Config.Progress(*v)
	}
	return nil
}
