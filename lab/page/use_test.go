package page_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	protocol "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/internal/testenv"
)

// TestPageInUse uses the page as somebody does who has a keyboard and no mouse.
func TestPageInUse(t *testing.T) {
	testenv.NotShort(t)
	b := browse(t)
	for _, c := range []struct {
		name string
		test func(*testing.T, *browser)
	}{
		{"table sorts", tableSorts},
		{"table filters", tableFilters},
		{"keys reach everything", keysReachEverything},
		{"skip link leads to the results", skipLinkLeadsToTheResults},
		{"sources open beside the claims", sourcesOpenBesideTheClaims},
		{"chosen series stand out", chosenSeriesStandOut},
		{"theme changes and is remembered", themeChangesAndIsRemembered},
		{"needs no storage", needsNoStorage},
		{"prints", prints},
		{"can be read without scripts", canBeReadWithoutScripts},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, b) })
	}
}

// focused describes what has the focus.
const focused = `((e) => e === document.body ? "nothing" : e.id ? "#" + e.id :
	e.tagName.toLowerCase() + " " + (e.getAttribute("aria-label") ?? e.textContent).trim()
		.replace(/\s+/g, " ").slice(0, 40))(document.activeElement)`

// focus gives the focus to the element of a selector.
func (x *tab) focus(selector string) {
	x.Helper()
	if !evaluate[bool](x, fmt.Sprintf(`(() => { const e = document.querySelector(%q);
		e?.focus(); return e !== null && document.activeElement === e })()`, selector)) {
		x.Fatalf("%s does not take the focus", selector)
	}
}

// shown is the lines of the table of all measurements that are shown: their cells of a column.
func (x *tab) shown(column int) []string {
	x.Helper()
	return evaluate[[]string](x, fmt.Sprintf(`[...document.querySelectorAll("#visits tbody tr")]
		.filter((r) => r.checkVisibility()).map((r) => r.cells[%d].firstChild?.textContent ?? "")`,
		column))
}

// firstFile is a page of one run, with more room than anything needs.
func firstFile(t *testing.T, b *browser) *tab {
	t.Helper()
	x := b.open(t, look{width: 1400}, runOf(read(t, "first.jsonl")))
	x.settle()
	return x
}

func tableSorts(t *testing.T, b *browser) {
	x := firstFile(t, b)
	const server, p50, memory = 0, 5, 12
	head := func(column int) string {
		return fmt.Sprintf("#visits thead th:nth-child(%d) button", column+1)
	}
	sorted := func() string {
		return evaluate[string](x, `[...document.querySelectorAll("#visits thead th[aria-sort]")]
			.map((h) => h.innerText.split(/\s/)[0] + " " + h.getAttribute("aria-sort")).join()`)
	}
	before := x.shown(server)

	x.focus(head(p50))
	x.press(kb.Enter)
	up := x.shown(p50)
	if got := sorted(); got != "p50 ascending" {
		t.Errorf("sorted by p50: the headings say %q", got)
	}
	if values := x.numbers(p50); !slices.IsSorted(values) {
		t.Errorf("by p50, from the smallest: %v", values)
	}
	x.press(" ")
	if got := sorted(); got != "p50 descending" {
		t.Errorf("sorted by p50 twice: the headings say %q", got)
	}
	values := x.numbers(p50)
	slices.Reverse(values)
	if !slices.IsSorted(values) {
		t.Errorf("by p50, from the largest: %v", values)
	}
	down := x.shown(p50)
	for name, lines := range map[string][]string{"smallest": up, "largest": down} {
		missing := slices.Index(lines, "n/a")
		if missing < 0 || slices.ContainsFunc(lines[missing:], func(s string) bool {
			return s != "n/a"
		}) {
			t.Errorf("by p50, from the %s: what is missing is not last: %q", name, lines)
		}
	}

	x.focus(head(memory))
	x.press(kb.Enter)
	if values := x.numbers(memory); !slices.IsSorted(values) || len(values) < 10 {
		t.Errorf("by memory, of several units: %v", values)
	}

	x.focus(head(server))
	x.press(kb.Enter)
	byName := x.shown(server)
	if !slices.IsSortedFunc(byName, func(a, b string) int {
		return strings.Compare(strings.ToLower(a), strings.ToLower(b))
	}) || sorted() != "server ascending" {
		t.Errorf("by name: %q, the headings say %q", byName, sorted())
	}
	slices.Sort(before)
	slices.Sort(byName)
	if !slices.Equal(before, byName) {
		t.Error("sorting has lost or made lines")
	}
}

// numbers are what the lines are sorted by in a column, without those that have nothing.
func (x *tab) numbers(column int) []float64 {
	x.Helper()
	return evaluate[[]float64](x, fmt.Sprintf(`[...document.querySelectorAll("#visits tbody tr")]
		.map((r) => r.cells[%d].dataset.sort).filter(Boolean).map(Number)`, column))
}

