package workloads

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// someModels are what a test chooses from.
var someModels = []string{"blocking", "processes", "threads", "polling", "select", "poll",
	"selectors", "coroutines", "goroutines", "protocol", "streams", "uring"}

var errAbsent = errors.New("it cannot be here")

// options are those of a run in which uring cannot be.
func options(s Scale) Options {
	return Options{Workloads: Default(s), Scale: s, Models: someModels, Reference: "goroutines",
		Others: []lab.Server{{Name: "mine", Command: []string{"mine", "{addr}"}}},
		Make: func(model string, flags ...string) (lab.Server, error) {
			if model == "uring" {
				return lab.Server{}, errAbsent
			}
			return lab.Server{Name: model, Command: append([]string{model}, flags...)}, nil
		},
		Keep: func(results.Record) error { return nil }}
}

// text has what tells one load from another.
func text(c lab.Config) string {
	return fmt.Sprint(c.Conns, c.IdleConns, c.Heavy, c.Deaf, c.Batch, c.Size, c.Depth, c.Rate)
}

// TestEachCellCanBeMeasured, and is told apart from the others of its workload.
func TestEachCellCanBeMeasured(t *testing.T) {
	for _, scale := range []Scale{Quick, Normal, Full} {
		o := options(scale)
		for _, w := range o.Workloads {
			p := o.plan(&w)
			type cell struct {
				server string
				again  bool
				load   string
			}
			known := map[cell]bool{}
			for _, c := range p.cells {
				cfg := c.Config
				cfg.Servers, cfg.Rounds = []lab.Server{c.Server}, 1
				if err := cfg.Validate(); err != nil {
					t.Errorf("%s, %s: %v", w.Name, c.Server.Name, err)
				}
				if cfg.Workload != w.Name {
					t.Errorf("%s, %s: the visit is called %q", w.Name, c.Server.Name, cfg.Workload)
				}
				id := cell{c.Server.Name, c.Server.Again, fmt.Sprint(c.Server.Command, text(cfg))}
				if known[id] {
					t.Errorf("%s: %v is there twice", w.Name, id)
				}
				known[id] = true
			}
			if w.cells != nil && len(p.cells) == 0 {
				t.Errorf("%s has no cells", w.Name)
			}
		}
	}
}

// TestClaimsHaveTheirEvidence: each workload that a run leaves out is evidence for none.
func TestClaimsHaveTheirEvidence(t *testing.T) {
	for _, w := range All() {
		if w.About == "" || w.Params == "" && w.cells != nil || strings.Contains(w.About, "\n") {
			t.Errorf("%+v", w)
		}
		inDefault := slices.ContainsFunc(Default(Normal), func(d Workload) bool {
			return d.Name == w.Name
		})
		if inDefault != (len(w.Claims) > 0) {
			t.Errorf("%s, with the claims %v, is run by itself: %v", w.Name, w.Claims, inDefault)
		}
	}
	for _, c := range claims.All() {
		for _, w := range All() {
			if slices.Contains(c.Workloads, w.Name) != slices.Contains(w.Claims, c.ID) {
				t.Errorf("%s is judged by %v, and %s is evidence for %v", c.ID, c.Workloads, w.Name,
					w.Claims)
			}
		}
	}
	if len(Default(Full)) != len(All()) {
		t.Error("a full run leaves something out")
	}
}

func TestWhoIsVisited(t *testing.T) {
	o := options(Normal)
	visited := func(name string) []string {
		w, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, c := range o.plan(&w).cells {
			if !slices.Contains(names, c.Server.Name) {
				names = append(names, c.Server.Name)
			}
		}
		slices.Sort(names)
		return names
	}
	if got := visited("storm"); !slices.Contains(got, "mine") || slices.Contains(got, "blocking") ||
		slices.Contains(got, "uring") {
		t.Errorf("the storm visits %v", got)
	}
	if got := visited("wait"); slices.Contains(got, "mine") || !slices.Contains(got, "blocking") {
		t.Errorf("who can wait: %v", got)
	}
	o.Models, o.All = []string{"poll", "threads"}, true
	if got := visited("storm"); !slices.Equal(got, []string{"mine", "poll", "threads"}) {
		t.Errorf("of those that were chosen the storm visits %v", got)
	}
	o.All = false
	if got := visited("growth"); !slices.Equal(got, []string{"mine", "threads"}) {
		t.Errorf("of those that were chosen growth visits %v", got)
	}
}

