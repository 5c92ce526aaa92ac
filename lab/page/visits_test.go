package page

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

// visited returns a visit with a figure of each kind, n times as large as usual.
func visited(server string, round int, n float64) *results.Visit {
	window := func(rate float64) *results.Window {
		return &results.Window{CPUMicros: new(10 * n), Switches: new(n), Report: load.Report{
			Rate: rate, LatencyP50: int64(30_000 * n), LatencyP99: int64(60_000 * n),
			LatencyP999: int64(2e6 * n), Requests: 1000, Offered: 1000, Seconds: 1,
			GeneratorShare: 0.5}}
	}
	return &results.Visit{Workload: "storm", Server: server, Round: round, Served: 100, Threads: 5,
		Processes: 1, Load: results.Load{Conns: 100, Size: 64, Rate: 5000},
		ConnBytes: new(2048 * n), IdleCPU: new(0.01 * n), GrownBytes: new(-4096 * n),
		Saturated: window(200_000 * n), Paced: window(5000)}
}

// tableOf returns the table of all measurements of runs, each line as texts.
func tableOf(t *testing.T, runs ...*results.Set) [][]string {
	t.Helper()
	var all []Run
	for _, s := range runs {
		all = append(all, Run{Set: s})
	}
	v, err := newView(all, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var lines [][]string
	for _, r := range v.Visits.Rows {
		load := strings.ReplaceAll(r.Load, "\u00a0", " ")
		line := []string{r.Run, r.Server, r.Workload, load, r.Window}
		for _, c := range r.Cells {
			text := c.Text
			if c.Spread != "" {
				text += " (" + c.Spread + ")"
			}
			if c.Delta != nil {
				text += " " + c.Delta.Text + c.Delta.Mark
			}
			line = append(line, strings.ReplaceAll(text, "\u00a0", " "))
		}
		lines = append(lines, append(line, r.Trouble))
	}
	return lines
}

func TestMeasurementsAreMediansOfTheRounds(t *testing.T) {
	set := &results.Set{Models: []results.Model{{Name: "z"}, {Name: "a"}}}
	for round, n := range []float64{1, 1.2, 1.1} {
		set.Visits = append(set.Visits, visited("a", round, n), visited("z", round, n/10))
	}
	again := visited("z", 0, 0.4)
	again.Again, again.Paced = true, nil
	gone := &results.Visit{Workload: "storm", Server: "b", Load: set.Visits[0].Load,
		Error: "start b: no such file", First: "reset", WrongByte: true}
	refused := &results.Visit{Workload: "storm", Server: "c", Load: results.Load{Conns: 1},
		Unsupported: "there is no ring"}
	set.Visits = append(set.Visits, again, gone, refused)
	const saturated, paced = "100 connections, 64 B", "100 connections, 64 B, 5,000/s"
	want := [][]string{
		{"", "c", "storm", "1 connection", "none", "n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "n/a",
			"n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "0", "0", "not measured: there is no ring"},
		{"", "z", "storm", saturated, "saturated", "22,000 (20,000 to 24,000)",
			"3.30 µs (3.00 to 3.60)", "6.60 µs (6.00 to 7.20)", "220 µs (200 to 240)", "n/a",
			"1.10 (1.00 to 1.20)", "0.110 (0.100 to 0.120)", "n/a", "<1 KiB",
			"−451 B (−492 to −410)", "0.11 % (0.10 to 0.12)", "5", "1", "100", "0", ""},
		{"", "a", "storm", saturated, "saturated", "220,000 (200,000 to 240,000)",
			"33.0 µs (30.0 to 36.0)", "66.0 µs (60.0 to 72.0)", "2.20 ms (2.00 to 2.40)", "n/a",
			"11.0 (10.0 to 12.0)", "1.10 (1.00 to 1.20)", "n/a", "2.20 KiB (2.00 to 2.40)",
			"−4.40 KiB (−4.80 to −4.00)", "1.10 % (1.00 to 1.20)", "5", "1", "100", "0", ""},
		{"", "z again", "storm", saturated, "saturated", "80,000", "12.0 µs", "24.0 µs",
			"800 µs", "n/a", "4.00", "0.400", "n/a", "<1 KiB", "−1.60 KiB", "0.40 %", "5",
			"1", "100", "0", ""},
		{"", "z", "storm", paced, "fixed rate", "5,000",
			"3.30 µs (3.00 to 3.60)", "6.60 µs (6.00 to 7.20)", "220 µs (200 to 240)", "n/a",
			"1.10 (1.00 to 1.20)", "0.110 (0.100 to 0.120)", "n/a", "<1 KiB",
			"−451 B (−492 to −410)", "0.11 % (0.10 to 0.12)", "5", "1", "100", "0", ""},
		{"", "a", "storm", paced, "fixed rate", "5,000",
			"33.0 µs (30.0 to 36.0)", "66.0 µs (60.0 to 72.0)", "2.20 ms (2.00 to 2.40)", "n/a",
			"11.0 (10.0 to 12.0)", "1.10 (1.00 to 1.20)", "n/a", "2.20 KiB (2.00 to 2.40)",
			"−4.40 KiB (−4.80 to −4.00)", "1.10 % (1.00 to 1.20)", "5", "1", "100", "0", ""},
		{"", "b", "storm", saturated, "none", "n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "n/a",
			"n/a", "n/a", "n/a", "n/a", "n/a", "n/a", "0", "0",
			"1 of 1 round failed; a wrong byte; start b: no such file; first lost: reset"},
	}
	if diff := cmp.Diff(want, tableOf(t, set)); diff != "" {
		t.Error("the table (-want +got):\n" + diff)
	}
}

func TestMeasurementsOfTwoRunsStandBelowEachOther(t *testing.T) {
	var sets []*results.Set
	for _, factor := range []float64{1, 2} {
		s := &results.Set{}
		for round, n := range []float64{1, 1.2, 1.1} {
			s.Visits = append(s.Visits, visited("a", round, factor*n))
		}
		sets = append(sets, s)
	}
	sets[1].Visits = append(sets[1].Visits, visited("alone", 0, 1))
	var got [][]string
	for _, line := range tableOf(t, sets...) {
		got = append(got, []string{line[0], line[1], line[4], line[5], line[6]})
	}
	want := [][]string{
		{"A", "a", "saturated", "220,000 (200,000 to 240,000)", "33.0 µs (30.0 to 36.0)"},
		{"B", "a", "saturated", "440,000 (400,000 to 480,000) ×2.00▲",
			"66.0 µs (60.0 to 72.0) ×2.00▲"},
		{"B", "alone", "saturated", "200,000", "30.0 µs"},
		{"A", "a", "fixed rate", "5,000", "33.0 µs (30.0 to 36.0)"},
		{"B", "a", "fixed rate", "5,000 =", "66.0 µs (60.0 to 72.0) ×2.00▲"},
		{"B", "alone", "fixed rate", "5,000", "30.0 µs"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("the table (-want +got):\n" + diff)
	}
}

func TestLoadsAreDescribed(t *testing.T) {
	for _, c := range []struct {
		load results.Load
		want string
	}{
		{results.Load{Conns: 1, Size: 64, Depth: 1}, "1 connection, 64 B"},
		{results.Load{Conns: 100, Idle: 1000, Deaf: 3, Heavy: 10, Size: 4096, Depth: 8},
			"100 connections, 1000 idle, 3 that never read, 10 that compute, 4 KiB, 8 in flight"},
		{results.Load{Conns: 20, Batch: true, Rate: 50, Wait: 0.01, Work: 0.0625, Service: "count",
			Backend: "poll", Free: true}, "20 connections, all at once, 50/s, wait 10 ms, " +
			"work 62.5 ms, service count, on poll, on every CPU"},
	} {
		if got := strings.ReplaceAll(describe(c.load), "\u00a0", " "); got != c.want {
			t.Errorf("%+v is %q, want %q", c.load, got, c.want)
		}
	}
}

func TestWarningsSayWhatMakesFiguresDoubtful(t *testing.T) {
	ended := &results.End{Seconds: 10}
	with := func(change func(*results.Visit)) *results.Set {
		v := visited("mine", 0, 1)
		change(v)
		return &results.Set{Visits: []*results.Visit{v}, End: ended}
	}
	for _, c := range []struct {
		name string
		set  *results.Set
		want string // "" is none
	}{
		{"nothing", with(func(*results.Visit) {}), ""},
		{"one of its own", &results.Set{Run: results.Run{Warnings: []string{"It is hot."}},
			End: ended}, "It is hot."},
		{"a race build", &results.Set{Run: results.Run{Race: true}, End: ended}, "race detector"},
		{"no end", &results.Set{}, "have no end"},
		{"an early end", &results.Set{End: &results.End{Interrupted: "interrupt"}},
			"did not come to its end: interrupt."},
		{"a wrong byte", with(func(v *results.Visit) { v.WrongByte = true }),
			"wrong byte: mine (storm)"},
		{"a failure", with(func(v *results.Visit) { v.Error = "no" }), "Failed in at least one"},
		{"a busy generator", with(func(v *results.Visit) { v.Saturated.GeneratorShare = 0.95 }),
			"more than 90 % of its CPU"},
		{"a late generator", with(func(v *results.Visit) { v.Paced.Late = 2 }),
			"late, so that the latencies"},
		{"a late generator, of a server that answers nothing", with(func(v *results.Visit) {
			v.Paced.Late, v.Paced.Requests = 2, 0
		}), "late, so that the latencies"},
		{"a generator in time", with(func(v *results.Visit) { v.Paced.Late = 1 }), ""},
	} {
		got := warnings(c.set)
		found := slices.ContainsFunc(got, func(s string) bool {
			return strings.Contains(s, c.want)
		})
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !found) {
			t.Errorf("%s: warnings %q, want one with %q", c.name, got, c.want)
		}
	}
}

func TestSwitchesAreMediansOfTheRounds(t *testing.T) {
	of := func(kind string, ns ...float64) (all []results.Switch) {
		for round, x := range ns {
			all = append(all, results.Switch{Kind: kind, Round: round, Nanos: x, CPU: new(x / 2)})
		}
		return all
	}
	first := &results.Set{Switches: append(of("threads", 1800, 1900, 1700, 1850, 1750, 1820),
		results.Switch{Kind: "processes", Missing: "there is no fork"})}
	second := &results.Set{Switches: of("threads", 3600, 3800, 3400, 3700, 3500, 3640)}
	v, err := newView([]Run{{Set: first}, {Set: second}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for _, r := range v.Switches.Rows {
		line := []string{r.Run, r.Kind, r.Trouble}
		for _, c := range r.Cells {
			text := c.Text + " " + c.Spread
			if c.Delta != nil {
				text += " " + c.Delta.Text + c.Delta.Mark
			}
			line = append(line, text)
		}
		got = append(got, line)
	}
	want := [][]string{
		{"A", "processes", "there is no fork", "n/a ", "n/a ", "n/a "},
		{"B", "processes", "", "n/a ", "n/a ", "n/a "},
		{"A", "threads", "", "905 850 to 950", "1,810 1,700 to 1,900", "n/a "},
		{"B", "threads", "", "1,810 1,700 to 1,900 ×2.00▲", "3,620 3,400 to 3,800 ×2.00▲", "n/a "},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("the table (-want +got):\n" + diff)
	}
	if v, err = newView([]Run{{Set: &results.Set{}}}, Options{}); err != nil || v.Switches != nil {
		t.Errorf("of no switches: %+v, %v, want no table", v.Switches, err)
	}
}
