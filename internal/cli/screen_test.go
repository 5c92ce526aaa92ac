package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// onFiles is a screen whose output goes to files.
func onFiles(t *testing.T, visits int) (c screen, out, said func() string) {
	t.Helper()
	open := func(name string) (*os.File, func() string) {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f, func() string {
			text, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	outFile, out := open("out")
	errFile, said := open("err")
	return newScreen(streams{out: outFile, err: errFile}, visits), out, said
}

var aVerdict = claims.Verdict{Status: claims.Holds, Figure: "one two three four five six seven",
	Claim: claims.Claim{ID: "C1", Text: "Of what is said here something is true, most of it even"}}

// TestVerdictInAFile is plain text, in lines as long as they are.
func TestVerdictInAFile(t *testing.T) {
	t.Setenv("CLICOLOR_FORCE", "")
	c, out, said := onFiles(t, 0)
	c.verdict(aVerdict)
	c.end()
	want := "C1   holds               Of what is said here something is true, most of it even\n" +
		"                         one two three four five six seven\n"
	if out() != want || said() != "" {
		t.Errorf("the output is %q, and beside it %q", out(), said())
	}
}

// TestVerdictOnANarrowTerminal is broken between words, and nothing of it is lost.
func TestVerdictOnANarrowTerminal(t *testing.T) {
	for _, width := range []int{45, 60, 80, 200} {
		c, out, _ := onFiles(t, 0)
		c.width = width
		c.verdict(aVerdict)
		for line := range strings.Lines(out()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("a line of %d columns on %d: %q", n, width, line)
			}
		}
		all := strings.Join(strings.Fields(out()), " ")
		if !strings.Contains(all, aVerdict.Claim.Text+" "+aVerdict.Figure) {
			t.Errorf("on %d columns it says %q", width, all)
		}
	}
}

// TestProgressInAFile is a line for each workload, and for some of many rounds.
func TestProgressInAFile(t *testing.T) {
	c, out, said := onFiles(t, 6)
	c.begin("growth", "more and more", 2, 3)
	for range 6 {
		c.visited("growth", &results.Visit{Server: "streams"})
	}
	c.begin("storm", "all at once", 1, 20)
	c.visited("storm", &results.Visit{Server: "streams", Round: 1})
	c.visited("storm", &results.Visit{Server: "streams", Round: 2})
	want := "growth: more and more\nstorm: all at once\nstorm: round 1 of 20 done\n"
	if said() != want || out() != "" {
		t.Errorf("it says %q", said())
	}
}

// TestProgressOnATerminal is one line, which is taken away when something else is said.
func TestProgressOnATerminal(t *testing.T) {
	c, _, said := onFiles(t, 100)
	c.live = true
	c.begin("storm", "all at once", 4, 25)
	c.began = time.Now().Add(-10 * time.Second)
	for range 10 {
		c.visited("storm", &results.Visit{Server: "streams"})
	}
	c.say("something")
	text := said()
	if !strings.Contains(text, "storm: streams, 10 of 100 visits, 1m30s left") ||
		!strings.HasSuffix(text, "\r\033[Ksomething\n") || strings.Count(text, "\n") != 1 {
		t.Errorf("it says %q", text)
	}
}

// TestFurtherVisits take more time than had been thought, but no more than there is; they are those
// of the workload that they are of, whichever began last, were it one that has no visits.
func TestFurtherVisits(t *testing.T) {
	for _, live := range []bool{false, true} {
		c, _, said := onFiles(t, 10)
		c.live, c.began = live, time.Now().Add(-10*time.Second)
		c.begin("source", "nothing to visit", 0, 0)
		c.done = 9
		c.further(10, time.Now().Add(time.Hour))
		c.visited("storm", &results.Visit{Server: "streams"})
		c.until = time.Now().Add(4200 * time.Millisecond)
		c.visited("storm", &results.Visit{Server: "selectors"})
		text := said()
		if !strings.Contains(text, "up to 10 visits more, as far as time allows\n") {
			t.Errorf("it says %q", text)
		}
		for _, want := range []string{"storm: streams, 10 of 20 visits, 10s left",
			"storm: selectors, 11 of 20 visits, 4s left"} {
			if strings.Contains(text, want) != live {
				t.Errorf("on a terminal: %v; it says %q", live, text)
			}
		}
	}
}

// TestTimeLeftIsNotGuessed from too little, nor when there is none.
func TestTimeLeftIsNotGuessed(t *testing.T) {
	c := screen{began: time.Now().Add(-time.Minute), total: 20, done: fewVisits - 1}
	if got := c.left(); got != "" {
		t.Errorf("after %d visits: %q", c.done, got)
	}
	c.done = 20
	if got := c.left(); got != "" {
		t.Errorf("after all: %q", got)
	}
}

func TestWarnings(t *testing.T) {
	if got := warnings(&results.Run{Machine: results.Machine{CPUs: 1 << 20}}); len(got) != 0 {
		t.Errorf("of a machine that is not busy: %q", got)
	}
	got := warnings(&results.Run{Race: true, Machine: results.Machine{CPUs: 1 << 20}})
	if len(got) != 1 || !strings.Contains(got[0], "race detector") {
		t.Errorf("of a race build: %q", got)
	}
	if load, ok := loadAverage(); ok && load > 0 {
		if got := warnings(&results.Run{}); len(got) != 1 || !strings.Contains(got[0], "busy") {
			t.Errorf("of a machine without a CPU: %q", got)
		}
	}
}
