package workloads

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/switching"
	"github.com/kettle-go/kettle/lab/timeline"
)

// source has nothing to visit: the source of the models is in the results of each run.
func source() Workload {
	return Workload{
		Name:   "source",
		About:  "the source of the models: how long is it, and how often does it ask?",
		Claims: []string{"C14", "C15"},
	}
}

// passing passes a token between two of each kind.
func passing() Workload {
	return Workload{
		Name:   "switch",
		About:  "a token between two processes, threads, goroutines, coroutines, callbacks",
		Claims: []string{"C16"},
		Params: "kettle lab switch does it alone: --kinds, --duration",
		rounds: [3]int{1, 3, 5},
		step: func(p *plan) step {
			return func(ctx context.Context) error {
				order := rand.New(rand.NewPCG(p.Seed, 1))
				for round := 1; round <= p.roundsOf(*p.workload); round++ {
					if err := p.pass(ctx, round, order); err != nil {
						return err
					}
				}
				return nil
			}
		},
	}
}

// pass measures each kind of switch once, in another order each time.
func (p *plan) pass(ctx context.Context, round int, order *rand.Rand) error {
	kinds := switching.Kinds()
	order.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
	each := pick[time.Duration](p, 30, 60, 200) * time.Millisecond
	measured, err := switching.Run(ctx, p.Self, kinds, each, p.Machine.ServerCPUs)
	if err != nil {
		return err
	}
	for _, m := range measured {
		s := results.Switch{Kind: string(m.Kind), Round: round, Switches: m.Switches, Nanos: m.NS,
			CPU: m.CPUNS, Kernel: m.KernelSwitches, Missing: m.Unavailable}
		if err := p.Keep(results.Record{Switch: &s}); err != nil {
			return err
		}
	}
	return nil
}

// events records what a few clients and their server do.
func events() Workload {
	return Workload{
		Name:   "timeline",
		About:  "three clients, event by event: who waits for what, and who is asked in vain?",
		Claims: []string{"C8", "C13"},
		Params: "kettle lab timeline does it alone: --models, --clients, --wait, --kernel",
		models: []string{"blocking", "threads", "polling", "select", "selectors", "coroutines",
			"streams", "uring"},
		step: func(p *plan) step { return p.record },
	}
}

// record records each model that the workload concerns. What goes wrong with one is no reason to
// stop.
func (p *plan) record(ctx context.Context) error {
	const wait = 10 * time.Millisecond
	var failed error
	for _, name := range p.concerned(p.workload.models...) {
		s, err := p.Make(name, "--wait", wait.String(), "--trace", "{trace}")
		if err != nil {
			p.leaveOut(name, err)
			continue
		}
		recording, err := timeline.Record(ctx, timeline.Config{Name: name, Command: s.Command,
			Wait: wait, Clients: 3, Stderr: p.Stderr})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		line, err := json.Marshal(recording)
		if err == nil {
			err = p.Keep(results.Record{Timeline: line})
		}
		if err != nil {
			return fmt.Errorf("keep the recording of %s: %w", name, err)
		}
	}
	return failed
}
