package workloads

import (
	"context"

	"github.com/kettle-go/kettle/lab/results"
)

// source keeps the source of the models, with its lines and branches.
func source() Workload {
	return Workload{
		Name:   "source",
		About:  "the source of the models: how long is it, and how often does it ask?",
		Claims: []string{"C14", "C15"},
		step: func(p *plan) step {
			return func(context.Context) error {
				for _, m := range p.Sources {
					if err := p.Keep(results.Record{Model: &m}); err != nil {
						return err
					}
				}
				return nil
			}
		},
	}
}
