package page

import (
	"errors"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// svg returns a picture with something in it.
func svg(inside string) string {
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">` + inside + `</svg>`
}

func TestPicturesBecomePartsOfThePage(t *testing.T) {
	const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">`
	for _, c := range []struct{ name, in, want string }{
		{"shapes", svg(`<rect x="1"/>`), head + `<rect x="1"></rect></svg>`},
		{"text", svg(`<text>a &lt;b&gt; &amp;</text>`),
			head + `<text>a &lt;b&gt; &amp;</text></svg>`},
		{"a declaration and a comment", `<?xml version="1.0"?>` + "\n" + svg(`<!-- a --><g/>`) +
			"\n", head + `<g></g></svg>`},
		{"names", svg(`<g id="a"/><use href="#a"/><use xlink:href="#a"/><g clip-path="url(#a)"/>`),
			head + `<g id="P-a"></g><use href="#P-a"></use><use xlink:href="#P-a"></use>` +
				`<g clip-path="url(#P-a)"></g></svg>`},
		{"its text", svg(`<title id="t">x</title><desc id="d"/>`) + "",
			head + `<title id="P-t">x</title><desc id="P-d"></desc></svg>`},
		{"labels", `<svg role="img" aria-labelledby="t d"></svg>`,
			`<svg role="img" aria-labelledby="P-t P-d"></svg>`},
		{"styles", svg(`<style>#b .a { fill: url(#b); color: #bad }</style><g id="b"/>`),
			head + `<style>#P{#P-b .a { fill: url(#P-b); color: #bad }}</style>` +
				`<g id="P-b"></g></svg>`},
		{"two", svg("") + "\n" + svg(`<g/>`), head + `</svg>` + head + `<g></g></svg>`},
	} {
		got, err := own(c.in, "P")
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, c.want)
		}
	}
}

func TestPicturesThatDoMoreAreRefused(t *testing.T) {
	for _, c := range []struct{ name, in, wrong string }{
		{"a script", svg(`<script>alert(1)</script>`), "element script"},
		{"a script in capitals", svg(`<SCRIPT/>`), "element SCRIPT"},
		{"HTML within", svg(`<foreignObject><b/></foreignObject>`), "element foreignObject"},
		{"a picture from elsewhere", svg(`<image href="https://example.org/a.png"/>`),
			"element image"},
		{"an animation of a link", svg(`<animate attributeName="href"/>`), "element animate"},
		{"a handler", svg(`<g onclick="alert(1)"/>`), "onclick, which runs"},
		{"a link", svg(`<a href="javascript:alert(1)"/>`), "outside of it"},
		{"an old link", svg(`<a xlink:href="https://example.org"/>`), "outside of it"},
		{"a fill from elsewhere", svg(`<g fill="url(https://example.org/#a)"/>`),
			"loads something"},
		{"a style from elsewhere", svg(`<style>a{fill:url( "//example.org")}</style>`),
			"loads something"},
		{"an import", svg(`<style>@import "a.css"</style>`), "loads something"},
		{"HTML", `<p>no</p>`, "outside of svg"},
		{"nothing", "just text", "no element"},
		{"no end", `<svg><g>`, "does not end its element g"},
		{"another end", `<svg></g></svg>`, "not open"},
		{"no XML", `<svg><`, "read the picture"},
	} {
		got, err := own(c.in, "P")
		if err == nil || !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v, want an error with %q; the picture: %s", c.name, err, c.wrong, got)
		}
	}
}

// TestPicturesThatCannotBeDrawnAreSaidToBeSo: in their place, and the rest of the page is there.
func TestPicturesThatCannotBeDrawnAreSaidToBeSo(t *testing.T) {
	type draw = func(claims.ChartKind, []string, *results.Set) (string, error)
	returning := func(picture string, err error) draw {
		return func(claims.ChartKind, []string, *results.Set) (string, error) {
			return picture, err
		}
	}
	run := Run{Set: &results.Set{}, Verdicts: []claims.Verdict{charting("C1", claims.Chart{
		Kind: claims.Timelines, Title: "Lanes", Models: []string{"blocking"}})}}
	for _, c := range []struct {
		name string
		draw draw
		want string
	}{
		{"drawn", returning(svg(""), nil), `viewBox="0 0 9 9"></svg>`},
		{"not recorded", returning("", nil), "The results have no recording of this."},
		{"nobody draws", nil, "The results have no recording of this."},
		{"an error", returning("", errors.New("no <such> lane")),
			"The picture could not be drawn: no &lt;such&gt; lane."},
		{"no picture", returning("<p/>", nil),
			"The picture could not be drawn: the picture has p outside of svg."},
	} {
		var text strings.Builder
		if err := Write(&text, []Run{run}, Options{Draw: c.draw}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !strings.Contains(text.String(), c.want) || !strings.Contains(text.String(), "</html>") {
			t.Errorf("%s: the page does not say %q", c.name, c.want)
		}
	}
}
