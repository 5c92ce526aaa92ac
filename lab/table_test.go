package lab

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

var rewrite = flag.Bool("rewrite", false, "write the tables in testdata, instead of comparing")

// measuredVisit is a visit with every figure, of which some are derived from n.
func measuredVisit(s Server, round int, n float64) *results.Visit {
	latency := &results.Latencies{Histogram: hdrhistogram.New(1, 60e9, 3)}
	for i := range 1000 {
		_ = latency.RecordValue(int64(n * float64(20_000+100*i)))
	}
	return &results.Visit{
		Round: round, Server: s.Name, Again: s.Again, Load: results.Load{Conns: 100}, Served: 100,
		Threads: 6, Processes: 1, ConnBytes: new(2048 * n), IdleCPU: new(0.001 * n),
		Saturated: &results.Window{
			Report:    load.Report{Rate: 100_000 / n, GeneratorShare: 0.5},
			CPUMicros: new(8 * n), Switches: new(0.1 * n), Latency: latency},
		Paced: &results.Window{
			Report:    load.Report{Rate: 4900, Offered: 5000, Seconds: 0.4, Late: 2},
			CPUMicros: new(20 * n), Switches: new(n), Latency: latency},
	}
}

// example is a report with each kind of row.
func example() *Report {
	good := Server{Name: "good", OwnLines: 36, Lines: 120}
	slow := Server{Name: "slow", OwnLines: 7, Lines: 1007}
	gone, alone := Server{Name: "gone"}, Server{Name: "alone", OwnLines: 46, Lines: 46}
	again := good
	again.Again = true
	cfg := Normal()
	cfg.Seed, cfg.Rounds, cfg.Reference = 7, 3, "good"
	r := &Report{Config: cfg, Servers: []Server{good, slow, gone, alone, again},
		Elapsed: 61 * time.Second, Machine: results.Machine{OS: "plan9/mips", Kernel: "4th",
			CPU: "a CPU", CPUs: 3, Go: "go1.26", ServerCPUs: []int{2}, LoadCPUs: []int{0, 1},
			Notes: []string{"something is smaller than it was asked for"}}}
	for round := 1; round <= 3; round++ {
		n := 1 + float64(round)/10
		r.Visits = append(r.Visits, measuredVisit(good, round, n),
			measuredVisit(slow, round, 300*n), measuredVisit(again, round, 1.2+0.1/float64(round)),
			&results.Visit{Round: round, Server: "gone", Load: results.Load{Conns: 100},
				Error: "start gone: it\nis gone"})
		v := measuredVisit(alone, round, 2)
		v.Served, v.Lost, v.First = 1, 2, "connection 3: reset"
		v.Paced.Unanswered, v.Paced.Switches = 400, nil
		r.Visits = append(r.Visits, v)
	}
	r.Counted = []*results.Visit{countedVisit(good, 1), countedVisit(slow, 2.5),
		{Server: "gone", Error: "start gone: it\nis gone"},
		{Server: "alone", Saturated: &results.Window{}, Unsupported: "count system calls: no"}}
	return r
}

// countedVisit is a visit in which system calls were counted. Its other figures are not those of
// the server.
func countedVisit(s Server, n float64) *results.Visit {
	v := measuredVisit(s, 1, 1e4)
	v.Paced, v.Served, v.Lost = nil, 3, 7
	v.Saturated.CallKinds = &results.Calls{Receive: 1.01 * n, Send: n, Wait: 0.02, Threads: n / 4}
	v.Saturated.Calls = new(v.Saturated.CallKinds.Total())
	return v
}

// TestCountedVisitsShowTheirCallsOnly: all other figures are the same without them.
func TestCountedVisitsShowTheirCallsOnly(t *testing.T) {
	r := example()
	with := r.Summaries()
	r.Counted = nil
	for i, row := range r.Summaries() {
		if row.Calls != nil {
			t.Errorf("%s: calls that were not counted: %v", row.Server.Name, row.Calls)
		}
		with[i].Calls = nil
		if diff := cmp.Diff(row, with[i], cmp.Comparer(func(a, b *hdrhistogram.Histogram) bool {
			return a == b || a != nil && b != nil && a.Equals(b)
		})); diff != "" {
			t.Errorf("%s: without counted visits (-) and with them (+):\n%s", row.Server.Name, diff)
		}
	}
	check(t, table(t, r), nil, []string{"System calls per message"})
	if n := strings.Count(table(t, r), "calls"); n != 1 {
		t.Errorf("beside the column %d lines tell of calls:\n%s", n-1, table(t, r))
	}
}

// golden compares a table with the file of that name.
func golden(t *testing.T, r *Report, name string) {
	t.Helper()
	var text strings.Builder
	if err := r.WriteTable(&text, 0); err != nil {
		t.Fatal(err)
	}
	same(t, name, text.String())
}

