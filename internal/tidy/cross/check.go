package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// maxErrors is how many errors of a package are told.
const maxErrors = 10

// listed is what `go list` says of a package: see `go help list`.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
	DepOnly    bool
	Module     *struct{ GoVersion string }
}

// check type-checks the module in the working directory for a platform, and returns how many
// packages of it there are.
func check(sources *sources, system, processor string) (n int, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s/%s: %w", system, processor, err)
		}
	}()
	list, err := listPackages(system, processor)
	if err != nil {
		return 0, err
	}
	c := &checker{sources: sources, sizes: types.SizesFor("gc", processor),
		done: map[string]*types.Package{"unsafe": types.Unsafe}}
	if c.sizes == nil {
		return 0, errors.New("no such processor is known")
	}
	var failures []error
	for decoder := json.NewDecoder(bytes.NewReader(list)); ; {
		var p listed
		switch err := decoder.Decode(&p); {
		case err == io.EOF:
			return n, errors.Join(failures...)
		case err != nil:
			return n, fmt.Errorf("reading what go list says: %w", err)
		}
		if p.ImportPath == "unsafe" || strings.HasSuffix(p.ImportPath, ".test") {
			continue // the second is a main function that go test writes
		}
		if !p.DepOnly {
			n++
		}
		failures = append(failures, c.check(&p)...)
	}
}

// listPackages returns the packages of the module and all that they need, each after what it needs
// itself.
func listPackages(system, processor string) ([]byte, error) {
	cmd := exec.Command("go", "list", "-deps", "-test",
		"-json=ImportPath,Dir,GoFiles,ImportMap,DepOnly,Module", "./...")
	cmd.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
	var said bytes.Buffer
	cmd.Stderr = &said
	list, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, bytes.TrimSpace(said.Bytes()))
	}
	return list, nil
}

// checker type-checks packages for one platform, in the order in which they need each other.
type checker struct {
	sources *sources
	sizes   types.Sizes
	done    map[string]*types.Package
}

// check type-checks a package: all of one that belongs to the module, and of another one what it
// declares.
func (c *checker) check(p *listed) (failures []error) {
	var files []*ast.File
	for _, name := range p.GoFiles {
		f, err := c.sources.parse(filepath.Join(p.Dir, name), p.DepOnly)
		if err != nil {
			return []error{err}
		}
		files = append(files, f)
	}
	config := types.Config{
		Importer:         imports{c.done, p.ImportMap},
		Sizes:            c.sizes,
		IgnoreFuncBodies: p.DepOnly,
		Error: func(err error) {
			if len(failures) < maxErrors {
				failures = append(failures, err)
			}
		},
	}
	if p.Module != nil && p.Module.GoVersion != "" {
		config.GoVersion = "go" + p.Module.GoVersion
	}
	path, _, _ := strings.Cut(p.ImportPath, " ") // "p [p.test]" is p with its tests
	c.done[p.ImportPath], _ = config.Check(path, c.sources.set, files, nil)
	return failures
}

// imports finds what a package imports among those that were checked before it.
type imports struct {
	done  map[string]*types.Package
	names map[string]string // what is meant, where it is not what is written
}

// Import implements types.Importer.
func (i imports) Import(path string) (*types.Package, error) {
	if meant, ok := i.names[path]; ok {
		path = meant
	}
	if p := i.done[path]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("package %s was not checked before", path)
}
