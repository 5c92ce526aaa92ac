package page_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

// The results that the tests show are files in testdata, which are made here, through the types,
// by -rewrite: two runs of a handful of servers, with something of everything that a page can have
// to show. Their figures come from arithmetic, with a noise that is the same every time.

// fixtures are the runs, by the names of their files.
var fixtures = map[string]func() *maker{
	"first.jsonl":  func() *maker { return &maker{state: 1, rounds: 6, factor: 1} },
	"second.jsonl": func() *maker { return &maker{state: 2, rounds: 5, factor: 1.3, later: true} },
}

// writeFixtures writes the files.
func writeFixtures() error {
	for name, of := range fixtures {
		m := of()
		m.out = results.NewWriter(&m.text)
		m.run()
		if m.err != nil {
			return m.err
		}
		if err := os.WriteFile(filepath.Join("testdata", name), m.text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// read returns the results of a file in testdata.
func read(t testing.TB, name string) *results.Set {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	set, err := results.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// server is one that the made results are of.
type server struct {
	name              string
	saturated, paced  float64 // CPU µs per message
	rate, latency     float64 // per second; µs in the median
	switches          float64
	bytes             float64 // per connection
	threads           int
	perThousandSilent float64 // of CPU µs per message, for each thousand silent connections
	own, all          int
}

// servers are models, and one that somebody else has written.
func servers() []server {
	return []server{
		{"threads", 7.8, 37, 128_000, 34, 3, 85.8 * 1024, 107, 0.4, 63, 185},
		{"select", 4.5, 70.5, 219_000, 47, 4.3, 300, 7, 55, 91, 377},
		{"selectors", 4.5, 15.6, 218_000, 32, 1, 1.5 * 1024, 5, 0.1, 80, 518},
		{"coroutines", 4.7, 15.8, 208_000, 32, 1, 8.1 * 1024, 6, 0.1, 112, 630},
		{"goroutines", 5.5, 36.4, 183_000, 33, 2.98, 9.9 * 1024, 6, 0.2, 113, 113},
		{"streams", 4.8, 16, 205_000, 33, 1, 4.1 * 1024, 6, 0.1, 82, 203},
		{"mine <b>&amp;", 21, 62, 48_000, 70, 2.2, 31 * 1024, 3, 1.5, 0, 0},
	}
}

// crowds returns how many silent connections a server is measured beside.
func crowds(server string) []int {
	if server == "coroutines" || server == "goroutines" {
		return nil
	}
	return []int{100, 1000, 10_000}
}

// maker makes a run.
type maker struct {
	text   bytes.Buffer
	out    *results.Writer
	err    error
	state  uint64
	rounds int
	factor float64 // of the machine, to the first one
	later  bool
}

// noise returns a factor about 1, by Knuth's generator.
func (m *maker) noise(width float64) float64 {
	m.state = m.state*6364136223846793005 + 1442695040888963407
	return 1 + width*(2*float64(m.state>>11)/(1<<53)-1)
}

// about returns x with noise, to four digits.
func (m *maker) about(x float64) float64 {
	x *= m.noise(0.06)
	unit := math.Pow(10, math.Floor(math.Log10(x))-3)
	return math.Round(x/unit) * unit
}

func (m *maker) write(r results.Record) {
	if m.err == nil {
		m.err = m.out.Write(r)
	}
}

// run makes all records.
func (m *maker) run() {
	at := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	machine := results.Machine{OS: "linux/amd64", Kernel: "6.18.44", CPU: "AMD EPYC", CPUs: 2,
		Go: "go1.26.8", Commit: "8b654e8d3c5f0a1b", ServerCPUs: []int{1}, LoadCPUs: []int{0}}
	head := results.Run{Version: results.Version, Time: at, Args: []string{"lab"}, Seed: 1}
	if m.later {
		head.Time = at.Add(26 * time.Hour)
		head.Race = true
		head.Warnings = []string{"The machine was busy with other things: 34 % of its CPU time."}
		machine.CPU, machine.Commit = "Ampere Altra", "443ff8b2"
		machine.Note("system calls: n/a: it takes root, or CAP_PERFMON: perf_event_open: " +
			"permission denied")
	}
	head.Machine = machine
	m.write(results.Record{Run: &head})
	for _, s := range servers() {
		if s.own > 0 {
			m.write(results.Record{Model: m.model(s)})
		}
	}
	for round := range m.rounds {
		for _, s := range servers() {
			m.storm(round, s, false)
			if s.name == "goroutines" {
				m.storm(round, s, true)
			}
			for _, idle := range crowds(s.name) {
				m.crowd(round, s, idle)
			}
		}
		m.broken(round)
	}
	for round := range m.rounds {
		m.fanout(round, servers()[5])
	}
	for round := range m.rounds {
		m.write(results.Record{Switch: &results.Switch{Kind: "threads", Round: round,
			Switches: 100_000, Nanos: m.about(1840 * m.factor), CPU: new(m.about(1630.0)),
			Kernel: new(m.about(1.0))}})
		m.write(results.Record{Switch: &results.Switch{Kind: "coroutines", Round: round,
			Switches: 100_000, Nanos: m.about(62 * m.factor), CPU: new(m.about(61.0))}})
	}
	m.write(results.Record{Switch: &results.Switch{Kind: "processes", Missing: "there is no fork"}})
	for _, s := range servers() {
		if !m.later {
			m.counted(s)
		}
	}
	m.write(results.Record{Timeline: []byte(`{"model":"blocking"}`)})
	end := &results.End{Seconds: 74.2}
	if m.later {
		end.Interrupted = "interrupt"
	}
	m.write(results.Record{End: end})
}

// model returns a source, with what is not easy to show.
func (m *maker) model(s server) *results.Model {
	source := "package models\n\n// " + s.name + " is <here> to be shown & read.\nfunc " + s.name +
		"() string {\n\tif len(`a\nraw </script> string`) > 0x10 {\n\t\treturn \"<b>\"\n\t}\n" +
		"\treturn \"\"\n}\n"
	return &results.Model{Name: s.name, Summary: "one thread, with " + s.name,
		File: s.name + ".go", Source: source, OwnLines: s.own, Lines: s.all,
		Tests: new(s.own / 8)}
}

// storm makes a visit with both kinds of windows.
func (m *maker) storm(round int, s server, again bool) {
	v := m.visit("storm", round, s, results.Load{Conns: 100, Size: 64, Depth: 1, Rate: 5000})
	v.Again = again
	v.ConnBytes, v.IdleCPU = new(m.about(s.bytes)), new(m.about(0.002))
	v.Saturated = m.window(s, s.saturated, s.rate/m.factor, s.latency*12)
	v.Saturated.GeneratorShare = math.Min(0.99, s.rate/225_000)
	v.Paced = m.window(s, s.paced, 5000, s.latency)
	v.Paced.Offered = 5000
	v.Paced.Rate, v.Paced.Latency = 5000, m.latencies(s.latency, 5*s.switches)
	m.write(results.Record{Visit: v})
}

// fanout makes a visit in which lines are published.
func (m *maker) fanout(round int, s server) {
	v := m.visit("fanout", round, s, results.Load{Conns: 1990, Deaf: 10, Size: 64, Depth: 1,
		Rate: 25, Service: "publish"})
	v.Served = 1990
	w := m.window(s, s.saturated, 50_000, 20*s.latency)
	w.Offered, w.Fanout, w.Lines = 25, true, 50
	w.LastP99 = int64(m.about(120e6 * m.factor))
	v.Published = w
	m.write(results.Record{Visit: v})
}

// crowd makes a visit with many silent connections.
func (m *maker) crowd(round int, s server, idle int) {
	v := m.visit("crowd", round, s, results.Load{Conns: 100, Idle: idle, Size: 64, Rate: 5000})
	v.Served = 100 + idle
	if s.name == "select" && idle > 1000 {
		v.Served = 0
		v.Unsupported = "select(2) watches 1024 descriptors at most"
		m.write(results.Record{Visit: v})
		return
	}
	cpu := s.paced + s.perThousandSilent*float64(idle)/1000
	v.Paced = m.window(s, cpu, 5000, s.latency)
	v.Paced.Offered, v.Paced.Rate = 5000, 5000
	m.write(results.Record{Visit: v})
}

// broken makes a visit that fails, and says so in a text that is not to be trusted.
func (m *maker) broken(round int) {
	s := server{name: "<img src=x onerror=alert(1)>"}
	v := m.visit("storm", round, s, results.Load{Conns: 100, Size: 64, Depth: 1, Rate: 5000})
	v.Served, v.Lost, v.WrongByte = 3, 2, round == 0
	v.First = "connection 3: reset by \"peer\" </td></table><script>alert(2)</script>"
	v.Error = "start it: {{.}} ${alert(3)} 'quoted'\nand a second line " +
		"with_a_word_that_is_much_too_long_for_any_column_of_any_table_and_has_no_place_to_break"
	m.write(results.Record{Visit: v})
}

func (m *maker) visit(workload string, round int, s server, l results.Load) *results.Visit {
	return &results.Visit{Time: time.Date(2026, 3, 14, 9, 27, round, 0, time.UTC),
		Workload: workload, Round: round, Server: s.name, Command: []string{"serve", s.name},
		Load: l, Seed: uint64(round), Served: 100, Threads: s.threads, Processes: 1}
}

func (m *maker) window(s server, cpu, rate, latency float64) *results.Window {
	ns := func(us float64) int64 { return int64(m.about(us * m.factor * 1000)) }
	w := &results.Window{CPUMicros: new(m.about(cpu * m.factor)),
		Switches: new(m.about(s.switches)),
		Report: load.Report{Conns: 100, Size: 64, Seconds: 0.35, Requests: 1750,
			Rate: m.about(rate), Served: 100, LatencyP50: ns(latency), LatencyP99: ns(2 * latency),
			LatencyP999: ns(15 * latency)}}
	if !m.later { // else the kernel does not sample it
		w.System = m.about(0.2)
	}
	return w
}

// counted makes a visit in which system calls were counted. Its other figures are far from what
// they are else: nothing may show them.
func (m *maker) counted(s server) {
	v := m.visit("storm", 1, s, results.Load{Conns: 100, Size: 64, Depth: 1})
	v.Saturated = m.window(s, 50*s.saturated, s.rate/50, s.latency*50)
	v.Saturated.CallKinds = &results.Calls{Receive: 1 + s.switches/10, Send: 1,
		Wait: s.switches / 4, Threads: float64(s.threads) / 100, Other: 0.003}
	v.Saturated.Calls = new(v.Saturated.CallKinds.Total())
	v.Saturated.GeneratorShare, v.Saturated.Late = 0.99, 1000
	m.write(results.Record{Counted: v})
}

// noLatencies is a histogram without values, as a file has it.
const noLatencies = `"HISTFAAAACR42pJpmSzMwMDAyAABzFAaxOf94R7BYP8BKgIIAAD//1EfBB8="`

// latencies makes a distribution with a long tail.
func (m *maker) latencies(us, tail float64) *results.Latencies {
	l := &results.Latencies{}
	if err := json.Unmarshal([]byte(noLatencies), l); err != nil {
		m.err = fmt.Errorf("make latencies: %w", err)
		return nil
	}
	factor := m.factor * m.noise(0.1)
	for i := range 1500 {
		q := (float64(i) + 0.5) / 1500
		x := us * factor * (0.8 + 0.4*q + 0.02/(1-q) + math.Pow(q, 300)*tail)
		if err := l.RecordValue(int64(1000 * x)); err != nil {
			m.err = fmt.Errorf("make latencies: %w", err)
		}
	}
	return l
}
