package tidy

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"strconv"

	"github.com/kettle-go/kettle/internal/testenv"
)

// A Use is a place in the tests that says what it needs of the machine.
type Use struct {
	Path     string // the test file
	Line     int
	Function string // the test, or the helper of tests, that the call stands in
	Missing  error  // why it is skipped on this machine; nil if it is not
}

// String returns "path: function: why".
func (u Use) String() string { return fmt.Sprintf("%s: %s: %v", u.Path, u.Function, u.Missing) }

// Uses returns every need that a test file states, and whether this machine has
// it. It runs the probes of what it finds, once each.
func Uses(t *Tree) []Use {
	var uses []Use
	for _, f := range t.files {
		if !f.proves() || within(f.dir, "internal/testenv") {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || pkgOf(call.Fun) != "testenv" {
					return true
				}
				for _, missing := range t.missing(f, call) {
					uses = append(uses, Use{f.path, t.line(call.Pos()), fn.Name.Name, missing})
				}
				return true
			})
		}
	}
	return uses
}

// missing asks package testenv about each need of one call.
func (t *Tree) missing(f *file, call *ast.CallExpr) []error {
	// Need takes names, one for each capability; the others take one number or
	// nothing.
	function := call.Fun.(*ast.SelectorExpr).Sel.Name
	if function != "Need" {
		n := 0
		if len(call.Args) > 1 {
			value, ok := t.integer(f, call.Args[1])
			if !ok {
				return []error{fmt.Errorf("%w: the number is neither a literal nor a constant",
					testenv.ErrUnknown)}
			}
			n = value
		}
		return []error{testenv.Missing(function, "", n)}
	}
	var why []error
	for _, arg := range call.Args[min(1, len(call.Args)):] {
		if s, ok := arg.(*ast.SelectorExpr); ok && pkgOf(arg) == "testenv" {
			why = append(why, testenv.Missing(function, s.Sel.Name, 0))
			continue
		}
		why = append(why, fmt.Errorf("%w: the capability is not named in the call",
			testenv.ErrUnknown))
	}
	return why
}

// integer returns the value of a literal, of a constant that the package of f
// declares with a literal, and of their products and sums.
func (t *Tree) integer(f *file, e ast.Expr) (int, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		n, err := strconv.ParseInt(e.Value, 0, 64)
		return int(n), err == nil
	case *ast.ParenExpr:
		return t.integer(f, e.X)
	case *ast.BinaryExpr:
		x, okX := t.integer(f, e.X)
		y, okY := t.integer(f, e.Y)
		switch e.Op {
		case token.ADD:
			return x + y, okX && okY
		case token.SUB:
			return x - y, okX && okY
		case token.MUL:
			return x * y, okX && okY
		}
	case *ast.Ident:
		return t.namedInteger(f, e.Name)
	}
	return 0, false
}

// namedInteger looks a constant up in the package of f and in its functions.
func (t *Tree) namedInteger(f *file, name string) (n int, ok bool) {
	for _, other := range t.in(f.dir) {
		ast.Inspect(other.ast, func(node ast.Node) bool {
			g, isDecl := node.(*ast.GenDecl)
			if !isDecl || g.Tok != token.CONST {
				return true
			}
			for _, s := range g.Specs {
				value := s.(*ast.ValueSpec)
				for i, id := range value.Names {
					if id.Name == name && i < len(value.Values) && !refers(value.Values[i], name) {
						n, ok = t.integer(other, value.Values[i])
					}
				}
			}
			return true
		})
	}
	return n, ok
}

// refers reports whether the expression mentions the name.
func refers(e ast.Expr, name string) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return true
	})
	return found
}

// unknownNeeds finds calls of package testenv that its table does not answer,
// so that no list could tell of their skips.
func unknownNeeds(t *Tree) []Finding {
	var found []Finding
	for _, u := range Uses(t) {
		if errors.Is(u.Missing, testenv.ErrUnknown) {
			found = append(found, Finding{u.Path, u.Line, u.Missing.Error(),
				"name a constant of internal/testenv, or a number, in the call itself"})
		}
	}
	return found
}
