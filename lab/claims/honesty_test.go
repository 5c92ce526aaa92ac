package claims

import (
	"slices"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/lab/results"
)

// TestOneKindIsNoComparison: what speaks of several kinds of servers, or of two experiments, holds
// only if something was measured of each.
func TestOneKindIsNoComparison(t *testing.T) {
	count := func(m *made, server string, lost int64) {
		for _, service := range []string{"count", "count-unlocked"} {
			m.rounds("shared", server, results.Load{Conns: 50, Service: service},
				func(v *results.Visit, _ float64) {
					v.Saturated = window(10)
					v.Saturated.CountAnswers = 1000
					if service == "count-unlocked" {
						v.Saturated.CountTwice = lost
					}
				})
		}
	}
	for id, measure := range map[string]func(m *made){
		"C3": func(m *made) {
			m.rounds("growth", "streams", results.Load{Conns: 100},
				func(v *results.Visit, _ float64) { v.Saturated = window(0.1) })
		},
		"C4": func(m *made) { count(m, "threads", 20) },
		"C6": func(m *made) { m.batch("wait", "blocking", results.Load{Wait: 0.1}, 1.01) },
		"C9": func(m *made) {
			m.rounds("compute", "threads", results.Load{Conns: 10, Heavy: 1, Work: 0.05},
				func(v *results.Visit, _ float64) {
					v.Paced = window(10)
					v.Paced.LatencyP99 = 1e6
				})
		},
		"C10": func(m *made) {
			m.rounds("idle", "polling", results.Load{Conns: 100},
				func(v *results.Visit, _ float64) { v.IdleCPU = new(0.99) })
		},
		"C12": func(m *made) {
			m.rounds("idle", "streams", results.Load{Conns: 100},
				func(v *results.Visit, _ float64) { v.IdleCPU = new(0.0) })
		},
	} {
		m := &made{}
		measure(m)
		if v := m.verdict(t, id); v.Status != NotMeasured || v.Why == "" {
			t.Errorf("%s %s, %q", id, v.Status, v.Decisive())
		}
	}
	m := &made{}
	count(m, "streams", 0)
	m.wants(t, "C4", NotMeasured, "threads, goroutines")
	m = &made{}
	m.crowds("streams", 1)
	m.wants(t, "C12", NotMeasured, "idle")
}

// TestNothingOfTheLargestCrowd: that a message costs as much beside fewer is no evidence that it
// does beside all; that it costs more is.
func TestNothingOfTheLargestCrowd(t *testing.T) {
	for times, want := range map[float64][2]Status{
		1: {NotMeasured, NotMeasured}, 5: {Holds, DoesNotHold},
	} {
		m := &made{}
		for _, server := range []string{"select", "streams"} {
			m.crowds(server, times)
			m.rounds("crowd", server, results.Load{Conns: 100, Idle: 4000},
				func(v *results.Visit, _ float64) { v.Error = "it is gone" })
			m.rounds("idle", server, results.Load{Conns: 100},
				func(v *results.Visit, _ float64) { v.IdleCPU = new(0.0) })
		}
		for i, id := range []string{"C11", "C12"} {
			v := m.verdict(t, id)
			if v.Status != want[i] || v.Status == NotMeasured &&
				!strings.Contains(v.Why, "beside 4000 silent: it is gone") {
				t.Errorf("%s, %g times: %s, %q", id, times, v.Status, v.Decisive())
			}
		}
	}
}

// TestFailedVisitsAreNoEvidence: a server that has ended uses no CPU, and one that answers nobody
// keeps nobody waiting.
func TestFailedVisitsAreNoEvidence(t *testing.T) {
	m := &made{}
	m.Models = []results.Model{{Name: "streams"}}
	m.rounds("idle", "streams", results.Load{Conns: 100}, func(v *results.Visit, _ float64) {
		v.IdleCPU, v.Error = new(0.0), "it is gone"
	})
	m.wants(t, "C5", NotMeasured, "it is gone")
	m = &made{}
	for server, p99 := range map[string]int64{"streams": 50e6, "threads": 0} {
		m.rounds("compute", server, results.Load{Conns: 10, Heavy: 1, Work: 0.05},
			func(v *results.Visit, _ float64) {
				v.Paced = window(10)
				v.Paced.LatencyP99 = p99
			})
	}
	m.wants(t, "C9", NotMeasured, "threads: ")
	m = &made{}
	for _, server := range []string{"processes", "threads"} {
		m.rounds("growth", server, results.Load{Conns: 100}, func(v *results.Visit, _ float64) {
			v.ConnBytes, v.Served = new(1e6), 99
		})
	}
	m.wants(t, "C2", NotMeasured, "it served 99 of 100")
	m = &made{}
	m.batch("wait", "blocking", results.Load{Wait: 0.1}, 1.01)
	m.batch("wait", "streams", results.Load{Wait: 0.1}, 0.1)
	for _, v := range m.Visits {
		v.Batched.Requests = 9
	}
	if v := m.verdict(t, "C6"); v.Figure != "" || v.Rows[0].Text("time for all") != "n/a" {
		t.Errorf("of nine of ten: %q, %+v", v.Figure, v.Rows[0])
	}
}

