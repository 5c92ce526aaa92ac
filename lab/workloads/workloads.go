// Package workloads has the experiments of the lab: what is asked of which servers, how often, and
// which claims are judged by the outcome (package claims).
//
// A workload is a list of cells, each a server under one load. They are visited in rounds, in an
// order that is shuffled anew in each: so whatever drifts on the machine meets all alike. Sizes are
// such that a run on two CPUs takes a minute and a half; Full has every model in each workload, at
// more sizes, in more rounds.
package workloads

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kettle-go/kettle/lab"
)

// Workload is one experiment.
type Workload struct {
	Name   string
	About  string   // what is done, in a line
	Claims []string // that it is evidence for
	Params string   // what can be set, and what it is by itself

	models []string // that it concerns; nil: all
	rounds [3]int   // by Scale

	// manyModels is how many rounds there are at the scale Normal where models were chosen by name,
	// and so each has its visits; 0: as many as else.
	manyModels int

	cells func(*plan)
	step  func(*plan) step // for what is no visit; nil: there are only cells
}

// Scale is how large a run is.
type Scale int

// The scales.
const (
	Quick  Scale = iota // does everything work, and what does it look like?
	Normal              // what fits into 90 s
	Full                // every model in each workload
)

// All returns the workloads in the order in which they are run: what is quickest comes first.
func All() []Workload {
	return []Workload{source(), passing(), events(), growth(), idle(), wait(), crowd(), compute(),
		slow(), shared(), storm(), churn(), pipeline(), size(), fanout()}
}

// Names returns the names of the workloads.
func Names() []string {
	var names []string
	for _, w := range All() {
		names = append(names, w.Name)
	}
	return names
}

// Lookup returns the workload of a name; the error of an unknown one lists what there is.
func Lookup(name string) (Workload, error) {
	for _, w := range All() {
		if w.Name == name {
			return w, nil
		}
	}
	return Workload{}, fmt.Errorf("unknown workload %q: there is %s", name,
		strings.Join(Names(), ", "))
}

// plan collects the cells of a workload.
type plan struct {
	Options
	workload *Workload
	cells    []lab.Cell
	counted  []lab.Cell // visited once more, after the others, to count system calls
	missing  []string   // models that cannot be here, and why

	took time.Duration // for the visits of cells
}

// concerned returns the models that a workload is about: of those that it names the ones that were
// chosen, and all that were chosen in a full run or where they were chosen by name.
func (p *plan) concerned(names ...string) []string {
	if names == nil || p.Scale == Full || p.All {
		return p.Models
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return !slices.Contains(p.Models, name)
	})
}

// add adds a cell for a model, which is run with more flags.
func (p *plan) add(model string, cfg lab.Config, flags ...string) {
	s, err := p.Make(model, flags...)
	if err != nil {
		p.leaveOut(model, err)
		return
	}
	p.put(s, cfg)
}

// leaveOut notes that a model cannot be here.
func (p *plan) leaveOut(model string, why error) {
	if note := fmt.Sprintf("%s: %v", model, why); !slices.Contains(p.missing, note) {
		p.missing = append(p.missing, note)
	}
}

// each adds a cell for each of some models, and for each other server that is given.
func (p *plan) each(names []string, cfg lab.Config) {
	for _, name := range p.concerned(names...) {
		p.add(name, cfg)
	}
	for _, s := range p.Others {
		p.put(s, cfg)
	}
}

func (p *plan) put(s lab.Server, cfg lab.Config) {
	cfg.Workload, cfg.Seed, cfg.Stderr = p.workload.Name, p.Seed, p.Stderr
	p.cells = append(p.cells, lab.Cell{Server: s, Config: cfg})
}

// base returns what the loads have in common: a window that is saturated, and nothing besides.
func (p *plan) base(conns int) lab.Config {
	cfg := lab.Config{Conns: conns, Size: 64, Depth: 1, Rate: 5000, Rounds: 1,
		Warmup: 30 * time.Millisecond, Saturate: 150 * time.Millisecond,
		Greet: 300 * time.Millisecond}
	switch p.Scale {
	case Quick:
		cfg.Saturate = 80 * time.Millisecond
	case Full:
		cfg.Warmup, cfg.Saturate = 100*time.Millisecond, 250*time.Millisecond
	}
	return cfg
}

// pick returns the value for the scale of the run.
func pick[T any](p *plan, quick, normal, full T) T {
	return [...]T{quick, normal, full}[p.Scale]
}
