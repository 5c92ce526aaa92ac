package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
)

// line is a line of an evening.
type line struct {
	minute int
	what   string
}

// evenings reads what the example kettle prints.
func evenings(t *testing.T, text string) []line {
	t.Helper()
	var lines []line
	for text := range strings.Lines(text) {
		before, what, timed := strings.Cut(strings.TrimSpace(text), " min  ")
		if !timed {
			lines = append(lines, line{0, before})
			continue
		}
		minute, err := strconv.Atoi(before)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		lines = append(lines, line{minute, what})
	}
	return lines
}

// build builds an example, and returns where it is.
func build(t *testing.T, name string) string {
	t.Helper()
	testenv.Need(t, testenv.GoCommand)
	program := filepath.Join(t.TempDir(), name)
	compiler := exec.Command("go", "build", "-o", program, "./"+name)
	if out, err := compiler.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestEveningsOverlap: both evenings go as they should, in every run: the same things in the same
// order, and nothing before its time. That the second one is the shorter must be seen once: on a
// machine that has something else to do, everything may come late.
func TestEveningsOverlap(t *testing.T) {
	testenv.NotShort(t)
	golden, err := os.ReadFile(filepath.Join("testdata", "kettle.golden"))
	if err != nil {
		t.Fatal(err)
	}
	want := evenings(t, string(golden))
	program := build(t, "kettle")
	const tries = 10
	for range tries {
		out, err := exec.Command(program).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		got := evenings(t, string(out))
		if len(got) != len(want) {
			t.Fatalf("the example printed\n%swant\n%s", out, golden)
		}
		for i := range want {
			if got[i].what != want[i].what || got[i].minute < want[i].minute {
				t.Errorf("line %d of\n%sis not that of\n%s", i+1, out, golden)
			}
		}
		inSequence := want[len(want)/2-1].minute
		if overlapped := got[len(got)-1].minute; overlapped < inSequence {
			return
		}
	}
	t.Errorf("in none of %d runs was the second evening shorter than the first must be", tries)
}
