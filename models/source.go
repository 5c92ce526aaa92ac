package models

import (
	"embed"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

//go:embed blocking.go processes.go prefork.go threads.go polling.go select.go poll.go
//go:embed selectors.go coroutines.go goroutines.go protocol.go streams.go uring.go
//go:embed client.go conn.go single.go selecting.go children.go loops.go
var source embed.FS

// Lines counts the lines of code, without comments and blank lines, of the model's own file
// (own) and of this with the other files that it needs (all). What is every model's is in
// neither: listening, limits, the log.
func (m Model) Lines() (own, all int) {
	for i, name := range m.files {
		text, err := source.ReadFile(name)
		if err != nil {
			panic(err) // the files are embedded, and a test reads each
		}
		lines := codeLines(string(text))
		if all += lines; i == 0 {
			own = lines
		}
	}
	return own, all
}

// codeLines counts the lines of Go source that are neither blank nor only a comment. This
// package has no comments between /* and */.
func codeLines(text string) int {
	lines := strings.Split(text, "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		line = strings.TrimSpace(line)
		return line == "" || strings.HasPrefix(line, "//")
	})
	return len(lines)
}

// File returns the name of the file that shows the model.
func (m Model) File() string { return m.files[0] }

// Source returns the text of that file.
func (m Model) Source() string {
	text, err := source.ReadFile(m.File())
	if err != nil {
		panic(err) // the files are embedded, and a test reads each
	}
	return string(text)
}

// Tests counts how often the code between a wait and the code of a client asks what has happened,
// and to whom: each if and each case of the function that passes events on, but those that look for
// an error. Of a model that has no such function it returns false.
func (m Model) Tests() (int, bool) {
	if m.dispatch == "" {
		return 0, false
	}
	file, err := parser.ParseFile(token.NewFileSet(), m.File(), m.Source(), 0)
	if err != nil {
		panic(err) // it has been compiled
	}
	n := 0
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == m.dispatch {
			n += tests(f)
		}
	}
	return n, true
}

// tests counts the tests in a function, one for each if and each case.
func tests(f *ast.FuncDecl) (n int) {
	ast.Inspect(f, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt:
			if !looksForError(node.Cond) {
				n++
			}
		case *ast.CaseClause:
			if len(node.List) > 0 { // it is no default
				n++
			}
		}
		return true
	})
	return n
}

func looksForError(condition ast.Expr) (found bool) {
	ast.Inspect(condition, func(node ast.Node) bool {
		name, ok := node.(*ast.Ident)
		found = found || ok && name.Name == "err"
		return true
	})
	return found
}
