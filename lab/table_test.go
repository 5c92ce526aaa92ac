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
)

var rewrite = flag.Bool("rewrite", false, "write the tables in testdata, instead of comparing")

// measuredVisit is a visit with every figure, of which some are derived from n.
func measuredVisit(s Server, round int, n float64) *Visit {
	latency := hdrhistogram.New(1, 60e9, 3)
	for i := range 1000 {
		_ = latency.RecordValue(int64(n * float64(20_000+100*i)))
	}
	return &Visit{
		Round: round, Server: s.Name, Again: s.Again, Conns: 100, Served: 100,
		Threads: 6, Processes: 1, ConnBytes: new(2048 * n), IdleCPU: new(0.001 * n),
		Saturated: &Window{Report: load.Report{Rate: 100_000 / n}, CPUMicros: new(8 * n),
			Switches: new(0.1 * n)},
		Paced: &Window{Report: load.Report{Rate: 5000, Offered: 5000}, CPUMicros: new(20 * n),
			Switches: new(n)},
		latency: latency,
	}
}

// example is a report with each kind of row.
func example() *Report {
	good, slow := Server{Name: "good", Lines: 120}, Server{Name: "slow", Lines: 7}
	again := Server{Name: "good", Lines: 120, Again: true}
	gone, alone := Server{Name: "gone"}, Server{Name: "alone", Lines: 46}
	cfg := Normal()
	cfg.Seed, cfg.Rounds, cfg.Reference = 7, 3, "good"
	r := &Report{Config: cfg, Servers: []Server{good, slow, gone, alone, again},
		Elapsed: 61 * time.Second, Machine: Machine{OS: "plan9/mips", Kernel: "4th", CPU: "a CPU",
			CPUs: 3, Go: "go1.26", ServerCPUs: []int{2}, LoadCPUs: []int{0, 1},
			Notes: []string{"something is smaller than it was asked for"}}}
	for round := 1; round <= 3; round++ {
		n := 1 + float64(round)/10
		r.Visits = append(r.Visits, measuredVisit(good, round, n),
			measuredVisit(slow, round, 300*n), measuredVisit(again, round, 1.2+0.1/float64(round)),
			&Visit{Round: round, Server: "gone", Conns: 100, Error: "start gone: it\nis gone"})
		v := measuredVisit(alone, round, 2)
		v.Served, v.Lost, v.First = 1, 2, "connection 3: reset"
		v.Paced.Rate, v.Paced.Switches = 4000, nil
		r.Visits = append(r.Visits, v)
	}
	return r
}

// golden compares a table with the file of that name.
func golden(t *testing.T, r *Report, name string) {
	t.Helper()
	var text strings.Builder
	if err := r.WriteTable(&text); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), text.String()); diff != "" {
		t.Errorf("the table is not %s (-), but (+):\n%s", path, diff)
	}
}

func TestTable(t *testing.T) { golden(t, example(), "table.golden") }

// TestTableOfNothing is what there is where the system shows no figures, no server answers
// and nothing is bound.
func TestTableOfNothing(t *testing.T) {
	r := example()
	r.Machine = Machine{OS: "plan9/mips", Go: "go1.26", CPUs: 1}
	for i, v := range r.Visits {
		r.Visits[i] = &Visit{Round: v.Round, Server: v.Server, Again: v.Again, Conns: 100}
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
	if err := r.WriteTable(new(strings.Builder)); err != nil {
		t.Error(err)
	}
}

func TestUnits(t *testing.T) {
	for want, got := range map[string]string{
		"0 µs": duration(400), "1 µs": duration(600), "999 µs": duration(999_000),
		"1.0 ms": duration(1e6), "99.9 ms": duration(99_900_000), "0.10 s": duration(1e8),
		"60.00 s": duration(60e9), "0.5 KiB": memory(new(512.0)), "1.0 MiB": memory(new(1048576.0)),
		"5k": short(5000), "12.5": short(12.5), "500": short(500), "1500": short(1500),
		"100k": short(100_000), "0,2,3": list([]int{0, 2, 3}), "9 (2)": tasks(Summary{Threads: 9,
			Processes: 2}),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
