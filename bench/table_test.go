package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

var rewrite = flag.Bool("rewrite", false, "write the tables in testdata, instead of comparing")

// visit is one with figures that are derived from cost.
func visit(s lab.Server, round int, cost float64) *results.Visit {
	window := &results.Window{
		Report:    load.Report{Rate: 1e6 / cost, Seconds: 0.25, GeneratorShare: 5 / cost},
		CPUMicros: new(cost), Switches: new(cost / 100),
		User: cost / 40, System: cost / 10,
	}
	return &results.Visit{Round: round, Server: s.Name, Again: s.Again,
		Load: results.Load{Conns: 100}, Served: 100,
		Saturated: window, Churned: window}
}

// counted is a visit in which system calls were counted.
func counted(s lab.Server, cost float64) *results.Visit {
	v := visit(s, 1, 10*cost) // which nothing shows
	v.Saturated.CallKinds = &results.Calls{Receive: 1, Send: 1, Wait: cost / 100}
	v.Saturated.Calls = new(v.Saturated.CallKinds.Total())
	return v
}

// example is what two workloads have shown, with each kind of row.
func example() []outcome {
	costs := map[string]float64{reference: 5, "netpoll": 8, "kettle streams": 6, "mine": 7.5,
		"uvloop": 6.5}
	var servers []lab.Server
	for _, name := range []string{reference, "netpoll", "kettle streams", "mine", "gone"} {
		servers = append(servers, lab.Server{Name: name})
	}
	servers = append(servers, lab.Server{Name: reference, Again: true})
	var all []outcome
	for _, w := range workloads() {
		if w.name != "ping-100" && w.name != "churn" {
			continue
		}
		cfg := lab.Normal()
		cfg.Reference, cfg.Rounds = reference, 6
		r := &lab.Report{Config: cfg, Servers: servers}
		r.Machine.Notes = []string{"something is smaller than it was asked for"}
		calls := &lab.Report{Servers: servers}
		for round := 1; round <= cfg.Rounds; round++ {
			for i, s := range servers {
				if s.Name == "gone" {
					r.Visits = append(r.Visits, &results.Visit{Round: round, Server: s.Name,
						Load: results.Load{Conns: 100}, Error: "start gone: it\nis gone"})
					continue
				}
				v := visit(s, round, costs[s.Name]*(1+float64(round*i%4)/20))
				if s.Name == "mine" && w.name == "churn" {
					v.Served, v.Lost, v.First = 98, 2, "connection 3: reset"
				}
				r.Visits = append(r.Visits, v)
				if round == 1 {
					calls.Visits = append(calls.Visits, counted(s, costs[s.Name]))
				}
			}
		}
		all = append(all, outcome{workload: w, report: r, calls: calls})
	}
	v := all[1].calls.Visits[0]
	v.Unsupported, v.Saturated.Calls, v.Churned.CallKinds = "not permitted", nil, nil
	return all
}

func TestTables(t *testing.T) {
	all := example()
	var text strings.Builder
	for _, r := range all {
		r.write(&text)
	}
	writeMatrix(&text, all)
	path := filepath.Join("testdata", "tables.golden")
	if *rewrite {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), text.String())
	if diff != "" {
		t.Errorf("the tables are not %s (-), but (+):\n%s", path, diff)
	}
}

// TestRowInWhichAnotherOneIsCheaperSaysWhy, as far as that is known.
func TestRowInWhichAnotherOneIsCheaperSaysWhy(t *testing.T) {
	for _, c := range []struct {
		scale     float64 // of netpoll's cost
		why, want string
	}{
		{0.5, "", ": why is not known\n"},
		{0.5, "it has less to do", ": it has less to do\n"},
		{0.72, "it has less to do", ": no more than the spread\n"},
	} {
		r := example()[0]
		r.workload.dearer = c.why
		for _, v := range r.report.Visits {
			if v.Server == "netpoll" {
				*v.Saturated.CPUMicros *= c.scale
			}
		}
		var b strings.Builder
		r.write(&b)
		const that = "another server is cheaper than kettle's loops, by a factor of 1."
		if got := b.String(); !strings.Contains(got, that) || !strings.Contains(got, c.want) {
			t.Errorf("the table is\n%s", got)
		}
	}
}

// TestNothingWasMeasured: a run that was ended before its first visit.
func TestNothingWasMeasured(t *testing.T) {
	all := example()
	for i := range all {
		all[i].report.Visits, all[i].calls = nil, nil
	}
	var text strings.Builder
	all[0].write(&text)
	writeMatrix(&text, all)
	writeMatrix(&text, nil)
	if !strings.Contains(text.String(), "n/a") {
		t.Errorf("nothing is not available:\n%s", &text)
	}
}

// TestServersThatCannotBeMade are absent, with the reason.
func TestServersThatCannotBeMade(t *testing.T) {
	o := options{more: []peer{given("nothing", nil), {name: "old",
		command: func(*workshop) ([]string, error) { return nil, errors.New("no such kernel") }}},
		servers: []string{"old", "nothing"}}
	servers, absent := o.make(nil)
	if text := strings.Join(absent, "\n"); len(servers) != 0 ||
		text != "nothing: left out: it has no command\nold: left out: no such kernel" {
		t.Errorf("%d servers; %s", len(servers), text)
	}
}
