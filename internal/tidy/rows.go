package tidy

import (
	"fmt"
	"io"
	"regexp"
	"strings"
)

// behaviours is the document that lists what the tests hold: tables whose rows
// are "| S14 | behaviour | origin |", with a fourth column where no test holds
// the row on every system: "n/a: reason", or "kqueue: held where kqueue exists".
const behaviours = "docs/behaviours.md"

// A Row is one behaviour, and the tests that hold it.
type Row struct {
	ID        string // "S14"
	Behaviour string
	Note      string   // the fourth column: why no test here holds it
	Line      int      // of docs/behaviours.md
	Held      []string // "path:line" of each comment that names the row
}

// applies reports whether the row has a meaning in Go at all.
func (r Row) applies() bool { return !strings.HasPrefix(r.Note, "n/a") }

var (
	rowLine = regexp.MustCompile(`^\|\s*([A-Z]{1,2}[0-9]+)\s*\|(.*)\|\s*$`)
	rowName = regexp.MustCompile(`\b([A-Z]{1,2})[0-9]+\b`)

	// cited matches the names that a comment cites: those that it begins with,
	// and any that a colon follows. In other places a name is only mentioned.
	cited = regexp.MustCompile(
		`^//\s*[A-Z]{1,2}[0-9]+(?:(?:,? and|,)\s+[A-Z]{1,2}[0-9]+)*\b|\b[A-Z]{1,2}[0-9]+:`)
)

// Rows returns the rows of docs/behaviours.md in their order, each with the
// comments of tests that name it: `// S14`, `// S14, S15: what they share`, `// S14:
// this. S15: that`. Only the letters that some row begins with make a word a row.
func Rows(t *Tree) []Row {
	rows, _ := t.rows()
	return rows
}

// citation is a row's name in a comment of a test.
type citation struct {
	id, path string
	line     int
}

// rows returns the rows and the citations of rows that do not exist.
func (t *Tree) rows() (rows []Row, unknown []citation) {
	index := map[string]int{}
	letters := map[string]bool{}
	for i, line := range strings.Split(t.documents[behaviours], "\n") {
		m := rowLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		row := Row{ID: m[1], Line: i + 1}
		// A bar within a cell is written \|.
		cells := strings.Split(strings.ReplaceAll(m[2], `\|`, "\x00"), "|")
		for c := range cells {
			cells[c] = strings.TrimSpace(strings.ReplaceAll(cells[c], "\x00", "|"))
		}
		row.Behaviour = cells[0]
		if len(cells) > 2 {
			row.Note = cells[2]
		}
		if _, twice := index[row.ID]; !twice {
			index[row.ID] = len(rows)
		}
		letters[row.table()] = true
		rows = append(rows, row)
	}
	for _, c := range t.citations(letters) {
		if i, ok := index[c.id]; ok {
			rows[i].Held = append(rows[i].Held, fmt.Sprintf("%s:%d", c.path, c.line))
		} else {
			unknown = append(unknown, c)
		}
	}
	return rows, unknown
}

// citations returns the rows that comments of tests name. This package is left
// out: its comments explain what a citation is.
func (t *Tree) citations(letters map[string]bool) []citation {
	var all []citation
	for _, f := range t.files {
		if !f.proves() || within(f.dir, "internal/tidy") {
			continue
		}
		for _, group := range f.ast.Comments {
			for _, c := range group.List {
				names := strings.Join(cited.FindAllString(c.Text, -1), " ")
				for _, m := range rowName.FindAllStringSubmatch(names, -1) {
					if letters[m[1]] {
						all = append(all, citation{m[0], f.path, t.line(c.Pos())})
					}
				}
			}
		}
	}
	return all
}

// rowsHeld compares the document with the tests, both ways.
func rowsHeld(t *Tree) []Finding {
	rows, unknown := t.rows()
	if len(rows) == 0 {
		return []Finding{{behaviours, 0, "there are no rows",
			"list the behaviours that tests hold: | S14 | behaviour | origin |"}}
	}
	var found []Finding
	for _, c := range unknown {
		found = append(found, Finding{c.path, c.line, "row " + c.id + " is not in " + behaviours,
			"add the row, or correct its number"})
	}
	seen := map[string]bool{}
	for _, r := range rows {
		switch {
		case seen[r.ID]:
			found = append(found, Finding{behaviours, r.Line, "row " + r.ID + " stands there twice",
				"number it anew"})
		case len(r.Held) == 0 && r.Note == "":
			found = append(found, Finding{behaviours, r.Line, "no test names row " + r.ID,
				"name it in the test that holds it, or give the reason in a fourth column"})
		case len(r.Held) > 0 && !r.applies():
			found = append(found, Finding{behaviours, r.Line,
				fmt.Sprintf("row %s is said not to apply, but %s holds it", r.ID, r.Held[0]),
				"take the reason away, or the comment"})
		}
		seen[r.ID] = true
	}
	return inOrder(found)
}

// table returns the letters that the rows of the same table begin with.
func (r Row) table() string { return strings.TrimRight(r.ID, "0123456789") }

// WriteRows prints how many rows tests hold, in all and of each table, and each
// that none holds with the reason.
func WriteRows(w io.Writer, t *Tree) {
	rows := Rows(t)
	var open []Row
	var tables []string
	held, all := map[string]int{}, map[string]int{}
	for _, r := range rows {
		if all[r.table()]++; all[r.table()] == 1 {
			tables = append(tables, r.table())
		}
		if len(r.Held) == 0 {
			open = append(open, r)
			continue
		}
		held[r.table()]++
	}
	for i, name := range tables {
		tables[i] = fmt.Sprintf("%s %d/%d", name, held[name], all[name])
	}
	fmt.Fprintf(w, "%d of %d behaviours of %s are held by tests (%s)", len(rows)-len(open),
		len(rows), behaviours, strings.Join(tables, ", "))
	if len(open) == 0 {
		fmt.Fprintln(w, ".")
		return
	}
	fmt.Fprintln(w, "; these are not:")
	for _, r := range open {
		reason := r.Note
		if reason == "" {
			reason = "no test names it"
		}
		fmt.Fprintf(w, "  %-4s %s (%s)\n", r.ID, r.Behaviour, reason)
	}
}
