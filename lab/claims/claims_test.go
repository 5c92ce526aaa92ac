package claims

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

// made is a set of results that a test makes.
type made struct{ results.Set }

// rounds adds three visits of a server, which differ by what change does with the round.
func (m *made) rounds(workload, server string, asked results.Load,
	change func(v *results.Visit, round float64)) {
	for round := 1; round <= 3; round++ {
		v := &results.Visit{Workload: workload, Server: server, Round: round, Load: asked,
			Served: asked.Conns + asked.Idle}
		change(v, float64(round))
		m.Visits = append(m.Visits, v)
	}
}

// window is one in which a message cost so many microseconds.
func window(micros float64) *results.Window {
	h := hdrhistogram.New(1, 60e9, 3)
	for i := range int64(1000) {
		_ = h.RecordValue(1000 * (i + 1))
	}
	return &results.Window{CPUMicros: &micros, Switches: new(micros / 10),
		Report:  load.Report{Rate: 1e6 / micros, Requests: 1000, Seconds: 1},
		Latency: &results.Latencies{Histogram: h}}
}

// verdict returns that on one claim.
func (m *made) verdict(t *testing.T, id string) Verdict {
	t.Helper()
	all := Of(&m.Set)
	i := slices.IndexFunc(all, func(v Verdict) bool { return v.Claim.ID == id })
	if i < 0 {
		t.Fatalf("there is no claim %s", id)
	}
	return all[i]
}

// wants checks what became of a claim.
func (m *made) wants(t *testing.T, id string, want Status, texts ...string) {
	t.Helper()
	v := m.verdict(t, id)
	if v.Status != want {
		t.Errorf("%s %s, %q: want %q", id, v.Status, v.Decisive(), want)
	}
	for _, text := range texts {
		if !strings.Contains(v.Decisive(), text) {
			t.Errorf("%s: %q does not say %q", id, v.Decisive(), text)
		}
	}
}

// TestNothingIsMeasured: each claim says so, and why.
func TestNothingIsMeasured(t *testing.T) {
	m := &made{}
	for _, v := range Of(&m.Set) {
		if v.Status != NotMeasured || v.Why == "" {
			t.Errorf("%s: %s, %q", v.Claim.ID, v.Status, v.Why)
		}
	}
	var b strings.Builder
	if err := WriteMarkdown(&b, &m.Set, Of(&m.Set)); err != nil {
		t.Error(err)
	}
}

// TestClaimsSayWhatTheyAre, each under a name of its own.
func TestClaimsSayWhatTheyAre(t *testing.T) {
	known := map[string]bool{}
	for _, c := range All() {
		if known[c.ID] || c.Text == "" || c.Predicted == "" || len(c.Workloads) == 0 ||
			c.judge == nil || strings.HasSuffix(c.Text, ".") {
			t.Errorf("%+v", c)
		}
		known[c.ID] = true
	}
}

func TestOneClientAtATime(t *testing.T) {
	for servedByBlocking, want := range map[int]Status{1: Holds, 10: DoesNotHold} {
		m := &made{}
		serves := func(n int) func(*results.Visit, float64) {
			return func(v *results.Visit, _ float64) { v.Served = n }
		}
		m.rounds("growth", "blocking", results.Load{Conns: 10}, serves(servedByBlocking))
		m.rounds("growth", "streams", results.Load{Conns: 10}, serves(10))
		m.wants(t, "C1", want, fmt.Sprintf("blocking served %d of 10", servedByBlocking))
	}
	m := &made{}
	m.rounds("growth", "blocking", results.Load{Conns: 10},
		func(v *results.Visit, _ float64) { v.Error = "it is gone" })
	m.wants(t, "C1", NotMeasured, "it is gone")
}

func TestMemoryOfProcessesAndThreads(t *testing.T) {
	for threads, want := range map[float64]Status{80 << 10: Holds, 4 << 10: DoesNotHold,
		threadBytes: TooClose} {
		m := &made{}
		for server, bytes := range map[string]float64{"processes": 1 << 20, "threads": threads,
			"streams": 4 << 10} {
			m.rounds("growth", server, results.Load{Conns: 100},
				func(v *results.Visit, n float64) { v.ConnBytes = new(bytes * (0.8 + 0.1*n)) })
		}
		m.wants(t, "C2", want, "processes ")
	}
}

// TestSomeWereNotServed: figures of those that were are no evidence.
func TestSomeWereNotServed(t *testing.T) {
	m := &made{}
	for _, server := range []string{"processes", "threads"} {
		m.rounds("growth", server, results.Load{Conns: 100}, func(v *results.Visit, _ float64) {
			v.ConnBytes, v.Saturated, v.Served = new(1e6), window(20), 99
		})
	}
	m.wants(t, "C2", NotMeasured)
	m.wants(t, "C3", NotMeasured)
}

func TestSwitchesOfThreads(t *testing.T) {
	for loop, want := range map[float64]Status{0.2: Holds, 20: DoesNotHold, 1: TooClose} {
		m := &made{}
		for server, micros := range map[string]float64{"threads": 10, "selectors": loop} {
			m.rounds("growth", server, results.Load{Conns: 100}, func(v *results.Visit, n float64) {
				v.Saturated = window(micros * (0.8 + 0.1*n))
			})
		}
		m.wants(t, "C3", want, "threads 1.00", "selectors ")
	}
}

