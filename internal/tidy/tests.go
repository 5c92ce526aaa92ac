package tidy

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// sleepingTests finds tests that wait for time to pass instead of for what they
// want to see: they are slow where the machine is fast, and fail where it is
// slow. In a bubble of testing/synctest time passes at once; in the lab, time
// is what is measured.
func sleepingTests(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		// Suites stand in files that are no tests, but run as such.
		if !f.proves() || within(f.dir, "lab") {
			continue
		}
		walk(f.ast, func(n ast.Node, parents []ast.Node) {
			if what := sleeps(n, parents); what != "" && !bubbled(f, parents) {
				found = append(found, Finding{f.path, t.line(n.Pos()),
					"the test sleeps (" + what + ")",
					"wait for the event: a channel, a read, a condition with the test's deadline"})
			}
		})
	}
	return found
}

// sleeps returns what a node sleeps with: a call of a sleep, or a bare receive
// from a fresh timer. A receive among the cases of a select is a time-out.
func sleeps(n ast.Node, parents []ast.Node) string {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch name := callee(n); name {
		case "time.Sleep", "unix.Nanosleep", "syscall.Nanosleep":
			return name
		}
	case *ast.UnaryExpr:
		// Only a receive that is a statement of its own, neither a case of a
		// select nor an operand, does nothing but wait.
		if n.Op != token.ARROW || len(parents) == 0 {
			return ""
		}
		if _, bare := parents[len(parents)-1].(*ast.ExprStmt); !bare {
			return ""
		}
		if len(parents) > 1 {
			if _, inSelect := parents[len(parents)-2].(*ast.CommClause); inSelect {
				return ""
			}
		}
		// The channel of a timer is the field C of a fresh timer, or the result
		// of time.After itself.
		from := n.X
		if field, ok := from.(*ast.SelectorExpr); ok {
			from = field.X
		}
		if call, ok := from.(*ast.CallExpr); ok {
			switch name := callee(call); name {
			case "time.After", "time.NewTimer", "time.Tick", "time.NewTicker":
				return name
			}
		}
	}
	return ""
}

// bubbled reports whether a node with these parents runs under synctest.Test:
// because it stands in the call, or in a helper of a file that uses synctest.
func bubbled(f *file, parents []ast.Node) bool {
	helper := false
	for _, p := range parents {
		switch p := p.(type) {
		case *ast.CallExpr:
			if callee(p) == "synctest.Test" {
				return true
			}
		case *ast.FuncDecl:
			helper = !strings.HasPrefix(p.Name.Name, "Test")
		}
	}
	uses := false
	importsOf(f, func(_ *ast.ImportSpec, path string) { uses = uses || path == "testing/synctest" })
	return helper && uses
}

// walk calls visit for every node with the nodes that it stands in, the nearest
// last.
func walk(top ast.Node, visit func(n ast.Node, parents []ast.Node)) {
	var parents []ast.Node
	ast.Inspect(top, func(n ast.Node) bool {
		if n == nil {
			parents = parents[:len(parents)-1]
			return true
		}
		visit(n, parents)
		parents = append(parents, n)
		return true
	})
}

// fixedPort matches an address with a port other than 0.
var fixedPort = regexp.MustCompile(`^(?:[\w.]*|\[[0-9a-fA-F:]*\]):0*[1-9]\d*$`)

// fixedPorts finds tests that listen on a port of their choice: two runs at the
// same time, or a busy machine, make them fail.
func fixedPorts(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		if !f.proves() {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			for _, e := range listensOn(n) {
				lit, ok := e.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					continue
				}
				if s, err := strconv.Unquote(lit.Value); err == nil && fixedPort.MatchString(s) {
					found = append(found, Finding{f.path, t.line(lit.Pos()),
						"the test listens on the fixed port of " + lit.Value,
						"listen on port 0 and ask the listener for its address"})
				}
			}
			return true
		})
	}
	return found
}

// listensOn returns the expressions that say where a node listens: the
// arguments of a call of some Listen, and the field Addr of a server.
func listensOn(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.CallExpr:
		name := callee(n)
		if s, ok := n.Fun.(*ast.SelectorExpr); ok {
			name = s.Sel.Name
		}
		if strings.Contains(strings.ToLower(name), "listen") {
			return n.Args
		}
	case *ast.CompositeLit:
		server, ok := n.Type.(*ast.SelectorExpr)
		if !ok || !strings.HasSuffix(server.Sel.Name, "Server") {
			return nil
		}
		for _, field := range n.Elts {
			pair, ok := field.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Addr" {
				return []ast.Expr{pair.Value}
			}
		}
	}
	return nil
}

// silentSkips finds tests that skip without internal/testenv, so that no list
// tells of them. The Skip of a *rapid.T only asks for another draw.
func silentSkips(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		if !f.proves() || within(f.dir, "internal/testenv") {
			continue
		}
		walk(f.ast, func(n ast.Node, parents []ast.Node) {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return
			}
			s, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || s.Sel.Name != "Skip" && s.Sel.Name != "Skipf" && s.Sel.Name != "SkipNow" {
				return
			}
			if draws(s.X, parents) {
				return
			}
			found = append(found, Finding{f.path, t.line(n.Pos()),
				"the test skips by itself, so no list shows it",
				"say what it needs with testenv.Need and its like"})
		})
	}
	return found
}

// draws reports whether the expression is the *rapid.T of a function around it.
func draws(e ast.Expr, parents []ast.Node) bool {
	id, ok := e.(*ast.Ident)
	if !ok {
		return false
	}
	for _, p := range parents {
		var params *ast.FieldList
		switch p := p.(type) {
		case *ast.FuncLit:
			params = p.Type.Params
		case *ast.FuncDecl:
			params = p.Type.Params
		default:
			continue
		}
		for _, field := range params.List {
			star, ok := field.Type.(*ast.StarExpr)
			if ok && pkgOf(star.X) == "rapid" && declares(field, id.Name) {
				return true
			}
		}
	}
	return false
}
