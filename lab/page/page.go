// Package page writes what runs of the lab have shown as one HTML file: the claims with their
// verdicts and pictures, every figure that was measured, the source of the models, and how and
// where it was measured.
//
//	set, err := results.Read(file)
//	...
//	run := page.Run{Set: set, Verdicts: claims.Of(set)}
//	err = page.Write(out, []page.Run{run}, page.Options{})
//
// Several runs are shown side by side, in charts with the same axes, and what differs is marked.
//
// The file needs nothing besides itself: it forbids the browser every request. What it has to say
// stands in its HTML, so it can be read without scripts; they draw the charts (charts.go has what
// of, page.js how) and sort and filter the table of all measurements. It is a function of its
// arguments alone: the same results give the same bytes.
//
// Everything in results is taken for hostile, since servers that somebody else has written choose
// their names and their errors: html/template escapes it, data for the charts is JSON that cannot
// leave its element, pictures that others have drawn are read and written anew (drawing.go), and a
// policy in the file lets no script run but those that are embedded here.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/kettle-go/kettle/lab/claims"
	"github.com/kettle-go/kettle/lab/results"
)

// Run is one run of the lab.
type Run struct {
	Title    string // tells it from others; empty: the run's own title
	Set      *results.Set
	Verdicts []claims.Verdict
}

// Options are what can be chosen of a page.
type Options struct {
	Title string // the heading; empty: one that fits any run

	// Draw returns the picture of a chart of a kind that is drawn from recordings (Timelines,
	// KernelLanes), of these models, as one SVG element or several; "" if the results do not have
	// it. It takes its colours from currentColor or from light-dark(), so that the page's theme
	// is its own. Where Draw is nil, no such chart has a picture.
	Draw func(kind claims.ChartKind, models []string, set *results.Set) (string, error)
}

// libraries are the scripts that draw, in the order in which they depend on each other.
const (
	d3Script   = "thirdparty/d3.min.js"
	plotScript = "thirdparty/plot.umd.min.js"
	ownScript  = "page.js"
)

//go:embed *.html page.css page.js thirdparty/*.js thirdparty/*.LICENSE
var files embed.FS

// document is the page as a template.
var document = sync.OnceValues(func() (*template.Template, error) {
	return template.New("page.html").ParseFS(files, "*.html")
})

// Write writes the page of one run, or of several side by side.
func Write(w io.Writer, runs []Run, o Options) error {
	if err := write(w, runs, o); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

func write(w io.Writer, runs []Run, o Options) error {
	if len(runs) == 0 {
		return errors.New("there is no run to show")
	}
	for i, r := range runs {
		if r.Set == nil {
			return fmt.Errorf("run %d of %d has no results", i+1, len(runs))
		}
	}
	v, err := newView(runs, o)
	if err != nil {
		return err
	}
	t, err := document()
	if err != nil {
		return err
	}
	var whole bytes.Buffer // nothing is written of a page that cannot be made
	if err := t.Execute(&whole, v); err != nil {
		return err
	}
	_, err = w.Write(whole.Bytes())
	return err
}

// assets are what the page has of files of its own.
type assets struct {
	Style    template.CSS
	Scripts  []template.JS
	Policy   string // what the browser may do: to run these scripts, and nothing else
	Licences []licence
}

// licence is what allows to embed a library.
type licence struct{ Name, Text string }

// loadAssets reads the files that are embedded.
func loadAssets() (assets, error) {
	var a assets
	style, err := files.ReadFile("page.css")
	if err != nil {
		return a, err
	}
	a.Style = template.CSS(style)
	var hashes []string
	for _, name := range []string{d3Script, plotScript, ownScript} {
		script, err := files.ReadFile(name)
		if err != nil {
			return a, err
		}
		sum := sha256.Sum256(script)
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
		a.Scripts = append(a.Scripts, template.JS(script))
	}
	a.Policy = "default-src 'none'; base-uri 'none'; form-action 'none'; " +
		"style-src 'unsafe-inline'; script-src " + strings.Join(hashes, " ")
	for _, l := range []licence{{"Observable Plot 0.6.17", "thirdparty/plot.LICENSE"},
		{"D3 7.9.0", "thirdparty/d3.LICENSE"}} {
		text, err := files.ReadFile(l.Text)
		if err != nil {
			return a, err
		}
		a.Licences = append(a.Licences, licence{l.Name, strings.TrimSpace(string(text))})
	}
	return a, nil
}