// TestWorkersThatHaveEnded are not among what a server has used of the CPU.
func TestWorkersThatHaveEnded(t *testing.T) {
	m := &made{}
	for _, server := range []string{"processes", "threads"} {
		m.batch("compute", server, results.Load{Work: 0.05}, 0.52)
	}
	for _, r := range m.verdict(t, "C7").Rows {
		if got := r.Text("CPU used"); (got == "n/a") != (r.Server == "processes") {
			t.Errorf("%s has used %q", r.Server, got)
		}
	}
}

// TestComputingOnManyCPUs is another experiment.
func TestComputingOnManyCPUs(t *testing.T) {
	for cpus, want := range map[int]Status{1: Holds, 8: NotMeasured} {
		m := &made{}
		m.Run.Machine.CPUs = cpus
		m.batch("compute", "streams", results.Load{Work: 0.05}, 0.52)
		m.wants(t, "C7", want)
		m.Run.Machine.ServerCPUs = []int{cpus - 1}
		m.wants(t, "C7", Holds)
	}
}

// TestComputingBesideOthers is no evidence of what computing takes.
func TestComputingBesideOthers(t *testing.T) {
	m := &made{}
	m.batch("compute", "streams", results.Load{Work: 0.05}, 1.2)
	for _, v := range m.Visits {
		*v.Batched.CPUMicros *= 0.4
	}
	m.wants(t, "C7", NotMeasured, "streams: another program had the CPU, too")
}

// TestRecordingsThatSayNothing of whether a call would have waited.
func TestRecordingsThatSayNothing(t *testing.T) {
	const none = `{"server":"select","lanes":[{"kind":"thread"}],"clients":[{}],"events":[` +
		`{"op":"read","how":"returns","error":"reset","client":1}]}`
	const cut = `{"server":"select","leftOut":3,"lanes":[{"kind":"thread"}],"clients":[{}],` +
		`"events":[{"op":"read","how":"returns","n":5,"client":1}]}`
	for line, want := range map[string]string{none: "it has read nothing",
		cut: "left out of its recording: 3 events"} {
		m := &made{}
		m.Timelines = append(m.Timelines, []byte(line))
		m.wants(t, "C13", NotMeasured, want)
	}
	m := &made{}
	m.Timelines = append(m.Timelines, []byte(`{"server":"blocking","clients":[{"connected":1,`+
		`"requests":[{"sent":9000000,"answered":9900000}]}],"lanes":[{"kind":"thread"}],`+
		`"events":[{"op":"read","how":"blocks","start":2,"end":9100000,"n":5,"client":1}]}`))
	m.wants(t, "C8", NotMeasured, "polling")
}

// TestOneRoundDecidesOnlyWhatIsClear: round by round a server is up to a quarter off itself.
func TestOneRoundDecidesOnlyWhatIsClear(t *testing.T) {
	for times, want := range map[float64]Status{1: Holds, 1.2: TooClose, 0.79: TooClose,
		2: DoesNotHold} {
		m := &made{}
		for server, micros := range map[string]float64{"selectors": 5, "streams": 5 * times} {
			m.rounds("storm", server, results.Load{Conns: 100},
				func(v *results.Visit, _ float64) { v.Saturated = window(micros) })
		}
		m.Visits = slices.DeleteFunc(m.Visits, func(v *results.Visit) bool { return v.Round > 1 })
		m.wants(t, "C17", want)
	}
	for times, want := range map[float64]Status{1.3: TooClose, 5: Holds} {
		m := &made{}
		m.crowds("select", times)
		m.Visits = slices.DeleteFunc(m.Visits, func(v *results.Visit) bool { return v.Round > 1 })
		m.wants(t, "C11", want)
	}
}

// TestOthersAreToServeAll of the clients of which blocking serves one.
func TestOthersAreToServeAll(t *testing.T) {
	m := &made{}
	m.Models = []results.Model{{Name: "blocking"}, {Name: "threads"}}
	for server, n := range map[string]int{"blocking": 1, "threads": 9, "mine": 1} {
		m.rounds("growth", server, results.Load{Conns: 10},
			func(v *results.Visit, _ float64) { v.Served = n })
	}
	m.wants(t, "C1", DoesNotHold, "blocking served 1 of 10, threads 9")
}

// TestFewerConnectionsThanAsked: the figure says of how many it is.
func TestFewerConnectionsThanAsked(t *testing.T) {
	m := &made{}
	for _, server := range []string{"processes", "threads"} {
		for _, n := range []int{10, 100} {
			m.rounds("growth", server, results.Load{Conns: n}, func(v *results.Visit, _ float64) {
				v.ConnBytes = new(1e6)
				if server == "threads" && n == 100 {
					v.Served = 60
				}
			})
		}
	}
	m.wants(t, "C2", Holds, "processes 977 KiB, threads 977 KiB (of 10)")
}

// TestMarkdownOfHostileNames: no name ends its cell, makes a link or moves a terminal's cursor.
func TestMarkdownOfHostileNames(t *testing.T) {
	m := &made{}
	m.Run.Machine.CPU = "<b>"
	m.rounds("idle", "a\\|b\x00c\x1b[2J[x](http://e)&lt;", results.Load{Conns: 1},
		func(v *results.Visit, _ float64) { v.IdleCPU = new(0.0) })
	var b strings.Builder
	if err := WriteMarkdown(&b, &m.Set, Of(&m.Set)); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if want := `| a\\\|b c \[2J\[x](http://e)&amp;lt; |`; !strings.Contains(text, want) ||
		strings.ContainsAny(text, "\x00\x1b") || strings.Contains(text, "<b>") {
		t.Errorf("the report has no %s:\n%s", want, text)
	}
}