// same compares a text with the file of that name.
func same(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), text); diff != "" {
		t.Errorf("the table is not %s (-), but (+):\n%s", path, diff)
	}
}

func TestTable(t *testing.T) { golden(t, example(), "table.golden") }

// TestTableOfNothing is what there is where the system shows no figures, no server answers
// and nothing is bound.
func TestTableOfNothing(t *testing.T) {
	r := example()
	r.Machine = results.Machine{OS: "plan9/mips", Go: "go1.26", CPUs: 1}
	r.Counted = nil
	for i, v := range r.Visits {
		r.Visits[i] = &results.Visit{Round: v.Round, Server: v.Server, Again: v.Again,
			Load: results.Load{Conns: 100}}
	}
	golden(t, r, "unavailable.golden")
}

// TestTableOfNobody: a run that was cancelled before its first visit.
func TestTableOfNobody(t *testing.T) {
	r := example()
	r.Visits = nil
	for _, row := range r.Summaries() {
		if row.Rounds != 0 || row.Rate != nil || row.RatioPaced != nil || row.Latency != nil {
			t.Errorf("a row of no visits: %+v", row)
		}
	}
	if err := r.WriteTable(new(strings.Builder), 0); err != nil {
		t.Error(err)
	}
}

// table returns the text of a report.
func table(t *testing.T, r *Report) string {
	t.Helper()
	var text strings.Builder
	if err := r.WriteTable(&text, 0); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// check fails the test if the text lacks one of wanted, or has one of unwanted.
func check(t *testing.T, text string, wanted, unwanted []string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	for _, not := range unwanted {
		if strings.Contains(text, not) {
			t.Errorf("the table has %q:\n%s", not, text)
		}
	}
}

// TestOneRoundHasNoInterval, and says so.
func TestOneRoundHasNoInterval(t *testing.T) {
	r := example()
	r.Config.Rounds, r.Visits = 1, r.Visits[:5]
	check(t, table(t, r), []string{"(one round: no interval)", ", 1 round, seed 7",
		"slow           300.00  300.00\n"}, []string{" to 300", "0%\n", "1 rounds"})
}

// TestRoundsThatWereMeasured are those told of a run that was ended early, whole ones only.
func TestRoundsThatWereMeasured(t *testing.T) {
	r := example()
	r.Visits = r.Visits[:14]
	check(t, table(t, r), []string{", 2 of 3 rounds, "}, nil)
}

// TestManyRoundsNeedNoAdvice to make more.
func TestManyRoundsNeedNoAdvice(t *testing.T) {
	const advice = "for a comparison to rely on: --rounds 15 --models NAME,good\n"
	r := example()
	check(t, table(t, r), []string{advice}, nil)
	r.Servers[0].OwnLines = 0 // a server that is no model cannot be named there
	check(t, table(t, r), []string{"for a comparison to rely on: --rounds 15\n"}, nil)
	r.Config.Rounds = 15
	check(t, table(t, r), nil, []string{"for a comparison to rely on"})
}

// TestGeneratorThatIsTheBottleneck is told of, for each row that it concerns.
func TestGeneratorThatIsTheBottleneck(t *testing.T) {
	r := example()
	check(t, table(t, r), nil, []string{"the load generator"})
	for _, v := range r.Visits {
		if v.Server == "slow" {
			v.Saturated.GeneratorShare, v.Paced.Late = 0.97, 64
		}
	}
	check(t, table(t, r), []string{
		"rates that may be too low, with how much of a CPU the load generator used, as the " +
			"servers might do more: slow 97.0%\n",
		"latencies that are not to be trusted, with how many messages the load generator sent " +
			"over 1 ms late: slow 3.2%\n",
	}, nil)
}

// TestStarsOnlyWhereConnectionsAreMissing.
func TestStarsOnlyWhereConnectionsAreMissing(t *testing.T) {
	r := example()
	check(t, table(t, r), []string{" 1/100*", " 100/100 "}, []string{"100/100*", "0/100*\ngone"})
	for _, v := range r.Visits {
		if v.Server == "alone" {
			v.Served = 100
		}
	}
	check(t, table(t, r), []string{"\nalone        "}, []string{"*"})
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"<1 KiB":  memory(new(-512.0)),
		"1.0 KiB": memory(new(1024.0)), "1.0 MiB": memory(new(1048576.0)),
		"5k": short(5000), "12.5": short(12.5), "500": short(500), "1500": short(1500),
		"1 (20)": lines(Server{OwnLines: 1, Lines: 20}), "n/a": lines(Server{}),
		"100k": short(100_000), "0,2,3": list([]int{0, 2, 3}), "9 (2)": tasks(Summary{Threads: 9,
			Processes: 2}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
