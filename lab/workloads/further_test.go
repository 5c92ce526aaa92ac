package workloads

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// again is a run of idle, crowd and storm, whose servers do not start, so that a visit takes no
// time, with claims that are unclear.
type again struct {
	Options
	unclear map[string][]*results.Visit
	planned map[string][]int    // rounds, by server under a workload
	further map[string][]int    // and those that were not planned
	claims  map[string][]string // that they were made for
	visits  int                 // that were announced
	asked   int                 // times
	kept    func(further int)   // is called with each of those; may be nil
}

func newAgain(t *testing.T) *again {
	a := &again{Options: options(Normal), planned: map[string][]int{}, further: map[string][]int{},
		claims: map[string][]string{}, unclear: map[string][]*results.Visit{}}
	o := &a.Options
	o.Workloads, o.Until = []Workload{idle(), crowd(), storm()}, time.Now().Add(time.Hour)
	o.Models = []string{"streams", "selectors", "goroutines"}
	o.Others, o.Machine = nil, lab.Look()
	o.Make = func(model string, _ ...string) (lab.Server, error) {
		return lab.Server{Name: model, Command: []string{"/nowhere/" + model}}, nil
	}
	ended := 0
	o.Ended = func(Workload, []string) { ended++ }
	o.Unclear = func() map[string][]*results.Visit {
		if a.asked++; ended != len(o.Workloads) {
			t.Errorf("it is asked what is unclear after %d workloads", ended)
		}
		return a.unclear
	}
	o.Further = func(n int) { a.visits += n }
	o.Keep = func(r results.Record) error {
		switch {
		case r.Visit != nil && !r.Visit.Again:
			a.planned[nameOf(r.Visit)] = append(a.planned[nameOf(r.Visit)], r.Visit.Round)
			if r.Visit.Claims != nil {
				t.Errorf("a planned visit is for %q", r.Visit.Claims)
			}
		case r.Further != nil:
			name := nameOf(r.Further)
			a.further[name] = append(a.further[name], r.Further.Round)
			a.claims[name] = r.Further.Claims
			if a.kept != nil {
				a.kept(len(a.further[name]))
			}
		}
		return nil
	}
	return a
}

// nameOf says which cell a visit is one of.
func nameOf(v *results.Visit) string {
	name := v.Workload + " " + v.Server
	if v.Load.Idle > 0 {
		name += " in a crowd"
	}
	return name
}

// of makes the visits of a workload unclear whose load is liked.
func (a *again) of(claim string, w Workload, like func(results.Load) bool, servers ...string) {
	for _, c := range a.plan(&w).cells {
		if like(c.Config.Asked()) && slices.Contains(servers, c.Server.Name) {
			a.unclear[claim] = append(a.unclear[claim], &results.Visit{Workload: w.Name,
				Server: c.Server.Name, Load: c.Config.Asked()})
		}
	}
}

func (a *again) run(t *testing.T) {
	t.Helper()
	if err := Run(t.Context(), a.Options); err == nil || !strings.Contains(err.Error(), "start ") {
		t.Errorf("%v", err)
	}
	if a.asked != 1 {
		t.Errorf("it is asked %d times what is unclear", a.asked)
	}
}

func anyLoad(results.Load) bool { return true }

// between returns the numbers from m to n.
func between(m, n int) (numbers []int) {
	for i := m; i <= n; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}

// TestWhatIsUnclearIsVisitedAgain, under the loads that it is unclear by, in rounds that go on
// where the planned ones ended, and for the claims that it is unclear for; and nothing else is.
func TestWhatIsUnclearIsVisitedAgain(t *testing.T) {
	a := newAgain(t)
	a.of("C12", crowd(), func(l results.Load) bool { return l.Idle == 0 }, "streams")
	a.of("C17", storm(), anyLoad, "streams", "selectors")
	a.of("C3", storm(), anyLoad, "streams")
	a.of("C6", wait(), anyLoad, "streams") // which is not run
	a.run(t)
	want := map[string][]int{"crowd streams": between(4, 12), "storm streams": between(10, 18),
		"storm selectors": between(10, 18)}
	for name, rounds := range want {
		if !slices.Equal(a.further[name], rounds) {
			t.Errorf("%s: the further rounds are %v, want %v", name, a.further[name], rounds)
		}
	}
	if len(a.further) != len(want) || a.visits != 27 {
		t.Errorf("visited again are %v, after %d were announced", a.further, a.visits)
	}
	for name, claims := range map[string]string{"crowd streams": "C12", "storm streams": "C17 C3",
		"storm selectors": "C17"} {
		if got := strings.Join(a.claims[name], " "); got != claims {
			t.Errorf("%s is visited for %s, want %s", name, got, claims)
		}
	}
	if got := a.planned["storm streams"]; !slices.Equal(got, between(1, 9)) {
		t.Errorf("the planned rounds are %v", got)
	}
}

// TestNothingIsUnclear, or there is no time left: then nothing is visited again, or announced.
func TestNothingIsUnclear(t *testing.T) {
	for _, late := range []bool{false, true} {
		a := newAgain(t)
		if late {
			a.Until = time.Now()
			a.of("C17", storm(), anyLoad, "streams")
		}
		if a.run(t); len(a.further) != 0 || a.visits != 0 {
			t.Errorf("without time: %v; visited again are %v, announced %d", late, a.further,
				a.visits)
		}
	}
}

// TestTimeRunsOut in a round: it is made to its end, and there is no other one, of any workload.
func TestTimeRunsOut(t *testing.T) {
	a := newAgain(t)
	a.of("C12", crowd(), func(l results.Load) bool { return l.Idle == 0 }, "streams", "selectors")
	a.of("C17", storm(), anyLoad, "streams")
	o := a.Options
	o.Until = time.Now().Add(time.Second)
	a.kept = func(int) { <-time.After(time.Until(o.Until)) }
	var plans []*plan
	for _, w := range []Workload{crowd(), storm()} {
		plans = append(plans, o.plan(&w))
	}
	o.Unclear = func() map[string][]*results.Visit { return a.unclear }
	if err := o.further(t.Context(), plans, func(error) {}); err != nil {
		t.Fatal(err)
	}
	if len(a.further) != 2 || len(a.further["crowd streams"]) != 1 ||
		len(a.further["crowd selectors"]) != 1 {
		t.Errorf("visited again are %v", a.further)
	}
}

// TestRoundTakesItsShare of the time that all visits took.
func TestRoundTakesItsShare(t *testing.T) {
	a := newAgain(t)
	a.of("C17", storm(), anyLoad, "streams", "selectors")
	w := storm()
	p := a.plan(&w)
	p.took = time.Duration(len(p.cells)*9) * time.Second
	if e := p.encore(a.unclear); len(e.cells) != 2 || e.took != 2*time.Second {
		t.Errorf("a round of %d visits is thought to take %v", len(e.cells), e.took)
	}
}

// TestCancelledBeforeFurtherVisits: then none is announced.
func TestCancelledBeforeFurtherVisits(t *testing.T) {
	a := newAgain(t)
	a.of("C17", storm(), anyLoad, "streams")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := a.Ended
	a.Ended = func(w Workload, left []string) {
		if ended(w, left); w.Name == "storm" {
			cancel(errAbsent)
		}
	}
	if err := Run(ctx, a.Options); !errors.Is(err, errAbsent) || a.visits > 0 || a.asked > 0 {
		t.Errorf("%v; asked %d times, announced %d", err, a.asked, a.visits)
	}
}
