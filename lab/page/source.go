package page

import (
	"go/scanner"
	"go/token"
	"html"
	"html/template"
	"slices"
	"strings"

	"github.com/kettle-go/kettle/internal/words"
	"github.com/kettle-go/kettle/lab/results"
)

// listing is the source of a model, which stands on the page once: claims have it beside them by
// its anchor.
type listing struct {
	Anchor  string
	Runs    string // whose it is, where there are several runs and they differ
	Name    string
	Summary string
	File    string
	Lines   string // how many lines of code there are
	Code    template.HTML
	model   results.Model
}

// listings returns the sources of the models of all runs, each once.
func (v *view) listings() []*listing {
	var all []*listing
	holders := make(map[*listing][]string)
	for i, r := range v.runs {
		for _, m := range r.Set.Models {
			k := slices.IndexFunc(all, func(l *listing) bool { return looksLike(l.model, m) })
			if k < 0 {
				k = len(all)
				all = append(all, &listing{Anchor: v.anchor("source-" + m.Name), Name: m.Name,
					Summary: m.Summary, File: m.File, Lines: lineCount(m),
					Code: highlight(m.Source), model: m})
			}
			holders[all[k]] = append(holders[all[k]], v.Runs[i].Letter)
		}
	}
	for _, l := range all {
		if len(holders[l]) < len(v.runs) {
			l.Runs = strings.Join(holders[l], ", ")
		}
	}
	slices.SortStableFunc(all, func(a, b *listing) int {
		return v.serverOrder(a.Name) - v.serverOrder(b.Name)
	})
	return all
}

// looksLike reports whether two models are shown in the same way.
func looksLike(a, b results.Model) bool {
	a.Tests, b.Tests = nil, nil // which are figures of a claim
	return a == b
}

// lineCount says how long a model's source is.
func lineCount(m results.Model) string {
	text := words.Count(m.OwnLines, "line") + " of code"
	if m.Lines > m.OwnLines {
		text += ", " + words.Count(m.Lines, "line") + " with the files that it shares"
	}
	return text
}

// class is what a byte of source belongs to.
type class byte

const (
	ordinary class = iota
	keyword
	comment
	literal
)

// name is the class's in HTML.
func (c class) name() string { return [...]string{"", "k", "c", "l"}[c] }

// highlight returns Go source as HTML: an element for each line, and in it one for each keyword,
// comment and literal. What cannot be read as Go is shown without.
func highlight(source string) template.HTML {
	classes := classify(source)
	var b strings.Builder
	for from := 0; from < len(source); {
		to := from + strings.IndexByte(source[from:]+"\n", '\n')
		b.WriteString(`<span class="line">`)
		for from < to {
			end := from + 1
			for end < to && classes[end] == classes[from] {
				end++
			}
			text := html.EscapeString(source[from:end])
			if c := classes[from]; c != ordinary {
				text = `<span class="` + c.name() + `">` + text + "</span>"
			}
			b.WriteString(text)
			from = end
		}
		b.WriteString("\n</span>")
		from = to + 1
	}
	return template.HTML(b.String())
}

// classify tells the class of each byte.
func classify(source string) []class {
	classes := make([]class, len(source))
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(source))
	var s scanner.Scanner
	s.Init(file, []byte(source), func(token.Position, string) {}, scanner.ScanComments)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return classes
		}
		c := ordinary
		switch {
		case tok == token.COMMENT:
			c = comment
		case tok.IsKeyword():
			c = keyword
		case tok.IsLiteral() && tok != token.IDENT:
			c = literal
		}
		// A literal's text is without the carriage returns of the source, so it may end early.
		from := file.Offset(pos)
		for i := from; i < min(from+len(text), len(source)); i++ {
			classes[i] = c
		}
	}
}
