package tidy

import (
	"strings"
	"testing"
)

func importSnippets() []snippet {
	importing := func(file, path string) map[string]string {
		name := "p"
		return one(file, "package "+name+"\n\nimport _ \""+path+"\"\n")
	}
	ours := func(dir string) string { return modulePath + "/" + dir }
	return []snippet{
		{"import direction", "the lab from a model", importing("models/a.go", ours("lab")),
			"models may not import lab"},
		{"import direction", "the load generator from what it measures",
			importing("lab/load/a.go", ours("selectors")), "lab/load may not import selectors"},
		{"import direction", "not inherited", importing("internal/cli/a.go", ours("internal/coro")),
			"internal/cli may not import internal/coro"},
		{"import direction", "a package without a place", one("gossip/a.go", "package gossip\n"),
			"package gossip has no place"},
		{"import direction", "a model on a selector", importing("models/a.go", ours("selectors")),
			""},
		{"import direction", "a test", importing("models/a_test.go", ours("lab/load")), ""},
		{"libraries", "system calls outside sys", importing("models/a.go", "golang.org/x/sys/unix"),
			"call internal/sys"},
		{"libraries", "system calls in a test", importing("models/a_test.go",
			"golang.org/x/sys/unix"),
			"call internal/sys"},
		{"libraries", "unsafe", importing("selectors/a.go", "unsafe"), "call internal/sys"},
		{"libraries", "a library in a library", importing("selectors/a.go",
			"github.com/spf13/cobra"),
			"selectors may not import github.com/spf13/cobra"},
		{"libraries", "a library of tests in the product",
			importing("models/a.go", "pgregory.net/rapid"), "models may not import"},
		{"libraries", "a library of tests in a test",
			importing("models/a_test.go", "pgregory.net/rapid"), ""},
		{"libraries", "a library of tests in a suite",
			importing("selectors/selectortest/a.go", "go.uber.org/goleak"), ""},
		{"libraries", "sys on system calls", importing("internal/sys/a.go",
			"golang.org/x/sys/unix"), ""},
		{"libraries", "the standard library", importing("models/a.go", "net/http"), ""},
		{"build tags", "a line", one("models/a.go", "//go:build linux\n\npackage models\n"),
			"a.go:1: the file has a build tag"},
		{"build tags", "a name", one("models/a_linux.go", "package models\n"),
			"limits the file to linux"},
		{"build tags", "a name of a test", one("models/a_arm64_test.go", "package models\n"),
			"limits the file to arm64"},
		{"build tags", "a tag in sys", one("internal/sys/a.go",
			"//go:build linux\n\npackage sys\n"), ""},
		{"build tags", "a tag in prose", one("models/a.go",
			"package models\n\n//go:build linux\n"), ""},
	}
}

func TestDirectionsRefuseACircle(t *testing.T) {
	if _, err := parseDirections("a < b < c; c < a;"); err == nil {
		t.Error("a < b < c, c < a: a circle went unnoticed")
	}
	g, err := parseDirections("# what it is\na, b < c < d;\ne;")
	if err != nil {
		t.Fatal(err)
	}
	for name, below := range map[string]string{"c": "a b", "d": "c", "a": "", "e": ""} {
		if got := strings.Join(g[name], " "); got != below {
			t.Errorf("%s may import %q, want %q", name, got, below)
		}
	}
	if _, known := g["e"]; !known {
		t.Error("a package that imports nothing is not known")
	}
}
