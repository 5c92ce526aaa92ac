package claims

import (
	"slices"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/lab/results"
)

// storm adds visits of both servers that C17 is about: streams costs so many times as much as
// selectors, in each of three rounds.
func (m *made) storm(times ...float64) {
	m.rounds("storm", "selectors", results.Load{Conns: 100},
		func(v *results.Visit, _ float64) { v.Saturated = window(10) })
	m.rounds("storm", "streams", results.Load{Conns: 100}, func(v *results.Visit, round float64) {
		v.Saturated = window(10 * times[int(round)-1])
	})
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

// TestWhoIsUnclear: the servers that a claim is too close to call for, and who they are compared
// with; nobody where a claim is decided, or more rounds decide nothing.
func TestWhoIsUnclear(t *testing.T) {
	for name, c := range map[string]struct {
		make func(m *made)
		want map[string][]string
	}{
		"nothing measured": {func(*made) {}, nil},
		"decided":          {func(m *made) { m.storm(1, 1.1, 1.2) }, nil},
		"too close": {func(m *made) { m.storm(1, 1.1, 1.4) },
			map[string][]string{"storm": {"selectors", "streams"}}},
		"one of three": {func(m *made) {
			m.crowds("selectors", 1)
			m.nearlyPaid("streams")
			m.crowds("protocol", 1)
		}, map[string][]string{"crowd": {"streams"}, "idle": {"streams"}}},
		"one server does not do it at all": {func(m *made) {
			m.crowds("selectors", 5)
			m.nearlyPaid("streams")
		}, nil},
		"held up": {func(m *made) {
			m.rounds("compute", "streams", results.Load{Conns: 10, Heavy: 1, Work: 0.05},
				func(v *results.Visit, _ float64) {
					v.Paced = window(10)
					v.Paced.Offered, v.Paced.Late = 1000, 500
				})
		}, map[string][]string{"compute": {"streams"}, "slow": {"streams"}}},
		"it serves nobody": {func(m *made) {
			m.storm(1, 1.1, 1.2)
			for _, v := range m.Visits {
				v.Served = 0
			}
		}, nil},
	} {
		m := &made{}
		c.make(m)
		got := Unclear(Of(&m.Set))
		if len(got) != len(c.want) {
			t.Errorf("%s: %v is unclear, want %v", name, got, c.want)
		}
		for w, servers := range c.want {
			if !slices.Equal(got[w], servers) {
				t.Errorf("%s: %v is unclear, want %v", name, got, c.want)
			}
		}
	}
}

// TestMoreRoundsAreTold, and only those.
func TestMoreRoundsAreTold(t *testing.T) {
	m := &made{}
	m.storm(1, 1.1, 1.2)
	m.Run.Rounds = map[string]int{"storm": 3}
	if got := More(&m.Set); len(got) != 0 {
		t.Errorf("of three rounds, as planned: %q", got)
	}
	m.Run.Rounds["storm"] = 2
	if got := More(&m.Set); len(got) != 1 ||
		got[0] != "storm: up to round 3 in place of 2, of selectors, streams" {
		t.Errorf("of three rounds in place of two: %q", got)
	}
	var b strings.Builder
	if err := WriteMarkdown(&b, &m.Set, nil); err != nil || !strings.Contains(b.String(),
		"* looked at again, as a claim could not be decided: storm: up to round 3 in place of 2") {
		t.Errorf("the report says nothing of it: %v", err)
	}
	m.Run.Rounds = nil
	if got := More(&m.Set); len(got) != 0 {
		t.Errorf("where no plan is known: %q", got)
	}
}
