package claims

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kettle-go/kettle/lab/results"
)

// stormy is a storm of two servers, in which streams cost what selectors cost.
func stormy() *made {
	m := &made{}
	for _, name := range []string{"selectors", "streams"} {
		m.rounds("storm", name, results.Load{Conns: 100, Rate: 5000},
			func(v *results.Visit, n float64) {
				v.Saturated, v.Paced = window(5+n/10), window(20)
			})
	}
	return m
}

// count adds visits in which calls were counted, under each workload: their other figures are far
// from what they are else.
func (m *made) count() {
	for _, workload := range []string{"storm", "growth", "crowd", "idle"} {
		for i, name := range []string{"selectors", "streams", "blocking"} {
			v := &results.Visit{Workload: workload, Server: name, Round: 1, Served: 100,
				Load: results.Load{Conns: 100}, Saturated: window(5000 * float64(i+1))}
			v.Saturated.CallKinds = &results.Calls{Receive: 1.02, Send: 1, Wait: 0.125}
			v.Saturated.Calls = new(v.Saturated.CallKinds.Total())
			v.Saturated.GeneratorShare = 0.99
			v.IdleCPU, v.ConnBytes = new(0.9), new(1e9)
			m.Counted = append(m.Counted, v)
		}
	}
	m.Counted = append(m.Counted, &results.Visit{Workload: "storm", Server: "a|b",
		Error: "it\nis gone"})
}

// TestCountedVisitsDecideNothing: with them each verdict, with its figures, its charts and what is
// doubtful of them, is what it is without.
func TestCountedVisitsDecideNothing(t *testing.T) {
	without, with := stormy(), stormy()
	with.count()
	a, b := Of(&without.Set), Of(&with.Set)
	for i := range a {
		if diff := cmp.Diff(a[i], b[i], cmpopts.EquateNaNs(),
			cmpopts.IgnoreUnexported(Claim{}, Row{})); diff != "" {
			t.Errorf("%s: without counted visits (-) and with them (+):\n%s", a[i].Claim.ID, diff)
		}
	}
	with.wants(t, "C17", Holds)
	if got := Cautions(&with.Set); len(got) != 0 {
		t.Errorf("cautions: %q", got)
	}
}

// TestCallsAreInTheReport by kind, or why they are not.
func TestCallsAreInTheReport(t *testing.T) {
	m := stormy()
	m.Run.Machine.Note("system calls: n/a: tracefs is not mounted")
	report := func() string {
		var b strings.Builder
		if err := WriteMarkdown(&b, &m.Set, Of(&m.Set)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	if text := report(); strings.Contains(text, "## System calls") ||
		!strings.Contains(text, "\n* system calls: n/a: tracefs is not mounted\n") {
		t.Errorf("without counted visits:\n%s", text)
	}
	m.count()
	for _, want := range []string{"## System calls per message: storm\n",
		"\n| | all | receive | send | wait | accept | threads | other | |\n|---|---|---|",
		"\n| selectors | 2.15 | 1.02 | 1.00 | 0.12 | 0.00 | 0.00 | 0.00 |  |\n",
		"\n| a\\|b | n/a | n/a | n/a | n/a | n/a | n/a | n/a | it is gone |\n",
		"\nReceive: read, recvfrom and their kin; send: "} {
		if text := report(); !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
}
