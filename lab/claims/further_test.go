package claims

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/lab/results"
)

// storm adds visits of both servers that C17 is about: streams costs so many times as much as
// selectors, in each of as many rounds.
func (m *made) storm(times ...float64) {
	for i, x := range times {
		for server, micros := range map[string]float64{"selectors": 10, "streams": 10 * x} {
			m.Visits = append(m.Visits, &results.Visit{Workload: "storm", Server: server,
				Round: i + 1, Load: results.Load{Conns: 100}, Served: 100,
				Saturated: window(micros)})
		}
	}
}

// nearlyPaid adds the visits of a server that a message costs more beside a crowd in one round.
func (m *made) nearlyPaid(server string) {
	m.crowds(server, 1)
	last := m.Visits[len(m.Visits)-1]
	for _, v := range m.Visits {
		if v.Server == server && v.Round == last.Round && v.Load.Idle > 0 {
			v.Paced.CPUMicros = new(2 * *v.Paced.CPUMicros)
		}
	}
}

// held adds visits in which the load generator was held up.
func (m *made) held(workload, server string, asked results.Load) {
	m.rounds(workload, server, asked, func(v *results.Visit, _ float64) {
		v.Paced = window(10)
		v.Paced.Offered, v.Paced.Late = 1000, 500
	})
}

// heavyLoad is what C9 looks at.
var heavyLoad = results.Load{Conns: 10, Heavy: 1, Work: 0.05}

// TestWhatIsUnclear is what a claim rests on that is too close to call, and nothing else; nothing
// where it is decided, or where more visits decide nothing.
func TestWhatIsUnclear(t *testing.T) {
	for name, c := range map[string]struct {
		make func(m *made)
		id   string // the only claim that is; empty: none
		want []string
	}{
		"nothing measured": {func(*made) {}, "", nil},
		"decided":          {func(m *made) { m.storm(1, 1.05, 1.1) }, "", nil},
		"too close": {func(m *made) { m.storm(1, 1.1, 1.4) }, "C17",
			[]string{"storm selectors 100 0", "storm streams 100 0"}},
		"one of three": {func(m *made) {
			m.crowds("selectors", 1)
			m.nearlyPaid("streams")
			m.crowds("protocol", 1)
		}, "C12", []string{"crowd streams 100 0", "crowd streams 100 800"}},
		"one server does not do it at all": {func(m *made) {
			m.crowds("selectors", 5)
			m.nearlyPaid("streams")
		}, "", nil},
		"what is measured in the first round alone": {func(m *made) {
			m.crowds("streams", 1)
			m.rounds("idle", "streams", results.Load{Conns: 50},
				func(v *results.Visit, n float64) { v.IdleCPU = new(n * quietIdle / 2) })
		}, "", nil},
		"held up": {func(m *made) {
			m.held("compute", "streams", heavyLoad)
			m.held("slow", "streams", results.Load{Conns: 100})
			m.batch("compute", "streams", results.Load{Work: 0.05}, 1.01)
		}, "C9", []string{"compute streams 10 0"}},
		"held up, but decided": {func(m *made) {
			m.held("compute", "streams", heavyLoad)
			m.rounds("compute", "streams", heavyLoad, func(v *results.Visit, _ float64) {
				v.Paced = window(10)
				v.Paced.LatencyP99 = 50e6
			})
		}, "", nil},
		"it serves nobody": {func(m *made) {
			m.storm(1, 1.05, 1.1)
			m.held("compute", "streams", heavyLoad)
			for _, v := range m.Visits {
				v.Served = 0
			}
		}, "", nil},
	} {
		m := &made{}
		c.make(m)
		got := Unclear(Of(&m.Set))
		var texts []string
		for _, v := range got[c.id] {
			texts = append(texts, fmt.Sprint(v.Workload, " ", v.Server, " ", v.Load.Conns, " ",
				v.Load.Idle))
		}
		slices.Sort(texts)
		if texts = slices.Compact(texts); !slices.Equal(texts, c.want) ||
			len(got) != len(slices.Compact([]string{c.id, ""}))-1 {
			t.Errorf("%s: for %v more is wanted of %q, want of %q for %s", name,
				slices.Collect(maps.Keys(got)), texts, c.want, c.id)
		}
	}
}

