package testenv

import (
	"errors"
	"testing"
)

// recorder is a testing.TB that notes a skip instead of ending the test.
type recorder struct {
	testing.TB
	reasons []string
}

func (r *recorder) Helper() {}

func (r *recorder) Skip(args ...any) { r.reasons = append(r.reasons, args[0].(error).Error()) }

func TestEveryCapabilityHasARow(t *testing.T) {
	seen := map[string]bool{}
	for c := range table {
		e := table[c]
		if e.name == "" || e.without == "" || e.probe == nil {
			t.Errorf("capability %d: its row in the table of needs is not complete: %+v", c, e.name)
		}
		if seen[e.name] {
			t.Errorf("two capabilities are named %s", e.name)
		}
		seen[e.name] = true
	}
}

func TestOutOfTableIsSkippedWithTheReason(t *testing.T) {
	r := &recorder{TB: t}
	Need(r, Capability(len(table)))
	Need(r, Capability(-1))
	if len(r.reasons) != 2 {
		t.Errorf("two unknown capabilities gave the reasons %q", r.reasons)
	}
}

func TestUserIsRootOrNot(t *testing.T) {
	if !unix {
		return // neither capability exists without user numbers
	}
	root, ordinary := Root.missing(), OrdinaryUser.missing()
	if (root == nil) == (ordinary == nil) {
		t.Errorf("Root: %v, OrdinaryUser: %v: exactly one must hold", root, ordinary)
	}
}

func TestNeedSkipsForWhatIsMissing(t *testing.T) {
	r := &recorder{TB: t}
	NeedDescriptors(r, 1)
	NeedProcesses(r, 1)
	if len(r.reasons) != 0 {
		t.Errorf("one descriptor and one process: skipped: %q", r.reasons)
	}
	if linux {
		Need(r, Kqueue)
	} else {
		Need(r, Epoll)
	}
	if len(r.reasons) != 1 {
		t.Errorf("a selector of another system: reasons %q, want one", r.reasons)
	}
}

func TestLongIsAChoice(t *testing.T) {
	for value, skipped := range map[string]bool{"": true, "0": true, "1": false} {
		t.Setenv(LongVariable, value)
		r := &recorder{TB: t}
		Long(r)
		if got := len(r.reasons) == 1; got != skipped {
			t.Errorf("%s=%q: skipped %v, want %v", LongVariable, value, got, skipped)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		n       int
		limit   uint64
		missing bool
	}{
		{n: 10, limit: 0, missing: false},
		{n: 10, limit: 10, missing: false},
		{n: 11, limit: 10, missing: true},
		{n: -1, limit: 10, missing: false},
	} {
		if got := below("things", c.n, c.limit) != nil; got != c.missing {
			t.Errorf("%d of at most %d: missing %v, want %v", c.n, c.limit, got, c.missing)
		}
	}
	const text = "Limit  Soft Limit  Hard Limit  Units\n" +
		"Max processes             127             128           processes\n" +
		"Max file locks            unlimited       unlimited     locks\n"
	for label, want := range map[string]uint64{
		"Max processes": 127, "Max file locks": 0, "Max dreams": 0,
	} {
		if got := parseLimit(text, label); got != want {
			t.Errorf("parseLimit(%q) = %d, want %d", label, got, want)
		}
	}
}

func TestMissingKnowsItsOwnFunctions(t *testing.T) {
	if err := Missing("Need", "Telepathy", 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown capability: %v", err)
	}
	if err := Missing("Require", "", 0); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown function: %v", err)
	}
	if err := Missing("NeedDescriptors", "", 1); err != nil {
		t.Errorf("one descriptor: %v", err)
	}
	for c := range table {
		if err := Missing("Need", table[c].name, 0); errors.Is(err, ErrUnknown) {
			t.Errorf("%s is not known by its name", table[c].name)
		}
	}
}
