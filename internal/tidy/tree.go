package tidy

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// modulePath is the import path of the root package.
const modulePath = "github.com/kettle-go/kettle"

// A Tree is the repository: its Go files, parsed, and its documents. Paths are
// relative to the root and have forward slashes.
type Tree struct {
	fset      *token.FileSet
	files     []*file           // in order of path
	documents map[string]string // the text of *.md and of the Makefile, by path
	paths     map[string]bool   // every file and directory
	modules   []string          // directories that are modules of their own
}

// file is one Go file.
type file struct {
	path  string
	dir   string // of the path; "." for the root
	src   string
	lines []string
	test  bool // its name ends in _test.go
	ast   *ast.File
}

// Load reads and parses the repository. Hidden directories (but for .ci) are not
// part of it; of testdata and of modules of their own only the paths are.
func Load(fsys fs.FS) (*Tree, error) {
	t := &Tree{
		fset:      token.NewFileSet(),
		documents: map[string]string{},
		paths:     map[string]bool{},
	}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name != ".":
			return nil // deleted while we walk
		case err != nil:
			return err
		case d.IsDir() && hidden(name):
			return fs.SkipDir
		}
		t.paths[name] = true
		if !d.IsDir() {
			return t.add(fsys, name)
		}
		if _, err := fs.Stat(fsys, path.Join(name, "go.mod")); err == nil && name != "." {
			t.modules = append(t.modules, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the repository: %w", err)
	}
	return t, nil
}

// hidden reports whether the go command, too, would not look into the directory.
func hidden(dir string) bool {
	base := path.Base(dir)
	return base != "." && base != ".ci" &&
		(strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_"))
}

// add takes in one file.
func (t *Tree) add(fsys fs.FS, name string) error {
	isGo := path.Ext(name) == ".go"
	isDocument := path.Ext(name) == ".md" || name == "Makefile"
	foreign := slices.ContainsFunc(t.modules, func(dir string) bool { return within(name, dir) })
	if !isGo && !isDocument || foreign || inTestdata(name) {
		return nil
	}
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	if isDocument {
		t.documents[name] = string(src)
		return nil
	}
	parsed, err := parser.ParseFile(t.fset, name, src, parser.ParseComments)
	if err != nil {
		return err
	}
	t.files = append(t.files, &file{
		path:  name,
		dir:   path.Dir(name),
		src:   string(src),
		lines: strings.Split(strings.TrimSuffix(string(src), "\n"), "\n"),
		test:  strings.HasSuffix(name, "_test.go"),
		ast:   parsed,
	})
	return nil
}

// inTestdata reports whether a directory of the path is named testdata.
func inTestdata(name string) bool {
	return slices.Contains(strings.Split(path.Dir(name), "/"), "testdata")
}

// line returns the line of a position.
func (t *Tree) line(pos token.Pos) int { return t.fset.Position(pos).Line }

// directories returns the directories that hold Go files, in order.
func (t *Tree) directories() []string {
	var dirs []string
	for _, f := range t.files {
		if !slices.Contains(dirs, f.dir) {
			dirs = append(dirs, f.dir)
		}
	}
	return dirs
}

// in returns the Go files of a directory.
func (t *Tree) in(dir string) []*file {
	var files []*file
	for _, f := range t.files {
		if f.dir == dir {
			files = append(files, f)
		}
	}
	return files
}

// proves reports whether the file is part of a test: a test file, or one of a
// package that holds a suite for the tests of others.
func (f *file) proves() bool {
	return f.test || strings.HasSuffix(f.dir, "test") && f.dir != "test"
}

// within reports whether the directory is root or below it.
func within(dir, root string) bool {
	return dir == root || strings.HasPrefix(dir, root+"/")
}
