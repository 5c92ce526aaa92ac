package synthetic

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
)

// faithful is a server that behaves as it should.
func faithful(b Behaviour) Behaviour { return b }

// starting returns a check of servers that behave as change says. Server and load generator may use
// every CPU and sleep when they can, so that they have one when they need it, whatever else runs.
func starting(t *testing.T, change func(Behaviour) Behaviour) *checking {
	t.Helper()
	testenv.NotShort(t)
	testenv.Need(t, testenv.Unix)
	return &checking{subjects: subjects(), Options: Options{Machine: lab.Look(), Unbound: true,
		Rounds: 1, Command: commands(t, change)}}
}

// TestLabFindsWhatArithmeticSays, as closely as the machine lets it beside the tests of other
// packages: a figure may be off by the share of what was held up. kettle lab check, which has the
// machine to itself, allows for nothing.
func TestLabFindsWhatArithmeticSays(t *testing.T) {
	c := starting(t, faithful)
	c.Rounds, c.Most = 3, 15
	r, err := c.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Figures {
		if f.Within > 0 {
			f.Within += r.HeldUp
		}
		if !f.OK() {
			t.Errorf("%s: %s: %.3f, and arithmetic says %.3f (held up in %.1f%%)", f.Load, f.Name,
				f.Measured, f.Expected, 100*r.HeldUp)
		}
	}
	t.Logf("%d figures of %d rounds", len(r.Figures), len(c.subjects[0].rounds))
}

// TestMoreRoundsWhileAFigureIsWrong, up to the limit.
func TestMoreRoundsWhileAFigureIsWrong(t *testing.T) {
	c := starting(t, func(b Behaviour) Behaviour {
		b.Delay += 3 * time.Millisecond
		return b
	})
	c.subjects = c.subjects[1:]
	c.subjects[0].window = c.subjects[0].server.Period
	c.Most = 4
	visited := 0
	c.Visited = func(int, int) { visited++ }
	r, err := c.run(t.Context())
	if err != nil || r.Wrong() == 0 || visited != 4 || len(c.subjects[0].rounds) != 4 {
		t.Errorf("%d visits, %d rounds, %d figures wrong: %v", visited, len(c.subjects[0].rounds),
			r.Wrong(), err)
	}
}

// TestServersThatAreNotWhatTheyShouldBe are found out: the check can fail.
func TestServersThatAreNotWhatTheyShouldBe(t *testing.T) {
	for name, c := range map[string]struct {
		subject int
		change  func(b Behaviour) Behaviour
		wrong   []string // figures, by how they begin
	}{
		"a rate 3 % lower": {0, func(b Behaviour) Behaviour {
			b.Interval = b.Interval * 103 / 100
			return b
		}, []string{"closed loop: messages/s"}},
		"answers 10 % later": {0, func(b Behaviour) Behaviour {
			b.Delay = b.Delay * 110 / 100
			return b
		}, []string{"500/s: p50, ms"}},
		"stalls that are half as long": {1, func(b Behaviour) Behaviour {
			b.Stall /= 2
			return b
		}, []string{"2000/s: p99.9, ms", "2000/s: p99, ms", "2000/s: mean, ms",
			"2000/s: delayed by over 10ms", "closed loop: slowest, ms"}},
		"stalls of a closed loop that show": {1, func(b Behaviour) Behaviour {
			b.Delay = 2 * time.Millisecond
			return b
		}, []string{"closed loop: p99.9, ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			var missed []string
			for range 3 { // as what else delays answers, such as other tests, can make up for it
				checking := starting(t, c.change)
				checking.subjects = checking.subjects[c.subject:][:1]
				r, err := checking.run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if missed = taken(r.Figures, c.wrong); len(missed) == 0 {
					return
				}
				t.Logf("%+v", r.Figures)
			}
			t.Errorf("not found to be wrong: %q", missed)
		})
	}
}

// taken returns which of the wrong figures, by how they begin, are taken for right.
func taken(figures []Figure, wrong []string) []string {
	found := make(map[string]bool)
	for _, f := range figures {
		load, _, _ := strings.Cut(f.Load, ",")
		found[load+": "+f.Name] = !f.OK()
	}
	return slices.DeleteFunc(slices.Clone(wrong), func(name string) bool { return found[name] })
}

// TestRoundsThatCount are those with the fewest delays that are not the lab's.
func TestRoundsThatCount(t *testing.T) {
	var rounds []round
	for i, heldUp := range []float64{0.5, 0.01, 0, 0.3, 0.02, 0} {
		rounds = append(rounds, round{[]Figure{{Measured: float64(i), Expected: 2, Within: 0.1},
			{Measured: 1, Expected: 1}}, heldUp})
	}
	for n, want := range map[int]float64{1: 0, 2: 1, 3: 2, 5: 2, 6: 2} {
		best := counting(rounds[:n])
		if len(best)%2 == 0 || len(best) > (n+1)/2 || best[0].heldUp > best[len(best)-1].heldUp {
			t.Errorf("of %d rounds count %+v", n, best)
		}
		if got := medians(best)[0].Measured; got != want {
			t.Errorf("of %d rounds: %v, want that of round %v", n, got, want)
		}
	}
	c := checking{subjects: []*subject{{rounds: rounds}, {rounds: rounds[:1]}}}
	if r := c.report(); r.Wrong() != 3 || r.HeldUp != 0.5 || len(r.Figures) != 4 {
		t.Errorf("the report is %+v", r)
	}
}

func TestWhatIsWithinItsBounds(t *testing.T) {
	for _, c := range []struct {
		measured, expected, within float64
		ok                         bool
	}{
		{1009, 1000, 0.01, true}, {1011, 1000, 0.01, false}, {991, 1000, 0.01, true},
		{989, 1000, 0.01, false}, {49.9, 50, 0, true}, {50, 50, 0, false}, {0, 50, 0, true},
	} {
		f := Figure{Measured: c.measured, Expected: c.expected, Within: c.within}
		if f.OK() != c.ok {
			t.Errorf("%+v: %v", c, f.OK())
		}
	}
}

// TestServersThatCannotBeChecked.
func TestServersThatCannotBeChecked(t *testing.T) {
	for want, command := range map[string][]string{
		"start steady: ":           {t.TempDir() + "/missing"},
		"it does not say where it": {"true"},
	} {
		c := starting(t, faithful)
		c.subjects = c.subjects[:1]
		c.Command = func(Behaviour) []string { return command }
		if _, err := c.run(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", command, err, want)
		}
	}
	if _, err := Check(t.Context(), Options{}); err == nil ||
		!strings.Contains(err.Error(), "0 rounds") {
		t.Errorf("no rounds: %v", err)
	}
}
