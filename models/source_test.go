package models

import (
	"strings"
	"testing"
)

// TestWhoAsksWhatHasHappened: who registers a callback does not, and who goes through a list does.
func TestWhoAsksWhatHasHappened(t *testing.T) {
	counted := map[string]int{}
	for _, m := range All() {
		n, ok := m.Tests()
		if ok != (m.dispatch != "") {
			t.Errorf("%s: it is counted: %v", m.Name, ok)
		}
		if ok {
			counted[m.Name] = n
		}
		if !strings.Contains(m.Source(), `"`+m.Name+`",`) {
			t.Errorf("%s: its name is not in %s", m.Name, m.File())
		}
	}
	if counted["selectors"] != 0 {
		t.Errorf("selectors asks %d times", counted["selectors"])
	}
	for _, name := range []string{"select", "poll", "polling"} {
		if counted[name] < 3 {
			t.Errorf("%s asks %d times: reading, writing and the end are three", name,
				counted[name])
		}
	}
}