// TestFurtherVisitsConcernTheirClaims alone: what was decided is not judged again.
func TestFurtherVisitsConcernTheirClaims(t *testing.T) {
	m := &made{}
	m.storm(1, 1.1, 1.4)
	m.wants(t, "C17", TooClose)
	further := func(claims ...string) {
		m.Further = nil
		for round := 4; round <= 12; round++ {
			for server, micros := range map[string]float64{"selectors": 10, "streams": 11} {
				m.Further = append(m.Further, &results.Visit{Workload: "storm", Server: server,
					Round: round, Load: results.Load{Conns: 100}, Served: 100, Claims: claims,
					Saturated: window(micros)})
			}
		}
	}
	further("C1", "C2")
	m.wants(t, "C17", TooClose)
	further("C2", "C17")
	m.wants(t, "C17", Holds)
	if v := m.verdict(t, "C17"); v.Rows[1].Figures[1].Spread.N != 12 {
		t.Errorf("of 12 rounds %d are counted", v.Rows[1].Figures[1].Spread.N)
	}
}

// TestFurtherVisitsAreTold, by claim.
func TestFurtherVisitsAreTold(t *testing.T) {
	m := &made{}
	m.storm(1, 1.05, 1.1)
	if got := Further(&m.Set); len(got) != 0 {
		t.Errorf("where there are none: %q", got)
	}
	for _, v := range m.Visits {
		v.Claims = []string{"C3", "C17"}
	}
	m.Further, m.Visits = m.Visits, nil
	m.Further[0].Error = "it is gone"
	const storm = "3 rounds more of storm (selectors, streams)"
	if got := Further(&m.Set); !slices.Equal(got, []string{"C3, " + storm, "C17, " + storm}) {
		t.Errorf("of three rounds: %q", got)
	}
	var b strings.Builder
	if err := WriteMarkdown(&b, &m.Set, nil); err != nil ||
		!strings.Contains(b.String(), "Looked at again, as it was not decided: C17, "+storm) ||
		!strings.Contains(b.String(), "not measured to the end: selectors (it is gone)") {
		t.Errorf("the report does not say so, %v: %s", err, b.String())
	}
}

// TestFewRoundsDecideNoMoreThanTheyCan: that the whole range of two lies on one side of the limit
// is as likely as not where the true ratio is the limit.
func TestFewRoundsDecideNoMoreThanTheyCan(t *testing.T) {
	for _, c := range []struct {
		times []float64
		want  Status
		says  string
	}{
		{[]float64{1.1}, TooClose, "one round is not enough to tell"},
		{[]float64{1.15, 1.2}, TooClose, "2 rounds are not enough to tell"},
		{[]float64{1.0, 1.05}, Holds, ""},
		{[]float64{1.15, 1.2, 1.15, 1.2}, TooClose, "4 rounds are not enough to tell"},
		{[]float64{1.15, 1.2, 1.15, 1.2, 1.15}, Holds, ""},
		{[]float64{1.4, 1.3, 1.35}, TooClose, "3 rounds are not enough to tell"},
		{[]float64{1.6, 1.5, 1.55}, DoesNotHold, ""},
	} {
		m := &made{}
		m.storm(c.times...)
		m.wants(t, "C17", c.want, c.says)
	}
}

// TestCrowdIsLookedAtAgainWithAndWithoutIt: a ratio needs both, whichever of them is missing.
func TestCrowdIsLookedAtAgainWithAndWithoutIt(t *testing.T) {
	for _, idle := range []int{0, 800} {
		m := &made{}
		m.crowds("select", 5)
		m.crowds("poll", 5)
		for _, v := range m.Visits {
			if v.Server == "poll" && v.Load.Idle == idle {
				v.Paced.Offered, v.Paced.Late = 1000, 500
			}
		}
		m.wants(t, "C11", NotMeasured, heldUp)
		var of []int
		for _, v := range Unclear(Of(&m.Set))["C11"] {
			of = append(of, v.Load.Idle)
		}
		slices.Sort(of)
		if of = slices.Compact(of); !slices.Equal(of, []int{0, 800}) {
			t.Errorf("without the figure beside %d, more is wanted of those beside %d", idle, of)
		}
	}
}

// TestSentenceHasOneEnd: some reasons end in a question.
func TestSentenceHasOneEnd(t *testing.T) {
	for why, want := range map[string]string{heldUp: "busy?\n", sharedCPU: "too.\n"} {
		var b strings.Builder
		v := Verdict{Claim: Claim{ID: "C9"}, Status: NotMeasured, Why: why}
		if err := WriteMarkdown(&b, &results.Set{}, []Verdict{v}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not ended by %q: %s", why, want, b.String())
		}
	}
}
