package page_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/page"
)

// write returns the page of runs.
func write(t testing.TB, runs ...page.Run) string {
	t.Helper()
	var text strings.Builder
	if err := page.Write(&text, runs, page.Options{Draw: drawn}); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// golden compares a text with the file of that name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s (-want +got; -rewrite writes it anew):\n%s", path, diff)
	}
}

// code matches what is the same in each page: its scripts and styles, and their hashes.
var code = regexp.MustCompile(`(?s)(<script>|<style>).*?(</script>|</style>)|sha256-[^']+`)

// data matches what the charts draw.
var data = regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`)

func TestPageIsThatOfItsResults(t *testing.T) {
	first, second := runOf(read(t, "first.jsonl")), runOf(read(t, "second.jsonl"))
	second.Title = "the other machine"
	for name, runs := range map[string][]page.Run{"one": {first}, "two": {first, second}} {
		t.Run(name, func(t *testing.T) {
			text := write(t, runs...)
			if again := write(t, runs...); again != text {
				t.Error("the same results give two different pages")
			}
			drawn := data.FindStringSubmatch(text)
			if drawn == nil {
				t.Fatal("the page has no data for its charts")
			}
			var lines bytes.Buffer
			if err := json.Indent(&lines, []byte(drawn[1]), "", " "); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json.golden", compact(lines.String())+"\n")
			text = strings.Replace(text, drawn[1], "", 1)
			golden(t, name+".html.golden", code.ReplaceAllString(text, "$1$2"))
		})
	}
}

// inner matches a point of a chart, of which a file has one on each line.
var inner = regexp.MustCompile(`\{\s*("(?:label|x|colour)"[^{}]*?)\s*\}`)

// compact puts each point on a line of its own.
func compact(text string) string {
	return inner.ReplaceAllStringFunc(text, func(s string) string {
		return strings.Join(strings.Fields(s), " ")
	})
}

// TestPageShowsTheLabsOwnVerdicts: whatever claims there are, their verdicts on these results can
// be shown.
func TestPageShowsTheLabsOwnVerdicts(t *testing.T) {
	set := read(t, "first.jsonl")
	text := write(t, page.Run{Set: set, Verdicts: claims.Of(set)})
	for _, c := range claims.All() {
		if !strings.Contains(text, `<h3 id="`+c.ID+`">`) {
			t.Errorf("the page has no heading for claim %s", c.ID)
		}
	}
}

// TestPageSaysWhatWasLookedAtAgain, and of which run; the table has the planned rounds alone.
func TestPageSaysWhatWasLookedAtAgain(t *testing.T) {
	first, second := read(t, "first.jsonl"), read(t, "second.jsonl")
	before := write(t, runOf(first), runOf(second))
	v := *second.Visits[0]
	v.Claims = []string{"C17"}
	second.Further = append(second.Further, &v)
	after := write(t, runOf(first), runOf(second))
	for _, want := range []string{", and 1 more for what was not decided",
		fmt.Sprintf(" Here: B: C17, 1 round more of %s (%s).", v.Workload, v.Server)} {
		if strings.Count(after, want) != 1 {
			t.Errorf("the page says %d times %q, want once", strings.Count(after, want), want)
		}
		after = strings.Replace(after, want, "", 1)
	}
	if after != before {
		t.Error("the page says more than that")
	}
}

func TestPageOfNothingIsRefused(t *testing.T) {
	for name, runs := range map[string][]page.Run{"no run to show": nil,
		"run 2 of 2 has no results": {runOf(read(t, "first.jsonl")), {Title: "empty"}}} {
		var text strings.Builder
		err := page.Write(&text, runs, page.Options{})
		if err == nil || !strings.Contains(err.Error(), name) || text.Len() > 0 {
			t.Errorf("error %v and %d bytes, want an error with %q and nothing", err, text.Len(),
				name)
		}
	}
}

// TestLibrariesAreThoseThatWereFetched compares what is embedded with the hashes beside it.
func TestLibrariesAreThoseThatWereFetched(t *testing.T) {
	sums, err := os.ReadFile("thirdparty/SHA256SUMS")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		file, err := os.ReadFile(filepath.Join("thirdparty", name))
		if err != nil {
			t.Error(err)
			continue
		}
		listed[name] = true
		if got := sha256.Sum256(file); hex.EncodeToString(got[:]) != sum {
			t.Errorf("thirdparty/%s is not what was fetched: its hash is %x", name, got)
		}
	}
	page := write(t, runOf(read(t, "first.jsonl")))
	for _, name := range []string{"d3.min.js", "d3.LICENSE", "plot.umd.min.js", "plot.LICENSE"} {
		file, err := os.ReadFile(filepath.Join("thirdparty", name))
		if err != nil {
			t.Fatal(err)
		}
		if !listed[name] {
			t.Errorf("thirdparty/SHA256SUMS does not name %s", name)
		}
		// Licences are text, so their quotation marks are escaped.
		text := strings.ReplaceAll(strings.TrimSpace(string(file)), `"`, "&#34;")
		if strings.HasSuffix(name, ".js") {
			text = string(file)
			if strings.Contains(text, "</script") || strings.Contains(text, "<!--") {
				t.Errorf("thirdparty/%s would end the element that it stands in", name)
			}
		}
		if !strings.Contains(page, text) {
			t.Errorf("the page does not have all of thirdparty/%s", name)
		}
	}
}
