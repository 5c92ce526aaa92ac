package page_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kettle-go/kettle/internal/testenv"
)

// The scripts that look at pages are held by pages in which something is wrong.

func TestAuditFindsWhatIsWrong(t *testing.T) {
	const good = `<!DOCTYPE html><html lang="en"><title>t</title><main><h1>h</h1>%s</main></html>`
	testenv.NotShort(t)
	x := browse(t).tab(t)
	audit := script(t, "audit.js")
	for _, c := range []struct{ name, page, wrong string }{
		{"nothing", fmt.Sprintf(good, `<p>text <a href="#x" id="x">link</a></p>`), ""},
		{"no language", `<!DOCTYPE html><title>t</title><main><h1>h</h1></main>`, "no language"},
		{"no title", `<!DOCTYPE html><html lang="en"><main><h1>h</h1></main>`, "no title"},
		{"no main part", `<!DOCTYPE html><html lang="en"><title>t</title><h1>h</h1>`,
			"one main part"},
		{"two first headings", fmt.Sprintf(good, `<h1>again</h1>`), "one first heading"},
		{"a level left out", fmt.Sprintf(good, `<h3>deep</h3>`), "level 3 after one of level 1"},
		{"an id twice", fmt.Sprintf(good, `<p id="a">a</p><p id="a">b</p>`), "the same id"},
		{"a name of nothing", fmt.Sprintf(good, `<p aria-describedby="b">a</p>`), "does not exist"},
		{"a link to nowhere", fmt.Sprintf(good, `<a href="#nowhere">a</a>`), "leads to #nowhere"},
		{"a picture", fmt.Sprintf(good, `<svg width="9" height="9"></svg>`),
			"picture without a name"},
		{"a field", fmt.Sprintf(good, `<input>`), "field without a label"},
		{"a button", fmt.Sprintf(good, `<button></button>`), "control without a name"},
		{"a small button", fmt.Sprintf(good, `<button style="width:9px">a</button>`), "too small"},
		{"a section", fmt.Sprintf(good, `<section>a</section>`), "part of the page without a name"},
		{"a table", fmt.Sprintf(good, `<table><tr><td>a</table>`), "table without headings"},
		{"a heading in a table", fmt.Sprintf(good, `<table><tr><th>a</table>`),
			"heading of nothing"},
		{"a list", fmt.Sprintf(good, `<ul><p>a</p></ul>`), "no item"},
		{"terms", fmt.Sprintf(good, `<dl><div><p>a</p></div></dl>`), "neither"},
		{"an order of its own", fmt.Sprintf(good, `<a href="#x" id="x" tabindex="3">a</a>`),
			"place of its own"},
		{"scrolling", fmt.Sprintf(good, `<div style="overflow:auto;height:9px">a<br>b</div>`),
			"no key reaches it"},
		{"grey on white", fmt.Sprintf(good, `<p style="color:#999">a</p>`), "contrast of 2.85"},
		{"grey on what is behind", fmt.Sprintf(good,
			`<div style="background:#222"><p style="color:#444">a</p></div>`), "contrast of 1.63"},
		{"transparent", fmt.Sprintf(good, `<p style="color:rgb(0 0 0 / 0.3)">a</p>`),
			"contrast of"},
		{"a pale field", fmt.Sprintf(good,
			`<label>a <input style="border:1px solid #ddd"></label>`), "border of a control"},
	} {
		x.run(t, c.name, func() {
			x.load(look{width: 800}, c.page)
			got := evaluate[[]string](x, audit)
			found := slices.ContainsFunc(got, func(s string) bool {
				return strings.Contains(s, c.wrong)
			})
			if c.wrong == "" && len(got) > 0 || c.wrong != "" && !found {
				x.Errorf("the audit finds %q, want one with %q", got, c.wrong)
			}
		})
	}
}

func TestChartsThatAreWrongAreFound(t *testing.T) {
	testenv.NotShort(t)
	b := browse(t)
	charts := script(t, "charts.js")
	x := b.open(t, look{width: 1200}, runOf(read(t, "first.jsonl")))
	x.openAll()
	x.finds(charts)
	for _, c := range []struct{ harm, wrong string }{
		{`document.querySelector("#C17-chart svg rect").remove()`, "C17-chart shows 7 of 8 values"},
		{`document.querySelectorAll("#C16-chart g[aria-label=rule] line").forEach((e) =>
			e.remove())`, "C16-chart shows 0 of 4 intervals"},
		{`document.querySelector("#C11-chart g[aria-label=line] path").remove()`,
			"C11-chart shows 4 of 5 lines"},
		{`document.querySelectorAll("#C17-chart-2 g[aria-label=area]").forEach((e) => e.remove())`,
			"C17-chart-2 shows no spread"},
		{`document.querySelector("#C1-chart svg").remove()`, "C1-chart has 0 pictures"},
		{`[...document.querySelectorAll("#C11-chart text")].find((e) =>
			e.textContent.includes("threshold")).remove()`,
			"C11-chart does not show its threshold"},
		{`[...document.querySelectorAll("#C11-chart text")].find((e) =>
			e.textContent === "select").remove()`, "C11-chart does not name select"},
		{`[...document.querySelectorAll("#C11-chart text")].find((e) =>
			e.textContent === "streams").setAttribute("transform", "translate(1190,50)")`,
			"is cut off"},
		{`document.querySelectorAll("#C11-chart g[aria-label=text] text").forEach((e) =>
			e.setAttribute("transform", "translate(50,50)"))`, "covers"},
		{`document.querySelector("#C17-chart").closest("figure").hidden = true`,
			"C17-chart is folded away"},
	} {
		evaluate[chromedp.Void](x, c.harm)
		got := evaluate[[]string](x, charts)
		if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, c.wrong) }) {
			t.Errorf("after %s: found %q, want one with %q", c.harm, got, c.wrong)
		}
	}
}
