package tidy

import (
	"slices"
	"strings"
	"testing"
)

// TestPlatformsAreThoseOfMakeCross: what the rules take for built somewhere, `make cross` or
// every other target checks.
func TestPlatformsAreThoseOfMakeCross(t *testing.T) {
	text := strings.ReplaceAll(repository(t).documents["Makefile"], "\\\n", " ")
	_, rest, ok := strings.Cut(text, "\nPLATFORMS =")
	if !ok {
		t.Fatal("the Makefile has no PLATFORMS")
	}
	line, _, _ := strings.Cut(rest, "\n")
	vetted := append(strings.Fields(line), "linux/amd64")
	var known []string
	for _, p := range platforms {
		known = append(known, p.system+"/"+p.processor)
	}
	slices.Sort(vetted)
	slices.Sort(known)
	if !slices.Equal(vetted, known) {
		t.Errorf("make cross checks %v, package tidy knows %v", vetted, known)
	}
}

func packageSnippets() []snippet {
	const comment = "// Package p is here to show a comment that says enough of what it is for.\n"
	return []snippet{
		{"package comment", "none", one("a/a.go", "package a\n"), "no package comment"},
		{"package comment", "a word or two", one("a/a.go", "// Package a does a.\npackage a\n"),
			"no package comment"},
		{"package comment", "in one of the files", map[string]string{
			"a/a.go": "package a\n", "a/doc.go": comment + "package a\n",
		}, ""},
		{"package comment", "tests alone", one("a/a_test.go", "package a\n"), ""},
		{"dead files", "ignored", one("a.go", "//go:build ignore\n\npackage a\n"),
			"no supported platform builds"},
		{"dead files", "a system of others", one("a_plan9.go", "package a\n"),
			"no supported platform builds"},
		{"dead files", "two systems at once", one("a_linux.go",
			"//go:build windows\n\npackage a\n"),
			"no supported platform builds"},
		{"dead files", "an underscore", one("_a.go", "package a\n"),
			"no supported platform builds"},
		{"dead files", "nobody's package", one("internal/a/a.go", "package a\n"),
			"nothing imports package internal/a"},
		{"dead files", "its own test's package", map[string]string{
			"internal/a/a.go":      "package a\n",
			"internal/a/a_test.go": "package a\n\nimport _ \"" + modulePath + "/internal/a\"\n",
		}, "nothing imports package internal/a"},
		{"dead files", "somebody's package", map[string]string{
			"internal/a/a.go": "package a\n",
			"b/b.go":          "package b\n\nimport _ \"" + modulePath + "/internal/a\"\n",
		}, ""},
		{"dead files", "one system", one("a_windows.go", "package a\n"), ""},
		{"dead files", "all but one system", one("a.go", "//go:build !linux\n\npackage a\n"), ""},
	}
}
