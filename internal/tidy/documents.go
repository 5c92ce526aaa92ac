package tidy

import (
	"fmt"
	"iter"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// link matches a Markdown link or picture, and the definition of a link.
var link = regexp.MustCompile(`\]\(([^()\s]+)(?:\s+"[^"]*")?\)|^\[[^\]]+\]:\s+(\S+)`)

// span matches code within a line.
var span = regexp.MustCompile("`[^`]*`")

// prose yields the lines of a Markdown text that are not code, without the
// spans of code in them; the numbers count from 1.
func prose(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		fenced := false
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
				continue
			}
			if !fenced && !yield(i+1, span.ReplaceAllString(line, "")) {
				return
			}
		}
	}
}

// target is where a relative link of a document leads.
type target struct {
	path, anchor string
	line         int
}

// targets returns the relative links of a document.
func targets(name, text string) []target {
	var all []target
	for n, line := range prose(text) {
		for _, m := range link.FindAllStringSubmatch(line, -1) {
			to := m[1] + m[2]
			if strings.Contains(to, ":") { // https:, mailto:
				continue
			}
			file, anchor, _ := strings.Cut(to, "#")
			if file == "" { // "#heading": this document
				file = name
			} else {
				file = path.Join(path.Dir(name), file)
			}
			all = append(all, target{path.Clean(file), anchor, n})
		}
	}
	return all
}

// links finds relative links that lead nowhere: to a file that does not exist,
// or to a heading that the document does not have. Addresses with a scheme are
// left alone, since a test that needs the network fails for reasons of its own.
func links(t *Tree) []Finding {
	var found []Finding
	for name, text := range t.documents {
		for _, to := range targets(name, text) {
			if !t.paths[to.path] {
				found = append(found, Finding{name, to.line, "the link leads to " + to.path +
					", which does not exist", "correct the link, or write what it promises"})
				continue
			}
			other, isDocument := t.documents[to.path]
			if to.anchor != "" && isDocument && !anchors(other)[to.anchor] {
				found = append(found, Finding{name, to.line,
					fmt.Sprintf("%s has no heading #%s", to.path, to.anchor),
					"link to a heading that exists"})
			}
		}
	}
	return inOrder(found)
}

// heading matches a Markdown heading.
var heading = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)

// anchors returns the anchors of a document's headings: their text in lower
// case, without punctuation, with hyphens for spaces, and a number from the
// second of the same name on.
func anchors(text string) map[string]bool {
	known := map[string]bool{}
	fenced := false
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		m := heading.FindStringSubmatch(line)
		if fenced || m == nil {
			continue
		}
		base := anchor(m[1])
		name := base
		for i := 1; known[name]; i++ {
			name = fmt.Sprintf("%s-%d", base, i)
		}
		known[name] = true
	}
	return known
}

// linked matches a link in a heading, of which only the text counts.
var linked = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// anchor turns the text of a heading into the name that a link uses for it, in
// the manner of the common Markdown sites.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			return unicode.ToLower(r)
		}
		return -1
	}, linked.ReplaceAllString(title, "$1"))
}

// unlinkedDocuments finds documents in docs that no other document links to.
func unlinkedDocuments(t *Tree) []Finding {
	reached := map[string]bool{}
	for name, text := range t.documents {
		for _, to := range targets(name, text) {
			if to.path != name {
				reached[to.path] = true
			}
		}
	}
	var found []Finding
	for name := range t.documents {
		if within(path.Dir(name), "docs") && !reached[name] {
			found = append(found, Finding{name, 0, "no document links to this one",
				"link to it from README.md, ARCHITECTURE.md or CONTRIBUTING.md, or delete it"})
		}
	}
	return inOrder(found)
}

// made matches a make target in code; ran matches the package of a go command.
var (
	made = regexp.MustCompile(`(?:^|[\x60;&]|\$ )\s*make ([a-z][a-z-]*)`)
	ran  = regexp.MustCompile(`\bgo (?:run|test|vet|build) (?:-\S+ )*\./([\w/-]*)`)
	goal = regexp.MustCompile(`(?m)^([a-z][a-z-]*):`)
)

// commands finds commands in documents and comments that do not exist: targets
// that are not in the Makefile, packages that are not in the tree.
func commands(t *Tree) []Finding {
	goals := map[string]bool{}
	for _, m := range goal.FindAllStringSubmatch(t.documents["Makefile"], -1) {
		goals[m[1]] = true
	}
	var found []Finding
	look := func(name string, n int, line string) {
		for _, m := range made.FindAllStringSubmatch(line, -1) {
			if !goals[m[1]] {
				found = append(found, Finding{name, n, "the Makefile has no target " + m[1],
					"name one that `make help` lists"})
			}
		}
		for _, m := range ran.FindAllStringSubmatch(line, -1) {
			if dir := path.Clean(strings.TrimSuffix(m[1], "...")); !t.paths[dir] {
				found = append(found, Finding{name, n, "there is no package ./" + m[1],
					"name a directory of this repository"})
			}
		}
	}
	for name, text := range t.documents {
		for n, line := range code(name, text) {
			look(name, n, line)
		}
	}
	for _, f := range t.files {
		for i, line := range f.lines {
			if _, comment, ok := strings.Cut(line, "//"); ok && strings.Contains(comment, "`") {
				look(f.path, i+1, comment)
			}
		}
	}
	return inOrder(found)
}

// code yields the lines of a document that have code in them: all of the
// Makefile, the fenced lines of a Markdown text, and its spans of code.
func code(name, text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		fenced := path.Ext(name) != ".md"
		for i, line := range strings.Split(text, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
				continue
			}
			if !fenced {
				line = strings.Join(span.FindAllString(line, -1), " ")
			}
			if !yield(i+1, line) {
				return
			}
		}
	}
}
