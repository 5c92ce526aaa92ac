package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The sizes that are allowed. They are no measure of quality, only the point at
// which a reader begins to lose the beginning out of sight.
const (
	maxFunctionLines = 70
	maxFileLines     = 500
	maxColumns       = 100
	tabColumns       = 4
	maxMethods       = 6
	maxExported      = 25
)

// moreExported lists the packages that may export more names than others.
var moreExported = map[string]struct {
	names  int
	reason string
}{
	".":                {49, "it has the nouns of asyncio, and a name for each option and error"},
	"internal/sys":     {120, "it is the whole of the kernel that kettle uses, a name per call"},
	"internal/testenv": {30, "it has a name for each thing that a machine may lack"},
}

// functionLength finds functions that do not fit on a screen. Lines are counted
// from func to the closing brace, closures and comments within included: what
// one has to scroll through is what counts, not statements.
func functionLength(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			lines := t.line(fn.End()) - t.line(fn.Pos()) + 1
			if lines <= maxFunctionLines {
				continue
			}
			found = append(found, Finding{f.path, t.line(fn.Pos()),
				fmt.Sprintf("function %s has %d lines, %d are allowed", fn.Name.Name, lines,
					maxFunctionLines),
				"give each of its steps a function with a name"})
		}
	}
	return found
}

// fileLength finds files with too many lines, tests included: one noun does not
// fill that many.
func fileLength(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		if len(f.lines) > maxFileLines {
			found = append(found, Finding{f.path, len(f.lines),
				fmt.Sprintf("the file has %d lines, %d are allowed", len(f.lines), maxFileLines),
				"split it into files that are named after their nouns"})
		}
	}
	return found
}

// address matches what cannot be broken into two lines.
var address = regexp.MustCompile(`^\s*//.*\S*://\S+$`)

// lineWidth finds lines that do not fit beside a second file. Columns are
// characters, not bytes, and a tab counts as four. A comment that is nothing but
// an address may be longer, since breaking it would break the address.
func lineWidth(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		for i, line := range f.lines {
			tabs := strings.Count(line, "\t")
			width := utf8.RuneCountInString(line) + tabs*(tabColumns-1)
			if width > maxColumns && !address.MatchString(line) {
				found = append(found, Finding{f.path, i + 1,
					fmt.Sprintf("the line has %d columns, %d are allowed", width, maxColumns),
					fmt.Sprintf("break it (a tab counts as %d)", tabColumns)})
			}
		}
	}
	return found
}

// interfaceSize finds interfaces with many methods: whoever wants to put another
// implementation in their place, or a fake, has to write all of them. An embedded
// interface counts as one.
func interfaceSize(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			i, ok := n.(*ast.InterfaceType)
			if !ok || i.Methods.NumFields() <= maxMethods {
				return true
			}
			found = append(found, Finding{f.path, t.line(i.Pos()),
				fmt.Sprintf("the interface has %d methods, %d are allowed", i.Methods.NumFields(),
					maxMethods),
				"ask for what the caller needs only; policy stays with the caller"})
			return true
		})
	}
	return found
}

// exportedNames counts the names that a package offers at its top level: the
// union over all platforms. Methods and fields are not counted.
func exportedNames(t *Tree) []Finding {
	var found []Finding
	for _, dir := range t.directories() {
		names := map[string]bool{}
		first := ""
		for _, f := range t.in(dir) {
			if f.test || f.ast.Name.Name == "main" {
				continue
			}
			if first == "" {
				first = f.path
			}
			for _, d := range f.ast.Decls {
				for _, name := range declared(d) {
					if token.IsExported(name) {
						names[name] = true
					}
				}
			}
		}
		allowed := max(maxExported, moreExported[dir].names)
		if len(names) > allowed {
			found = append(found, Finding{first, 1,
				fmt.Sprintf("package %s exports %d names, %d are allowed", dir, len(names),
					allowed),
				"unexport what its users do not need, or split the package along its nouns"})
		}
	}
	return found
}

// declared returns the names that a declaration adds to its package.
func declared(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				names = append(names, s.Name.Name)
			case *ast.ValueSpec:
				for _, n := range s.Names {
					names = append(names, n.Name)
				}
			}
		}
		return names
	}
	return nil
}
