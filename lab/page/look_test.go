package page_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/page"
)

// TestPageLooksRight looks at the page in windows of several widths, in both themes, folded and
// unfolded: nothing stands beside its window, charts show what they should, texts can be read, and
// what is there has a name. With -artifacts it leaves pictures for somebody to look at.
func TestPageLooksRight(t *testing.T) {
	testenv.NotShort(t)
	b := browse(t)
	first, second := runOf(read(t, "first.jsonl")), runOf(read(t, "second.jsonl"))
	charts, audit := script(t, "charts.js"), script(t, "audit.js")
	x := b.tab(t)
	for name, runs := range map[string][]page.Run{"one": {first}, "two": {first, second}} {
		text := write(t, runs...)
		for _, width := range []int64{400, 1200, 2000} {
			for theme, dark := range map[string]bool{"light": false, "dark": true} {
				name := fmt.Sprintf("%s-%d-%s", name, width, theme)
				x.run(t, name, func() {
					x.load(look{width: width, dark: dark}, text)
					x.settle()
					x.photograph(name)
					x.fits(width)
					x.openAll()
					x.photograph(name + "-unfolded")
					x.fits(width)
					x.finds(charts)
					x.finds(audit)
				})
			}
		}
	}
}

// script returns a script of testdata, which returns what is wrong.
func script(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// finds fails the test with what a script finds.
func (x *tab) finds(script string) {
	x.Helper()
	for _, wrong := range evaluate[[]string](x, script) {
		x.Error(wrong)
	}
}

// photograph leaves a picture of the whole page, if somebody has asked for it.
func (x *tab) photograph(name string) {
	x.Helper()
	if asked := flag.Lookup("test.artifacts"); asked == nil || asked.Value.String() != "true" {
		return
	}
	file := filepath.Join(x.ArtifactDir(), name+".png")
	picture, err := chromedp.Run(x.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(file, picture, 0o644)
	}
	if err != nil {
		x.Fatal(err)
	}
	x.Log(file)
}

// fits checks that nothing of the page is beside its window.
func (x *tab) fits(width int64) {
	x.Helper()
	if w := evaluate[int64](x, `document.documentElement.scrollWidth`); w > width {
		x.Errorf("the page is %d wide in a window of %d", w, width)
	}
}

// openAll unfolds whatever is folded.
func (x *tab) openAll() {
	x.Helper()
	evaluate[chromedp.Void](x, `document.querySelectorAll("details").forEach((d) => d.open = true)`)
	x.settle()
}