func TestWaitingNeedsNoCPU(t *testing.T) {
	for used, want := range map[float64]Status{0.001: Holds, 0.2: DoesNotHold, 0.01: TooClose} {
		m := &made{}
		m.Models = []results.Model{{Name: "streams"}, {Name: "polling"}}
		for server, share := range map[string]float64{"streams": used, "polling": 0.99, "mine": 1} {
			m.rounds("idle", server, results.Load{Conns: 100}, func(v *results.Visit, n float64) {
				v.IdleCPU = new(share * (0.8 + 0.1*n))
			})
		}
		m.wants(t, "C5", want, "streams")
	}
}

// batch adds a batch of ten that took so many seconds.
func (m *made) batch(workload, server string, asked results.Load, took float64) {
	asked.Conns, asked.Batch = 10, true
	m.rounds(workload, server, asked, func(v *results.Visit, n float64) {
		v.Batched = window(10)
		v.Batched.Requests, v.Batched.Seconds = 10, took*(0.98+0.01*n)
		if asked.Work > 0 { // and has the CPU to itself
			v.Batched.CPUMicros = new(v.Batched.Seconds / 10 * 1e6)
		}
	})
}

func TestWaitsOverlap(t *testing.T) {
	for took, want := range map[float64]Status{0.11: Holds, 0.9: DoesNotHold, 0.5: TooClose} {
		m := &made{}
		m.batch("wait", "blocking", results.Load{Wait: 0.1}, 1.01)
		m.batch("wait", "streams", results.Load{Wait: 0.1}, took)
		m.wants(t, "C6", want, "blocking 1.01 s, streams ", "the sum is 1.00 s")
		if c := m.verdict(t, "C6").Charts[0]; *c.Limit != 1000 || !c.Sum {
			t.Errorf("the line across is at %g ms, the sum: %v", *c.Limit, c.Sum)
		}
	}
	m := &made{}
	m.batch("wait", "blocking", results.Load{Wait: 0.1}, 0.3)
	m.wants(t, "C6", DoesNotHold)
}

func TestComputingDoesNotOverlap(t *testing.T) {
	for took, want := range map[float64]Status{0.52: Holds, 0.1: DoesNotHold, 0.45: TooClose} {
		m := &made{}
		m.batch("compute", "streams", results.Load{Work: 0.05}, took)
		m.wants(t, "C7", want, "streams ", "the sum is 500 ms")
	}
}

func TestBlockedLoop(t *testing.T) {
	for onLoop, want := range map[float64]Status{50e6: Holds, 1e6: DoesNotHold, 25e6: TooClose} {
		m := &made{}
		for server, p99 := range map[string]float64{"streams": onLoop, "threads": 2e6} {
			m.rounds("compute", server, results.Load{Conns: 10, Heavy: 1, Work: 0.05},
				func(v *results.Visit, n float64) {
					v.Paced = window(10)
					v.Paced.LatencyP99 = int64(p99 * (0.8 + 0.1*n))
				})
		}
		m.wants(t, "C9", want, "p99 of the others: ", "threads 2.00 ms")
		if c := m.verdict(t, "C9").Charts[0]; *c.Limit != 25 || c.Sum {
			t.Errorf("the threshold is drawn at %g ms", *c.Limit)
		}
	}
}

// crowds adds the visits of a server that a message costs so many times as much beside a crowd.
func (m *made) crowds(server string, times float64) {
	for idle, factor := range map[int]float64{0: 1, 800: times} {
		m.rounds("crowd", server, results.Load{Conns: 100, Idle: idle},
			func(v *results.Visit, n float64) {
				v.Saturated, v.Paced = window(factor*(4+n)), window(factor*(10+n))
			})
	}
}

func TestWhoPaysForTheCrowd(t *testing.T) {
	for times, want := range map[float64][3]Status{
		5: {Holds, Holds, DoesNotHold},
		1: {DoesNotHold, DoesNotHold, Holds},
	} {
		m := &made{}
		for _, server := range []string{"polling", "select", "poll", "selectors"} {
			m.crowds(server, times)
		}
		for server, used := range map[string]float64{"polling": 0.99, "selectors": 0} {
			m.rounds("idle", server, results.Load{Conns: 100},
				func(v *results.Visit, _ float64) { v.IdleCPU = &used })
		}
		for i, id := range []string{"C10", "C11", "C12"} {
			m.wants(t, id, want[i], "beside 800")
		}
	}
}

func TestUpdatesAreLost(t *testing.T) {
	count := func(m *made, server, service string, lost int64) {
		m.rounds("shared", server, results.Load{Conns: 50, Service: service},
			func(v *results.Visit, _ float64) {
				v.Saturated = window(10)
				v.Saturated.CountAnswers, v.Saturated.CountTwice = 1000, lost
			})
	}
	for lost, want := range map[int64]Status{20: Holds, 0: DoesNotHold} {
		m := &made{}
		count(m, "threads", "count", 0)
		count(m, "threads", "count-unlocked", lost)
		count(m, "streams", "count", 0)
		count(m, "streams", "count-unlocked", 0)
		m.wants(t, "C4", want, fmt.Sprintf("threads %d", lost))
		count(m, "goroutines", "count", 3)
		count(m, "goroutines", "count-unlocked", 30)
		m.wants(t, "C4", DoesNotHold)
	}
}

