package tidy

import (
	"fmt"
	"go/ast"
	"io"
	"strings"
	"text/tabwriter"
)

// count is what make stats tells of one package.
type count struct {
	code     int // lines with code, outside tests
	comment  int // lines with nothing but a comment, outside tests
	proof    int // lines with code in tests and in conformance suites
	exported int // names at the top level
	longest  int // lines of the longest function
}

// WriteStats prints, for each package and for all of them, lines of code, the
// share of comments in the lines that are not blank, lines of tests for each
// line of code, exported names, and the longest function. It judges nothing:
// the aims are comments from 20 to 35 %, and 0.7 to 1.5 lines of tests.
func WriteStats(w io.Writer, t *Tree) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "code\tcomments\ttests\ttests:code\texported\tlongest\t package")
	var all count
	for _, dir := range t.directories() {
		c := t.count(dir)
		all.code += c.code
		all.comment += c.comment
		all.proof += c.proof
		all.exported += c.exported
		all.longest = max(all.longest, c.longest)
		c.write(table, dir)
	}
	all.write(table, "all")
	return table.Flush()
}

// write prints one line of the table.
func (c count) write(w io.Writer, name string) {
	share := 100 * float64(c.comment) / max(1, float64(c.code+c.comment))
	ratio := float64(c.proof) / max(1, float64(c.code))
	fmt.Fprintf(w, "%d\t%.0f %%\t%d\t%.2f\t%d\t%d\t %s\n",
		c.code, share, c.proof, ratio, c.exported, c.longest, name)
}

// count counts one directory.
func (t *Tree) count(dir string) count {
	var c count
	names := map[string]bool{}
	for _, f := range t.in(dir) {
		code, comment := f.countLines(t)
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				c.longest = max(c.longest, t.line(fn.End())-t.line(fn.Pos())+1)
			}
			for _, name := range declared(d) {
				if !f.test && ast.IsExported(name) && f.ast.Name.Name != "main" {
					names[name] = true
				}
			}
		}
		if f.proves() {
			c.proof += code
			continue
		}
		c.code += code
		c.comment += comment
	}
	c.exported = len(names)
	return c
}

// countLines counts the lines of a file with code, and those with a comment
// only. A blank line within a comment is part of it.
func (f *file) countLines(t *Tree) (code, comment int) {
	commented := map[int]bool{}
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			// A comment behind code does not make the line a comment's.
			first := t.line(c.Pos())
			if before := f.lines[first-1]; !strings.HasPrefix(strings.TrimSpace(before), "/") {
				first++ // it begins behind code
			}
			for n := first; n <= t.line(c.End()-1); n++ {
				commented[n] = true
			}
		}
	}
	for i, line := range f.lines {
		switch {
		case commented[i+1]:
			comment++
		case strings.TrimSpace(line) != "":
			code++
		}
	}
	return code, comment
}
