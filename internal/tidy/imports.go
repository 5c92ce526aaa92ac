package tidy

import (
	"go/ast"
	"go/build/constraint"
	"strings"
)

// importDirection compares the imports within this module, in files that are no
// tests, with directions. Tests may import every package of the module: the
// compiler forbids circles, and what only tests see does not ship.
func importDirection(t *Tree) []Finding {
	g, err := parseDirections(directions)
	if err != nil {
		return []Finding{{"internal/tidy/directions.go", 0, err.Error(),
			"draw the directions so that each line points away from the kernel"}}
	}
	var found []Finding
	for _, dir := range t.directories() {
		if _, known := g[node(dir)]; !known {
			found = append(found, Finding{t.in(dir)[0].path, 1,
				"package " + dir + " has no place in the import directions",
				"say in internal/tidy/directions.go what it may import and who may import it"})
		}
	}
	for _, f := range t.files {
		if f.test {
			continue
		}
		importsOf(f, func(spec *ast.ImportSpec, path string) {
			if !strings.HasPrefix(path, modulePath) || g.may(node(f.dir), path) {
				return
			}
			found = append(found, Finding{f.path, t.line(spec.Pos()),
				node(f.dir) + " may not import " + localName(path),
				"let it take a value or a small interface, or move the code closer to the kernel"})
		})
	}
	return found
}

// libraries compares all other imports with directions: what each package may
// use besides the standard library, and unsafe, which belongs to internal/sys and
// internal/uring.
func libraries(t *Tree) []Finding {
	g, err := parseDirections(directions)
	if err != nil {
		return nil // importDirection says so
	}
	var found []Finding
	for _, f := range t.files {
		importsOf(f, func(spec *ast.ImportSpec, path string) {
			ours := strings.HasPrefix(path, modulePath)
			if ours || standard(path) && path != "unsafe" || g.may(node(f.dir), path) {
				return
			}
			if f.proves() && mayInTests(path) {
				return
			}
			remedy := "use the standard library, or a package that already has the library"
			if path == "unsafe" || within(path, "golang.org/x/sys") {
				remedy = "call internal/sys, the one place that touches the kernel"
			}
			found = append(found, Finding{f.path, t.line(spec.Pos()),
				node(f.dir) + " may not import " + path, remedy})
		})
	}
	return found
}

// mayInTests reports whether the path belongs to one of testLibraries.
func mayInTests(path string) bool {
	for _, lib := range testLibraries {
		if within(path, lib) {
			return true
		}
	}
	return false
}

// mayHaveTags lists where files may be for some platforms only, and why.
// Everywhere else the platform is chosen at run time, so that every line is
// compiled, vetted and tested everywhere.
var mayHaveTags = map[string]string{
	"internal/sys":           "it fences the operating systems off from all others",
	"internal/uring":         "rings are Linux's, and made of memory that the kernel shares",
	"selectors":              "a selector exists where its system call does",
	"selectors/selectortest": "descriptors that are no sockets differ",
	"internal/testenv":       "only Unix has limits of descriptors",
	"internal/client":        "terminals tell a change of size by a signal on Unix only",
	"lab/load":               "it has its own loop on what each system has",
	"lab/meter":              "the figures of a process come from /proc, which is Linux's",
	"unmet":                  "another process's descriptor is reached in Linux's way",
}

// systems are the file name endings that are build tags; see go help
// buildconstraint. What is not built by any of platforms is found by deadFiles.
var systems = []string{
	"aix", "android", "darwin", "dragonfly", "freebsd", "illumos", "ios", "js", "linux",
	"netbsd", "openbsd", "plan9", "solaris", "wasip1", "windows",
	"386", "amd64", "arm", "arm64", "loong64", "mips", "mips64", "mips64le", "mipsle",
	"ppc64", "ppc64le", "riscv64", "s390x", "wasm",
}

// buildTags finds files for some platforms only, by their name or by a line
// //go:build, where mayHaveTags does not allow them. Code that this machine does
// not compile is code that its tests do not hold.
func buildTags(t *Tree) []Finding {
	var found []Finding
	for _, f := range t.files {
		if mayHaveTags[f.dir] != "" {
			continue
		}
		const remedy = "choose at run time, or let internal/sys offer it on every platform"
		if suffix := systemSuffix(f.path); suffix != "" {
			found = append(found, Finding{f.path, 0, "the name limits the file to " + suffix,
				remedy})
		}
		for _, group := range f.ast.Comments {
			if group.Pos() > f.ast.Package {
				break
			}
			for _, c := range group.List {
				if constraint.IsGoBuild(c.Text) {
					found = append(found, Finding{f.path, t.line(c.Pos()),
						"the file has a build tag", remedy})
				}
			}
		}
	}
	return found
}

// systemSuffix returns the system or processor that a file's name limits it to.
func systemSuffix(path string) string {
	name := strings.TrimSuffix(strings.TrimSuffix(path, ".go"), "_test")
	_, last, several := lastCut(name, "_")
	for _, s := range systems {
		if several && last == s {
			return s
		}
	}
	return ""
}

// lastCut cuts s around the last separator.
func lastCut(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}