func TestSwitches(t *testing.T) {
	for nanos, want := range map[float64]Status{100: Holds, 1000: DoesNotHold, 400: TooClose} {
		m := &made{}
		for n := range 3 {
			spread := 0.8 + 0.2*float64(n)
			m.Switches = append(m.Switches,
				results.Switch{Kind: "threads", Nanos: 2000 * spread, Kernel: new(1.0)},
				results.Switch{Kind: "coroutines", Nanos: nanos * spread, Kernel: new(0.0)},
				results.Switch{Kind: "processes", Missing: "not here"})
		}
		m.wants(t, "C16", want, "coroutines ", "threads 2.00 µs")
	}
	m := &made{}
	m.Switches = []results.Switch{{Kind: "threads", Nanos: 2000},
		{Kind: "coroutines", Nanos: 100, Kernel: new(1.0)}}
	m.wants(t, "C16", DoesNotHold)
	m.Switches = m.Switches[1:]
	m.wants(t, "C16", NotMeasured)
}

func TestStreamsCostWhatSelectorsCost(t *testing.T) {
	for times, want := range map[float64]Status{1.05: Holds, 2: DoesNotHold, 0.5: DoesNotHold} {
		m := &made{}
		for server, micros := range map[string]float64{"selectors": 5, "streams": 5 * times} {
			m.rounds("storm", server, results.Load{Conns: 100}, func(v *results.Visit, n float64) {
				v.Saturated, v.Paced = window(micros*n), window(10)
			})
		}
		m.wants(t, "C17", want, "times selectors")
		v := m.verdict(t, "C17")
		if len(v.Charts) != 2 || len(v.Charts[1].Series) != 2 ||
			len(v.Charts[1].Series[0].Points) < 8 {
			t.Errorf("the charts: %+v", v.Charts)
		}
	}
}

func TestLinesAndTests(t *testing.T) {
	m := &made{}
	for name, n := range map[string]int{"selectors": 300, "coroutines": 200, "streams": 100} {
		m.Models = append(m.Models, results.Model{Name: name, OwnLines: n, Lines: 2 * n})
	}
	m.wants(t, "C15", Holds, "selectors 300, coroutines 200, streams 100 lines")
	m.wants(t, "C14", NotMeasured)
	for i := range m.Models {
		m.Models[i].OwnLines = 7
	}
	m.wants(t, "C15", DoesNotHold)
	m.Models = append(m.Models, results.Model{Name: "select", Tests: new(4)})
	m.Models[slices.IndexFunc(m.Models, func(o results.Model) bool {
		return o.Name == "selectors"
	})].Tests = new(0)
	m.wants(t, "C14", Holds, "select 4")
}

// TestMarkdownTakesNothingForItsOwn: what servers are called and say cannot break the tables.
func TestMarkdownTakesNothingForItsOwn(t *testing.T) {
	m := &made{}
	m.rounds("idle", "a|b<script>", results.Load{Conns: 1}, func(v *results.Visit, _ float64) {
		v.Error = "one\ntwo | three"
	})
	var b strings.Builder
	if err := WriteMarkdown(&b, &m.Set, Of(&m.Set)); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); strings.Contains(text, "<script") ||
		!strings.Contains(text, `a\|b&lt;script>`) || !strings.Contains(text, `one two \| three`) {
		t.Errorf("the report:\n%s", text)
	}
	if err := WriteMarkdown(full{}, &m.Set, nil); err == nil {
		t.Error("a full disk is no error")
	}
}

// full is a file system that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space") }

// TestCautions names what the load generator may have been the cause of, each server once.
func TestCautions(t *testing.T) {
	m := &made{}
	if got := Cautions(&m.Set); len(got) != 0 {
		t.Errorf("of nothing: %q", got)
	}
	m.rounds("storm", "fast", results.Load{Conns: 1}, func(v *results.Visit, _ float64) {
		v.Saturated = window(1)
		v.Saturated.GeneratorShare = 0.99
	})
	m.rounds("storm", "late", results.Load{Conns: 1}, func(v *results.Visit, _ float64) {
		v.Paced = window(1)
		v.Paced.Late, v.Paced.Offered = 2, 1000
	})
	m.rounds("idle", "gone", results.Load{Conns: 1}, func(v *results.Visit, n float64) {
		if n == 2 {
			v.Error = "it is gone"
		}
	})
	m.rounds("idle", "good", results.Load{Conns: 1}, func(*results.Visit, float64) {})
	want := []string{
		"storm: rates that may be too low, as the load generator was the bottleneck: fast",
		"storm: latencies that may be the load generator's, as it was late: late",
		"idle: not measured to the end: gone (it is gone)"}
	if got := Cautions(&m.Set); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
