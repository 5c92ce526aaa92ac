package tidy

import (
	"go/ast"
	"go/build"
	"io"
	"path"
	"strings"
)

// platforms are those that kettle is built or vetted for: the platforms of
// `make cross`, and the one it is developed on.
var platforms = []struct{ system, processor string }{
	{"linux", "amd64"},
	{"linux", "arm64"},
	{"linux", "riscv64"}, // for what is neither
	{"darwin", "arm64"},
	{"freebsd", "amd64"},
	{"netbsd", "amd64"},
	{"openbsd", "amd64"},
	{"dragonfly", "amd64"},
	{"windows", "amd64"},
}

// minCommentWords is what a package comment must have at the least; that it
// teaches in the order of use, no test can tell.
const minCommentWords = 8

// packageComment finds packages without a comment. It is where a reader begins,
// so its place is any file of the package, but for tests; two comments of one
// package count together, as go doc shows them.
func packageComment(t *Tree) []Finding {
	var found []Finding
	for _, dir := range t.directories() {
		first, words := "", 0
		for _, f := range t.in(dir) {
			if f.test {
				continue
			}
			if first == "" {
				first = f.path
			}
			words += len(strings.Fields(f.ast.Doc.Text()))
		}
		if first != "" && words < minCommentWords {
			found = append(found, Finding{first, 1, "package " + dir + " has no package comment",
				"open doc.go with what the package is for, in the order in which a reader uses it"})
		}
	}
	return found
}

// deadFiles finds Go files that no supported platform builds, and internal
// packages that nothing imports.
func deadFiles(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		if !builtSomewhere(f) {
			found = append(found, Finding{f.path, 0, "no supported platform builds this file",
				"delete it, or correct its name or build tag"})
		}
	}
	// A package's own tests do not keep it alive, those of others do: a suite
	// for tests is imported by nothing else.
	imported := map[string]bool{}
	for _, f := range t.files {
		importsOf(f, func(_ *ast.ImportSpec, p string) {
			if p != path.Join(modulePath, f.dir) {
				imported[p] = true
			}
		})
	}
	for _, dir := range t.directories() {
		first := t.in(dir)[0]
		internal := strings.Contains("/"+dir+"/", "/internal/")
		if internal && first.ast.Name.Name != "main" && !imported[path.Join(modulePath, dir)] {
			found = append(found, Finding{first.path, 1, "nothing imports package " + dir,
				"delete it, or use it"})
		}
	}
	return found
}

// builtSomewhere reports whether one of platforms builds the file.
func builtSomewhere(f *file) bool {
	for _, p := range platforms {
		for _, cgo := range []bool{false, true} {
			// MatchFile knows the rules of names and lines; it reads the text
			// from memory, so that a Tree of any origin will do.
			context := build.Default
			context.GOOS, context.GOARCH, context.CgoEnabled = p.system, p.processor, cgo
			context.BuildTags = nil
			context.OpenFile = func(string) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(f.src)), nil
			}
			if ok, err := context.MatchFile(f.dir, path.Base(f.path)); ok && err == nil {
				return true
			}
		}
	}
	return false
}
