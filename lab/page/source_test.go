package page

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// tags matches what highlight may add to a source.
var tags = regexp.MustCompile(`<span class="(?:line|k|c|l)">|</span>`)

// text returns what a reader sees of highlighted source.
func text(t interface{ Fatalf(string, ...any) }, source string) string {
	plain := tags.ReplaceAllString(string(highlight(source)), "")
	if strings.ContainsAny(plain, "<>") {
		t.Fatalf("an element of %q is not the page's: %s", source, plain)
	}
	return html.UnescapeString(plain)
}

func TestHighlightMarksWhatGoHas(t *testing.T) {
	const source = "package p // of <b>\n\nvar s = `a\nb` + \"c\" + 'd' + 0x1F\n"
	const want = `<span class="line"><span class="k">package</span> p ` +
		`<span class="c">// of &lt;b&gt;</span>` + "\n</span>" +
		`<span class="line">` + "\n</span>" +
		`<span class="line"><span class="k">var</span> s = ` +
		`<span class="l">` + "`a</span>\n</span>" +
		`<span class="line"><span class="l">b` + "`" + `</span> + ` +
		`<span class="l">&#34;c&#34;</span> + <span class="l">&#39;d&#39;</span> + ` +
		`<span class="l">0x1F</span>` + "\n</span>"
	if got := string(highlight(source)); got != want {
		t.Errorf("highlighted:\n%s\nwant:\n%s", got, want)
	}
}

// TestHighlightChangesNoSource: whatever the source is, it is all there, line by line, and nothing
// of it becomes an element.
func TestHighlightChangesNoSource(t *testing.T) {
	piece := rapid.SampledFrom([]string{"func", " ", "\n", "\t", "`", `"`, "/*", "*/", "//", "<b>",
		"</script>", "&amp;", "\r\n", "\x00", "\xff", "世", "0x", "1e", "'", ";", "}", "{", "}\n"})
	rapid.Check(t, func(t *rapid.T) {
		source := strings.Join(rapid.SliceOf(piece).Draw(t, "pieces"), "")
		want := source
		if want != "" && !strings.HasSuffix(want, "\n") {
			want += "\n"
		}
		// What HTML cannot hold is replaced, as everywhere on the page.
		want = html.UnescapeString(html.EscapeString(want))
		if got := text(t, source); got != want {
			t.Fatalf("the source %q is shown as %q", source, got)
		}
		if got, lines := strings.Count(string(highlight(source)), `<span class="line">`),
			strings.Count(want, "\n"); got != lines {
			t.Fatalf("%d lines of %q, want %d", got, source, lines)
		}
	})
}

// TestSourcesStandThereOnce: of several runs, if they have the same.
func TestSourcesStandThereOnce(t *testing.T) {
	of := func(source string) results.Model {
		return results.Model{Name: "poll", File: "poll.go", Source: source, OwnLines: 1,
			Tests: new(3)}
	}
	same := results.Model{Name: "select", File: "select.go", Source: "package p", OwnLines: 1}
	verdict := charting("C1", claims.Chart{Kind: claims.Bars, Models: []string{"poll", "select"}})
	var runs []Run
	for _, source := range []string{"package a", "package b", "package a"} {
		runs = append(runs, Run{Set: &results.Set{Models: []results.Model{of(source), same}},
			Verdicts: []claims.Verdict{verdict}})
	}
	v, err := newView(runs, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range v.Claims[0].Sources {
		got = append(got, l.Name+" "+l.Runs+" "+l.Anchor)
	}
	want := []string{"poll A, C source-poll", "poll B source-poll-2", "select  source-select"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("the sources beside the claim (-want +got):\n" + diff)
	}
}
