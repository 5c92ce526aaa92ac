package page

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab/results"
)

// counted returns a visit in which system calls were counted: its other figures are a thousand
// times what they are else.
func counted(server string) *results.Visit {
	v := visited(server, 1, 1000)
	v.Load.Rate, v.Paced = 0, nil
	v.Saturated.CallKinds = &results.Calls{Receive: 1.01, Send: 1, Wait: 0.25, Other: 0.001}
	v.Saturated.Calls = new(v.Saturated.CallKinds.Total())
	v.Saturated.GeneratorShare = 0.99
	return v
}

// twoServers are two rounds of two servers.
func twoServers() *results.Set {
	set := &results.Set{End: &results.End{}}
	for round, n := range []float64{1, 1.2} {
		set.Visits = append(set.Visits, visited("a", round, n), visited("b", round, n))
	}
	return set
}

// TestCountedCallsAreInTheLineOfTheirLoad, and nothing else of such a visit is in any.
func TestCountedCallsAreInTheLineOfTheirLoad(t *testing.T) {
	without, with := twoServers(), twoServers()
	failed := counted("b")
	failed.Saturated, failed.Error = nil, "a wrong byte"
	with.Counted = []*results.Visit{counted("a"), failed}
	want := tableOf(t, without)
	at := 5 + slices.IndexFunc(columns(), func(c column) bool { return c.Name == callsColumn })
	for _, line := range want {
		switch {
		case line[1] == "a" && line[4] == "saturated":
			line[at] = "2.26"
		case line[1] == "b":
			line[len(line)-1] = "system calls: a wrong byte"
		}
	}
	if diff := cmp.Diff(want, tableOf(t, with)); diff != "" {
		t.Error("the table (-want +got):\n" + diff)
	}
	v, err := newView([]Run{{Set: with}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := v.Visits.Rows[0].Cells[at-5].Kinds
	if kinds != "receive 1.01, send 1.00, wait 0.25" {
		t.Errorf("the kinds are %q", kinds)
	}
	if w := v.Runs[0].Warnings; len(w) != 0 {
		t.Errorf("a counted visit is the cause of %q", w)
	}
}

// TestCountedCallsHaveAChart: a bar for each kind, of each server.
func TestCountedCallsHaveAChart(t *testing.T) {
	set := twoServers()
	set.Counted = []*results.Visit{counted("b"), counted("a")}
	v, err := newView([]Run{{Set: twoServers()}, {Set: set}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Calls) != 1 {
		t.Fatalf("%d charts", len(v.Calls))
	}
	if title := strings.ReplaceAll(v.Calls[0].Title, "\u00a0", " "); title !=
		"System calls per message under storm: 100 connections, 64 B" {
		t.Errorf("it is called %q", title)
	}
	i := slices.IndexFunc(v.charts, func(c *chart) bool { return c.ID == v.Calls[0].ID })
	panel := v.charts[i].Panels[0]
	if panel.Run != "B" || len(panel.Series) != len((results.Calls{}).Names()) {
		t.Fatalf("the panel is %+v", panel)
	}
	for n, kind := range (results.Calls{}).Names() {
		s := panel.Series[n]
		if s.Name != kind || len(s.Points) != 2 || s.Points[0].Label != "a" {
			t.Errorf("the bars of %s: %+v", kind, s)
		}
	}
}
