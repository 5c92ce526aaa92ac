package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"sync"
)

// sources are files that were parsed, which most platforms share. Its methods may be called from
// any goroutine.
type sources struct {
	set *token.FileSet

	mu    sync.Mutex
	files map[string]*source
}

type source struct {
	once sync.Once
	file *ast.File
	err  error
}

func newSources() *sources {
	return &sources{set: token.NewFileSet(), files: map[string]*source{}}
}

// parse returns a file; with nothing in the bodies of its functions if only its declarations are
// wanted.
func (s *sources) parse(path string, declarations bool) (*ast.File, error) {
	s.mu.Lock()
	known := s.files[path]
	if known == nil {
		known = &source{}
		s.files[path] = known
	}
	s.mu.Unlock()
	known.once.Do(func() {
		known.file, known.err = parser.ParseFile(s.set, path, nil, parser.SkipObjectResolution)
		if known.err != nil || !declarations {
			return
		}
		for _, d := range known.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				f.Body = &ast.BlockStmt{Lbrace: f.Body.Lbrace, Rbrace: f.Body.Rbrace}
			}
		}
	})
	return known.file, known.err
}