func tableFilters(t *testing.T, b *browser) {
	x := firstFile(t, b)
	const server, workload, window = 0, 1, 3
	all := len(x.shown(server))
	result := func() string {
		return evaluate[string](x, `document.getElementById("filter-result").textContent`)
	}
	if want := fmt.Sprintf("%d of %d lines", all, all); result() != want {
		t.Errorf("without a filter: %q, want %q", result(), want)
	}
	x.focus("#filter-text")
	x.press("STREAMS  5,000/s")
	if got := x.shown(server); len(got) != 4 || slices.ContainsFunc(got, func(s string) bool {
		return s != "streams"
	}) {
		t.Errorf("lines with streams and 5,000/s: %q", got)
	}
	if want := fmt.Sprintf("4 of %d lines", all); result() != want {
		t.Errorf("with a filter: %q, want %q", result(), want)
	}
	choose := func(id, value string) {
		t.Helper()
		x.focus("#" + id)
		x.press(value) // by its first letters
	}
	choose("filter-workload", "storm")
	if got := x.shown(workload); !slices.Equal(got, []string{"storm"}) {
		t.Errorf("of storm: %q", got)
	}
	x.focus("#filter-text")
	x.press("no such server")
	if got := x.shown(server); len(got) > 0 || result() != fmt.Sprintf("0 of %d lines", all) {
		t.Errorf("of a server that is not there: %q, %q", got, result())
	}
	evaluate[chromedp.Void](x, `document.getElementById("filter-text").select()`)
	x.press(kb.Backspace)
	choose("filter-window", "saturated")
	if got := x.shown(window); len(got) != 8 || slices.ContainsFunc(got, func(s string) bool {
		return s != "saturated"
	}) {
		t.Errorf("saturated lines of storm: %q", got)
	}
	x.focus("#filter-text")
	x.press(kb.Enter) // sends no form
	if got := x.shown(window); len(got) != 8 {
		t.Errorf("after Enter there are %d lines, not 8", len(got))
	}
}

// keysReachEverything presses Tab from the top to the end.
func keysReachEverything(t *testing.T, b *browser) {
	x := firstFile(t, b)
	var way []string
	var hidden []string
	for range 200 {
		x.press(kb.Tab)
		at := evaluate[string](x, focused)
		if at == "nothing" || len(way) > 0 && at == way[0] {
			break
		}
		way = append(way, at)
		if !evaluate[bool](x, `((e, r) => {
			const style = getComputedStyle(e);
			return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 &&
				r.width > 0 && r.bottom > 0 && r.top < innerHeight;
		})(document.activeElement, document.activeElement.getBoundingClientRect())`) {
			hidden = append(hidden, at)
		}
	}
	if len(hidden) > 0 {
		t.Errorf("nobody sees that these have the focus: %q", hidden)
	}
	want := evaluate[int](x, `[...document.querySelectorAll(
		"a[href], button, input, select, summary, [tabindex='0']")].filter((e) =>
		e.checkVisibility()).length`)
	if len(way) != want {
		t.Errorf("Tab reaches %d of %d: %q", len(way), want, way)
	}
	start := []string{"a To the results", "#theme", "a Warnings", "a Verdicts", "a Claim by claim"}
	if diff := cmp.Diff(start, way[:min(len(start), len(way))]); diff != "" {
		t.Error("the way begins (-want +got):\n" + diff)
	}
}

func skipLinkLeadsToTheResults(t *testing.T, b *browser) {
	x := firstFile(t, b)
	x.press(kb.Tab)
	x.press(kb.Enter)
	if at := evaluate[string](x, focused); at != "#main" {
		t.Errorf("the first link leads to %s", at)
	}
}

// sourcesOpenBesideTheClaims: a copy of what stands among the models.
func sourcesOpenBesideTheClaims(t *testing.T, b *browser) {
	x := firstFile(t, b)
	const beside = "#claims ~ .claim details.beside"
	x.focus(beside + " summary")
	for range 3 { // opened, closed and opened again
		x.press(kb.Enter)
		x.settle()
	}
	got := evaluate[[]string](x, fmt.Sprintf(`[document.querySelector(%q)].flatMap((d) =>
		[String(d.open), d.dataset.source,
			...[...d.querySelectorAll("pre")].map((p) => p.textContent)])`, beside))
	want := []string{"true", "source-selectors",
		evaluate[string](x, `document.querySelector("#source-selectors pre").textContent`)}
	if diff := cmp.Diff(want, got); diff != "" || !strings.Contains(got[2], "func selectors") {
		t.Error("the source beside the first claim (-want +got):\n" + diff)
	}
}

func chosenSeriesStandOut(t *testing.T, b *browser) {
	x := b.open(t, look{width: 400}, runOf(read(t, "first.jsonl")))
	x.settle()
	const strong = `[...document.querySelectorAll(
		"#C11-chart svg[role=img] g[aria-label=line]")].filter((e) =>
		getComputedStyle(e).strokeOpacity > 0.9).length`
	if n := evaluate[int](x, strong); n != 5 {
		t.Errorf("%d lines stand out at first, not all 5", n)
	}
	const legend = `#C11-chart .legend button[data-name="select"]`
	x.focus(legend)
	x.press(kb.Enter)
	if n := evaluate[int](x, strong); n != 1 {
		t.Errorf("%d lines stand out, not the one that was chosen", n)
	}
	if got := evaluate[string](x, `document.activeElement.dataset.name + " " +
		document.activeElement.getAttribute("aria-pressed")`); got != "select true" {
		t.Errorf("the focus is on %q, not on what was chosen", got)
	}
	x.press(" ")
	if n := evaluate[int](x, strong); n != 5 {
		t.Errorf("%d lines stand out at last, not all 5", n)
	}
}

