package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kettle-go/kettle/lab/results"
)

// Report is what a run has shown.
type Report struct {
	Config  Config
	Machine results.Machine
	Servers []Server
	Visits  []*results.Visit
	Counted []*results.Visit // others, in which system calls were counted: only those are shown
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
	r := &Report{Machine: Look(), Servers: cfg.withReference()}
	cfg.fit(&r.Machine)
	r.Config = cfg
	if cfg.Conns < 1 {
		return nil, errors.New("lab: the limit on descriptors leaves room for no connection")
	}
	if cfg.Begin != nil {
		cfg.Begin(r.Machine, len(r.Servers))
	}
	defer func() { r.Elapsed = time.Since(began) }()
	var cells []Cell
	for _, s := range r.Servers {
		cells = append(cells, Cell{s, cfg})
	}
	var failed error
	err := Visits(ctx, &r.Machine, cells, cfg.Rounds, cfg.Seed,
		func(v *results.Visit, err error) error {
			r.Visits = append(r.Visits, v)
			if failed == nil {
				failed = err
			}
			return r.tell(v)
		})
	if err != nil {
		return r, err
	}
	return r, failed
}

// tell passes a visit on.
func (r *Report) tell(v *results.Visit) error {
	if r.Config.Record != nil {
		record := results.Record{Visit: v}
		if r.Config.CountCalls {
			record = results.Record{Counted: v}
		}
		if err := r.Config.Record(record); err != nil {
			return fmt.Errorf("lab: keep the results of %s: %w", v.Server, err)
		}
	}
	if r.Config.Progress != nil {
		r.Config.Progress(*v)
	}
	return nil
}

// AddServer adds the row of a visit, if it has none yet: for who makes a report from results. The
// model may be nil.
func (r *Report) AddServer(v *results.Visit, m *results.Model) {
	s := Server{Name: v.Server, Command: v.Command, Again: v.Again}
	if m != nil {
		s.OwnLines, s.Lines = m.OwnLines, m.Lines
	}
	for _, known := range r.Servers {
		if known.Name == s.Name && known.Again == s.Again {
			return
		}
	}
	r.Servers = append(r.Servers, s)
}