// TestTheReferenceIsVisitedAgain, to be compared with itself.
func TestTheReferenceIsVisitedAgain(t *testing.T) {
	o := options(Normal)
	w := storm()
	again := 0
	for _, c := range o.plan(&w).cells {
		if c.Server.Again {
			again++
			if c.Server.Name != "goroutines" {
				t.Errorf("%s is visited again", c.Server.Name)
			}
		}
	}
	if again != 1 {
		t.Errorf("%d are visited again", again)
	}
	o.Models, o.Others = []string{"goroutines"}, nil
	if cells := o.plan(&w).cells; len(cells) != 1 {
		t.Errorf("one alone is compared with itself: %d cells", len(cells))
	}
}

func TestRoundsAndVisits(t *testing.T) {
	o := options(Normal)
	sum := 0
	for _, w := range o.Workloads {
		sum += len(o.plan(&w).cells) * o.AllRounds()[w.Name]
	}
	if o.Visits() != sum || sum == 0 {
		t.Errorf("%d visits, want %d", o.Visits(), sum)
	}
	o.Rounds = 2
	for name, n := range o.AllRounds() {
		if n != 2 {
			t.Errorf("%s has %d rounds", name, n)
		}
	}
	o.Rounds, o.Workloads = 0, []Workload{churn()}
	if o.AllRounds()["churn"] == 0 {
		t.Error("what is asked for by name is not run")
	}
}

func TestUnknownWorkload(t *testing.T) {
	if _, err := Lookup("tea"); err == nil || !strings.Contains(err.Error(), "growth, ") {
		t.Errorf("%v", err)
	}
}

// TestServersThatDoNotStart are told of, each, and the rest goes on.
func TestServersThatDoNotStart(t *testing.T) {
	o := options(Quick)
	o.Workloads = []Workload{idle()}
	o.Models, o.Others = []string{"threads", "uring"}, nil
	o.Make = func(model string, _ ...string) (lab.Server, error) {
		if model == "uring" {
			return lab.Server{}, errAbsent
		}
		return lab.Server{Name: model, Command: []string{"/nowhere/" + model}}, nil
	}
	o.Machine = lab.Look()
	var kept, visited int
	var left []string
	o.Keep = func(results.Record) error { kept++; return nil }
	o.Visited = func(Workload, *results.Visit) { visited++ }
	o.Ended = func(_ Workload, l []string) { left = l }
	began := time.Now()
	err := Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "idle: threads: start threads: ") {
		t.Errorf("%v", err)
	}
	if kept != 1 || visited != 1 || len(left) != 1 || left[0] != "uring: it cannot be here" {
		t.Errorf("%d kept, %d visited, left out %q, in %v", kept, visited, left, time.Since(began))
	}
	o.Keep = func(results.Record) error { return errAbsent }
	if err := Run(t.Context(), o); !errors.Is(err, errAbsent) {
		t.Errorf("results that cannot be kept: %v", err)
	}
}

// TestRecordingsThatFail are told of, each, and the others are made.
func TestRecordingsThatFail(t *testing.T) {
	o := options(Quick)
	o.Workloads, o.Models, o.Others = []Workload{events()}, []string{"blocking", "select"}, nil
	o.Make = func(model string, flags ...string) (lab.Server, error) {
		return lab.Server{Name: model, Command: append([]string{"/nowhere"}, flags...)}, nil
	}
	err := Run(t.Context(), o)
	for _, name := range o.Models {
		if err == nil || !strings.Contains(err.Error(), "timeline of "+name) {
			t.Errorf("nothing is said of %s: %v", name, err)
		}
	}
}

// TestWhoCannotPublishIsLeftOut, and said to be.
func TestWhoCannotPublishIsLeftOut(t *testing.T) {
	o := options(Normal)
	w := fanout()
	p := o.plan(&w)
	for _, c := range p.cells {
		if !slices.Contains(w.models, c.Server.Name) || c.Config.Deaf != 10 ||
			!slices.Equal(c.Server.Command[1:], []string{"--service", "publish"}) {
			t.Errorf("%s is visited, as %q", c.Server.Name, c.Server.Command)
		}
	}
	if want := 2 * (len(w.models) - 1); len(p.cells) != want { // uring cannot be here
		t.Errorf("%d visits, want %d", len(p.cells), want)
	}
	for _, name := range []string{"mine", "threads", "coroutines", "uring"} {
		if !slices.ContainsFunc(p.missing, func(s string) bool {
			return strings.HasPrefix(s, name+": ")
		}) {
			t.Errorf("of %s nothing is said: %q", name, p.missing)
		}
	}
}