func themeChangesAndIsRemembered(t *testing.T, b *browser) {
	x := b.open(t, look{width: 800, dark: true}, runOf(read(t, "first.jsonl")))
	state := func() string {
		return evaluate[string](x, `getComputedStyle(document.documentElement).backgroundColor +
			" pressed " + document.getElementById("theme").getAttribute("aria-pressed")`)
	}
	const dark, light = "rgb(21, 23, 26) pressed true", "rgb(252, 251, 249) pressed false"
	if got := state(); got != dark {
		t.Errorf("in a dark system: %s, want %s", got, dark)
	}
	x.focus("#theme")
	x.press(" ")
	if got := state(); got != light {
		t.Errorf("after the button: %s, want %s", got, light)
	}
	x.do(chromedp.Reload())
	if got := state(); got != light {
		t.Errorf("when the page is opened again: %s, want %s", got, light)
	}
	x.focus("#theme")
	x.press(kb.Enter)
	if got := state(); got != dark {
		t.Errorf("after the button: %s, want %s", got, dark)
	}
}

// needsNoStorage: a browser may forbid it, most of all to files.
func needsNoStorage(t *testing.T, b *browser) {
	x := b.tab(t)
	x.do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, protocol.AddScriptToEvaluateOnNewDocument,
			protocol.AddScriptToEvaluateOnNewDocumentParams{Source: `Object.defineProperty(window,
				"localStorage", { get() { throw new DOMException("denied", "SecurityError") } })`})
		return none, err
	})
	x.load(look{width: 800}, write(t, runOf(read(t, "first.jsonl"))))
	x.focus("#theme")
	x.press(kb.Enter)
	if got := evaluate[string](x, `document.documentElement.dataset.theme`); got != "dark" {
		t.Errorf("the theme is %q, not dark", got)
	}
}

// prints: what is folded is printed too, in the light theme, and folded again afterwards.
func prints(t *testing.T, b *browser) {
	x := b.open(t, look{width: 1200, dark: true}, runOf(read(t, "first.jsonl")))
	x.settle()
	evaluate[chromedp.Void](x, `addEventListener("beforeprint", () => {
		window.atPrint = [document.querySelectorAll("details:not([open]):not(.beside)").length,
			[...document.querySelectorAll(".plot")].filter((p) => !p.querySelector("svg")).length,
			document.querySelectorAll("details.beside[open]").length];
	})`)
	const open = `document.querySelectorAll("details[open]").length`
	pdf, err := chromedp.Run(x.ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 50_000 {
		t.Errorf("printed are %d bytes that begin %.10q", len(pdf), pdf)
	}
	if got := evaluate[[]int](x, `window.atPrint`); !slices.Equal(got, []int{0, 0, 0}) {
		t.Errorf("at print there are folded parts, charts not drawn, sources twice: %v, want none",
			got)
	}
	if n := evaluate[int](x, open); n != 0 {
		t.Errorf("%d parts stay unfolded afterwards", n)
	}
	x.do(medium("print", true))
	got := evaluate[[]string](x, `[getComputedStyle(document.documentElement).backgroundColor,
		...["#theme", ".filter", ".contents", ".beside"].map((s) =>
			String(document.querySelector(s).checkVisibility()))]`)
	want := []string{"rgb(252, 251, 249)", "false", "false", "false", "false"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("on paper: the colour of the paper, and which controls are there (-want +got):\n" +
			diff)
	}
}

// canBeReadWithoutScripts: what they draw stands there as figures, and what needs them does
// not stand there.
func canBeReadWithoutScripts(t *testing.T, b *browser) {
	x := b.open(t, look{width: 800, plain: true}, runOf(read(t, "first.jsonl")))
	got := evaluate[[]int](x, `[document.querySelectorAll(".plot svg").length,
		[...document.querySelectorAll("#theme, .filter, th button")].filter((e) =>
			e.checkVisibility()).length,
		[...document.querySelectorAll(".plot .missing")].filter((e) =>
			e.checkVisibility()).length]`)
	if want := []int{0, 0, 5}; !slices.Equal(got, want) {
		t.Errorf("charts, controls and words instead of charts: %v, want %v", got, want)
	}
	text := evaluate[string](x, `document.body.innerText`)
	for _, want := range []string{"select 1.73 times", "too close to call",
		"selectors 80; coroutines 112", "127,550", "AMD EPYC"} {
		if !strings.Contains(text, want) {
			t.Errorf("without scripts the page does not say %q", want)
		}
	}
	x.focus("#C1-chart ~ details summary")
	x.press(kb.Enter)
	if !evaluate[bool](x, `document.querySelector("#C1-chart ~ details table").checkVisibility()`) {
		t.Error("the figures of a chart cannot be unfolded")
	}
}
