package page_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/page"
)

// browser is a Chromium without a window.
type browser struct{ ctx context.Context }

// browse starts a browser that ends with the test.
func browse(t *testing.T) *browser {
	t.Helper()
	testenv.Need(t, testenv.Chromium)
	ctx, giveUp := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(giveUp)
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.WSURLReadTimeout(time.Minute)) // on a busy machine it takes long to start
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // starts it
		t.Fatalf("start the browser: %v", err)
	}
	return &browser{ctx}
}

// tab is one page after another. What a page says on the console, and what it asks for, is noted,
// and is an error.
type tab struct {
	testing.TB
	ctx context.Context

	mu       sync.Mutex
	url      string
	problems []string
}

// look is how somebody looks at a page.
type look struct {
	width int64
	dark  bool
	plain bool // scripts are turned off
}

// tab opens a tab, with a storage of its own, that is closed when the test ends.
func (b *browser) tab(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	x := &tab{TB: t, ctx: ctx}
	t.Cleanup(func() {
		cancel()
		x.report(t)
	})
	x.do(func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		if _, err := cdp.Call(ctx, t, log.Enable, cdp.Empty{}); err != nil {
			return none, err
		}
		_, err = cdp.Call(ctx, t, network.Enable, network.EnableParams{})
		return none, err
	})
	if err := chromedp.Listen(ctx, x.listen); err != nil {
		t.Fatal(err)
	}
	return x
}

// run runs a part of a test in the tab.
func (x *tab) run(t *testing.T, name string, f func()) {
	t.Run(name, func(t *testing.T) {
		whole := x.TB
		x.TB = t
		defer func() {
			x.report(t)
			x.TB = whole
		}()
		f()
	})
}

// report fails a test with what pages have done that they should not.
func (x *tab) report(t testing.TB) {
	t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.problems {
		t.Error(p)
	}
	x.problems = nil
}

// open opens the page of runs in a tab of its own.
func (b *browser) open(t *testing.T, as look, runs ...page.Run) *tab {
	t.Helper()
	x := b.tab(t)
	x.load(as, write(t, runs...))
	return x
}

// load shows a page from a disk, as somebody does to whom it was sent.
func (x *tab) load(as look, text string) {
	x.Helper()
	file := filepath.Join(x.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		x.Fatal(err)
	}
	x.mu.Lock()
	x.url = (&url.URL{Scheme: "file", Path: file}).String()
	x.mu.Unlock()
	x.do(chromedp.EmulateViewport(as.width, 900), func(ctx context.Context,
		t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled,
			emulation.SetScriptExecutionDisabledParams{Value: as.plain})
		return none, err
	}, medium("screen", as.dark), chromedp.Navigate(x.url))
}

// medium has pages shown on a screen, or as if printed.
func medium(name string, dark bool) chromedp.Action[chromedp.Void] {
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	return func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: name, Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}}})
		return none, err
	}
}

// listen notes what a page should not do.
func (x *tab) listen(event any) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		d := e.ExceptionDetails
		text := d.Text
		if d.Exception != nil {
			text += ": " + d.Exception.Description
		}
		x.problems = append(x.problems, fmt.Sprintf("exception at %d:%d: %s", d.LineNumber,
			d.ColumnNumber, text))
	case *runtime.EventConsoleAPICalled:
		x.problems = append(x.problems, fmt.Sprintf("the page says on the console: %s", e.Type))
	case *log.EventEntryAdded:
		x.problems = append(x.problems, fmt.Sprintf("the browser says: %s", e.Entry.Text))
	case *network.EventRequestWillBeSent:
		if e.Request.URL != x.url && !strings.HasPrefix(e.Request.URL, x.url+"#") {
			x.problems = append(x.problems, "the page asks for "+e.Request.URL)
		}
	}
}

// do carries out actions.
func (x *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	x.Helper()
	if err := chromedp.Do(x.ctx, actions...); err != nil {
		x.Fatal(err)
	}
}

// evaluate returns the value of an expression in a page.
func evaluate[T any](x *tab, expression string) T {
	x.Helper()
	v, err := chromedp.Run(x.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		x.Fatalf("%.60s: %v", expression, err)
	}
	return v
}

// settle waits until the page has drawn what is due.
func (x *tab) settle() {
	x.Helper()
	const frames = `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
		requestAnimationFrame(() => done(true)))))`
	if _, err := chromedp.Run(x.ctx, chromedp.Evaluate[bool](frames,
		chromedp.EvalAwaitPromise)); err != nil {
		x.Fatal(err)
	}
}

// press presses keys, as chromedp/kb names them.
func (x *tab) press(keys string) {
	x.Helper()
	x.do(chromedp.KeyEvent(keys))
}
