package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// makesConstant lists the functions whose result never changes: a variable that
// holds it, and is never assigned, is a constant that Go cannot declare.
var makesConstant = map[string]bool{
	"errors.New":          true,
	"fmt.Errorf":          true,
	"regexp.MustCompile":  true,
	"strings.NewReplacer": true,
	"sync.OnceFunc":       true,
	"sync.OnceValue":      true,
	"sync.OnceValues":     true,
	"template.Must":       true,
}

// packageVariables finds package-level variables that can change: state that
// belongs to nobody, that no test can replace and no reader can follow. Error
// values, embedded files, interface assertions (var _ I = T{}) and tables that
// nothing in the package writes are constants in all but name.
func packageVariables(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, s := range g.Specs {
				found = append(found, t.variable(f, g, s.(*ast.ValueSpec))...)
			}
		}
	}
	return found
}

// variable judges one declaration.
func (t *Tree) variable(f *file, g *ast.GenDecl, s *ast.ValueSpec) []Finding {
	var found []Finding
	for i, name := range s.Names {
		if name.Name == "_" || embedded(g, s) {
			continue
		}
		at := t.line(name.Pos())
		if len(s.Values) != len(s.Names) || !constant(s.Values[i], f) {
			found = append(found, Finding{f.path, at,
				"package variable " + name.Name + " is state, or should be a constant",
				"make it a const, a field of what owns it, or a parameter"})
			continue
		}
		if path, line := t.writes(f, s, name.Name); line > 0 {
			found = append(found, Finding{f.path, at,
				fmt.Sprintf("package variable %s is written at %s:%d", name.Name, path, line),
				"make it a field of what owns it, or build the table where it is declared"})
		}
	}
	return found
}

// embedded reports whether the variable is filled by a //go:embed line.
func embedded(g *ast.GenDecl, s *ast.ValueSpec) bool {
	for _, doc := range []*ast.CommentGroup{g.Doc, s.Doc} {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.HasPrefix(c.Text, "//go:embed ") {
				return true
			}
		}
	}
	return false
}

// constant reports whether a variable with this value is a constant as long as
// nothing writes it.
func constant(value ast.Expr, f *file) bool {
	switch v := value.(type) {
	case *ast.CompositeLit:
		// A literal of sync or sync/atomic is made to be written.
		return pkgOf(v.Type) != "sync" && pkgOf(v.Type) != "atomic"
	case *ast.FuncLit:
		// In the product a function has a declaration; a variable for one is a
		// seam that every test shares.
		return f.test
	case *ast.SelectorExpr:
		// An error of another package, under a name of this one.
		return f.test || strings.HasPrefix(v.Sel.Name, "Err") && pkgOf(v) != ""
	case *ast.Ident:
		return f.test // export_test.go gives names to what is not exported
	case *ast.CallExpr:
		if _, conversion := v.Fun.(*ast.ArrayType); conversion {
			return true
		}
		if f.test && pkgOf(v.Fun) == "flag" {
			return true
		}
		return makesConstant[callee(v)]
	}
	return false
}

// callee returns "pkg.Func" or "Func" of a call to a function with a name.
func callee(call *ast.CallExpr) string {
	switch fn := call.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		if x, ok := fn.X.(*ast.Ident); ok {
			return x.Name + "." + fn.Sel.Name
		}
	case *ast.IndexExpr:
		return callee(&ast.CallExpr{Fun: fn.X})
	}
	return ""
}

// pkgOf returns x of an expression x.Name.
func pkgOf(e ast.Expr) string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		if x, ok := s.X.(*ast.Ident); ok {
			return x.Name
		}
	}
	return ""
}

// writes returns the first place in the package of f where the variable
// declared by s is assigned, changed in place, or has its address taken.
func (t *Tree) writes(f *file, s *ast.ValueSpec, name string) (path string, line int) {
	for _, other := range t.in(f.dir) {
		ast.Inspect(other.ast, func(n ast.Node) bool {
			if line > 0 || n == s {
				return false
			}
			// Without types, "the same name" is the same variable, unless the
			// function around it declares the name for itself.
			for _, target := range written(n) {
				id := root(target)
				if id != nil && id.Name == name && !local(other, id) {
					path, line = other.path, t.line(id.Pos())
				}
			}
			return true
		})
	}
	return path, line
}

// written returns the expressions that a node changes.
func written(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		if fn := callee(n); (fn == "delete" || fn == "clear" || fn == "copy") && len(n.Args) > 0 {
			return n.Args[:1]
		}
	}
	return nil
}

// root returns the identifier that an expression like a.b[c].d starts from.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// local reports whether a function of the file that contains the identifier
// declares the same name itself: as a parameter, a result or a variable.
func local(f *file, id *ast.Ident) bool {
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || id.Pos() < fn.Pos() || id.Pos() > fn.End() {
			continue
		}
		found := false
		ast.Inspect(fn, func(n ast.Node) bool {
			found = found || declares(n, id.Name)
			return !found
		})
		return found
	}
	return false
}

// declares reports whether the node declares a local variable of that name.
func declares(n ast.Node, name string) bool {
	var names []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok == token.DEFINE {
			names = n.Lhs
		}
	case *ast.RangeStmt:
		names = []ast.Expr{n.Key, n.Value}
	case *ast.ValueSpec:
		for _, id := range n.Names {
			names = append(names, id)
		}
	case *ast.Field:
		for _, id := range n.Names {
			names = append(names, id)
		}
	}
	for _, e := range names {
		if id, ok := e.(*ast.Ident); ok && id.Name == name {
			return true
		}
	}
	return false
}

// initFunctions finds functions named init. They run in every program that
// imports the package, in every test of it, and before anything could be set up
// for them or replaced.
func initFunctions(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				found = append(found, Finding{f.path, t.line(fn.Pos()),
					"a function named init runs before main, at nobody's wish",
					"call a function with a name where the work is needed; tests have TestMain"})
			}
		}
	}
	return found
}
