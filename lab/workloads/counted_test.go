package workloads

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// TestStormCountsTheCallsOfEachServer once, where they can be counted, in no more than a moment;
// and in no cell that is compared.
func TestStormCountsTheCallsOfEachServer(t *testing.T) {
	for _, scale := range []Scale{Quick, Normal, Full} {
		o := options(scale)
		for _, count := range []bool{false, true} {
			o.CountCalls = count
			visits := 0
			for _, w := range o.Workloads {
				p := o.plan(&w)
				visits += len(p.cells)*o.roundsOf(w) + len(p.counted)
				if slices.ContainsFunc(p.cells, func(c lab.Cell) bool {
					return c.Config.CountCalls
				}) {
					t.Errorf("%s: calls are counted where servers are compared", w.Name)
				}
				switch want := count && w.Name == "storm"; {
				case want:
					checkCounted(t, p)
				case len(p.counted) > 0:
					t.Errorf("%s: %d visits count calls", w.Name, len(p.counted))
				}
			}
			if o.Visits() != visits {
				t.Errorf("%d visits are announced, and there are %d", o.Visits(), visits)
			}
		}
	}
}

// checkCounted checks the cells of a storm in which system calls are counted.
func checkCounted(t *testing.T, p *plan) {
	t.Helper()
	var compared, counted []string
	for _, c := range p.cells {
		if !c.Server.Again {
			compared = append(compared, c.Server.Name)
		}
	}
	var sum time.Duration
	for _, c := range p.counted {
		counted = append(counted, c.Server.Name)
		cfg := c.Config
		sum += cfg.Warmup + cfg.Saturate
		if !cfg.CountCalls || cfg.Memory || cfg.Saturate <= 0 || max(cfg.Pace, cfg.Idle) > 0 ||
			cfg.Workload != "storm" {
			t.Errorf("%s is visited with %+v", c.Server.Name, cfg)
		}
		cfg.Servers = []lab.Server{c.Server}
		if err := cfg.Validate(); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(compared, counted) {
		t.Errorf("compared are %q, and the calls are counted of %q", compared, counted)
	}
	if p.Scale == Normal && sum > time.Second {
		t.Errorf("to count calls takes %v", sum)
	}
}

// TestCountedVisitsAreKeptAsSuch, after all others.
func TestCountedVisitsAreKeptAsSuch(t *testing.T) {
	o := options(Quick)
	o.Workloads, o.CountCalls, o.Rounds = []Workload{storm()}, true, 2
	o.Models, o.Others, o.Reference = []string{"streams"}, nil, ""
	o.Make = func(model string, _ ...string) (lab.Server, error) {
		return lab.Server{Name: model, Command: []string{"/nowhere/" + model}}, nil
	}
	o.Machine = lab.Look()
	var kept []string
	o.Keep = func(r results.Record) error {
		switch {
		case r.Visit != nil:
			kept = append(kept, "visit")
		case r.Counted != nil:
			kept = append(kept, "counted")
		}
		return nil
	}
	visited := 0
	o.Visited = func(Workload, *results.Visit) { visited++ }
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "storm: streams: start streams: ") {
		t.Errorf("%v", err)
	}
	if want := []string{"visit", "visit", "counted"}; !slices.Equal(kept, want) || visited != 3 {
		t.Errorf("kept are %q, and %d visits were told of", kept, visited)
	}
}
