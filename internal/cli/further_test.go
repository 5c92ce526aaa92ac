package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
	"github.com/kettle-go/kettle/lab/workloads"
)

// TestVerdictThatMayChangeIsNotSaid until what it rests on has been looked at again; one that will
// not change is said at once.
func TestVerdictThatMayChangeIsNotSaid(t *testing.T) {
	for _, twice := range []bool{false, true} {
		var out func() string
		r := &labRun{labFlags: &labFlags{}, told: map[string]bool{}, twice: twice,
			over: map[string]bool{"storm": true}}
		r.screen, out, _ = onFiles(t, 0)
		storm, err := workloads.Lookup("storm")
		if err != nil {
			t.Fatal(err)
		}
		r.options.Workloads = []workloads.Workload{storm}
		for round, times := range []float64{1, 1.1, 1.5} {
			r.addStorm(round+1, times, nil)
		}
		r.tellVerdicts(false)
		if said := strings.Contains(out(), "C17"); said == twice {
			t.Errorf("to be looked at twice: %v; said is %q", twice, out())
		}
		for round := 4; round <= 12; round++ {
			r.addStorm(round, 1.1, []string{"C17"})
		}
		r.tellVerdicts(true)
		want := map[bool]string{true: "holds", false: "too close to call"}[twice]
		if text := out(); strings.Count(text, "C17") != 1 || !strings.Contains(text, "C17  "+want) {
			t.Errorf("at the end %q was said, want %s", text, want)
		}
	}
}

// addStorm adds a round in which a message costs streams so many times as much as selectors. It is
// a further one if it was made for claims.
func (r *labRun) addStorm(round int, times float64, claims []string) {
	for server, micros := range map[string]float64{"selectors": 10, "streams": 10 * times} {
		v := &results.Visit{Workload: "storm", Server: server, Round: round, Served: 100,
			Load: results.Load{Conns: 100}, Claims: claims,
			Saturated: &results.Window{CPUMicros: &micros,
				Report: load.Report{Rate: 1e6 / micros, Requests: 1000, Seconds: 1}}}
		if claims == nil {
			r.set.Add(results.Record{Visit: v})
		} else {
			r.set.Add(results.Record{Further: v})
		}
	}
}

// TestWhoChoosesHasNothingLookedAtAgain: neither what he said, nor how often, is the lab's.
func TestWhoChoosesHasNothingLookedAtAgain(t *testing.T) {
	for args, want := range map[string]bool{
		"":                              true,
		"--quick":                       true,
		"--workloads storm,crowd":       true,
		"--full":                        false,
		"--rounds 3":                    false,
		"--models select":               false,
		"--conns 20":                    false,
		"--workloads storm --conns 20":  false,
		"--workloads storm --rate 1000": false,
	} {
		f := &labFlags{load: lab.Normal()}
		cmd := &cobra.Command{}
		f.declare(cmd)
		if err := cmd.ParseFlags(strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		f.given = cmd.Flags().Changed
		if err := f.complete("kettle"); err != nil {
			t.Fatal(err)
		}
		if got := f.looksTwice(); got != want {
			t.Errorf("lab %s looks at what is open again: %v, want %v", args, got, want)
		}
	}
}
