package tidy

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
)

// directions says which package may import which, libraries outside the
// standard one included. "a, b < c" means: c may import a and b. It is not
// inherited: in "a < b < c", c may import b, not a. Who may not is not
// forgotten but forbidden, so do not add a line to silence the test: an import
// that is missing here commonly means that code stands in the wrong package.
//
// A package imports only what lies closer to the kernel than itself. Only
// the command sees the lab. The load generator shares no code
// with what it measures but the system calls.
const directions = `
# The kernel is touched in one place, and its rings in another.
unsafe, golang.org/x/sys < internal/sys;
internal/sys, unsafe, golang.org/x/sys < internal/uring;

# What knows nothing of sockets.
internal/ascii;
internal/words;
internal/pages;
internal/sys < internal/coro;
internal/sys < internal/trace;

# Readiness.
internal/sys, internal/pages, internal/uring < selectors;
internal/sys, selectors < selectors/selectortest;

# The event loop, and tasks on it.
internal/sys, internal/pages, internal/uring, selectors < loop;
selectors, loop < looptest;
internal/sys, internal/coro, selectors, loop < kettle;

# Connections.
internal/sys, internal/pages, internal/uring, selectors, loop < transport;
internal/sys, loop, kettle, transport < stream;
kettle, stream < streamtest;

# What users write.
kettle < examples/kettle;
internal/ascii, kettle, stream < examples/echo;
kettle, stream < examples/chat;
kettle, stream < examples/push;
kettle, stream < examples/proxy;
kettle, stream < examples/tlsline;
kettle, stream < examples/httpserver;
examples;

# The servers.
internal/sys, internal/ascii, internal/coro, internal/trace, selectors, loop, kettle, transport,
stream < models;

# The lab.
internal/sys, github.com/HdrHistogram/hdrhistogram-go < lab/load;
internal/sys < lab/meter;
lab/load, github.com/HdrHistogram/hdrhistogram-go < lab/results;
internal/words, lab/results, lab/timeline, github.com/HdrHistogram/hdrhistogram-go < lab/claims;
internal/words, lab/results, lab/claims < lab/page;
internal/sys < lab/server;
internal/trace, lab/server < lab/timeline;
internal/sys, internal/coro, loop, kettle < lab/switching;
internal/sys, internal/words, lab/load, lab/meter, lab/server, lab/results,
github.com/HdrHistogram/hdrhistogram-go < lab;
lab, lab/results, lab/switching, lab/timeline < lab/workloads;
internal/sys, internal/ascii, lab, lab/results < lab/synthetic;

# The command.
internal/words, golang.org/x/term, github.com/mattn/go-runewidth < internal/client;
internal/sys, internal/ascii, internal/words, selectors, models, lab, lab/load, lab/meter,
lab/results, lab/claims, lab/page, lab/switching, lab/synthetic, lab/timeline, lab/workloads,
internal/client, github.com/spf13/cobra, github.com/charmbracelet/lipgloss,
golang.org/x/term < internal/cli;
models, lab/switching, internal/cli < cmd/kettle;

internal/cli, lab/claims, lab/results, lab/timeline < internal/figures;

# The comparison with other servers.
internal/words, models, lab, lab/results < bench;
internal/ascii < bench/gonet;

# What only tests and make need.
internal/testenv;
internal/testenv/report;
internal/testenv/denied;
internal/testenv/race;
internal/testenv < internal/tidy < internal/tidy/show;
internal/tidy/cross;
internal/sys, internal/tidy < unmet;
`

// testLibraries are the libraries that any test may use.
var testLibraries = []string{
	"github.com/chromedp/cdproto",
	"github.com/chromedp/chromedp",
	"github.com/google/go-cmp",
	"github.com/rogpeppe/go-internal",
	"go.uber.org/goleak",
	"golang.org/x/net",
	"golang.org/x/sync",
	"pgregory.net/rapid",
}

// A graph tells, for each package, what it may import.
type graph map[string][]string

// parseDirections reads the text of directions. It refuses a circle, in which
// no package is closer to the kernel than another.
func parseDirections(text string) (graph, error) {
	var rules strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "#") {
			rules.WriteString(line)
		}
	}
	g := graph{}
	for rule := range strings.SplitSeq(rules.String(), ";") {
		// Each part of the chain a < b < c may import the part before it.
		var below []string
		for part := range strings.SplitSeq(rule, "<") {
			var names []string
			for name := range strings.SplitSeq(part, ",") {
				if name = strings.TrimSpace(name); name != "" {
					names = append(names, name)
				}
			}
			for _, name := range names {
				g[name] = append(g[name], below...)
			}
			below = names
		}
	}
	if circle := g.circle(); circle != "" {
		return nil, fmt.Errorf("the import directions run in a circle through %s", circle)
	}
	return g, nil
}

// circle returns a package that may, by way of others, import itself; "" if
// there is none.
func (g graph) circle() string {
	// A depth-first walk that comes back to a package it has not left yet has
	// gone in a circle.
	const (
		unseen = iota
		open
		done
	)
	state := map[string]int{}
	var visit func(name string) bool
	visit = func(name string) bool {
		state[name] = open
		for _, below := range g[name] {
			if state[below] == open || state[below] == unseen && visit(below) {
				return true
			}
		}
		state[name] = done
		return false
	}
	for name := range g {
		if state[name] == unseen && visit(name) {
			return name
		}
	}
	return ""
}

// may reports whether the package may import the path.
func (g graph) may(dir, path string) bool {
	if strings.HasPrefix(path, modulePath) {
		return slices.Contains(g[dir], localName(path))
	}
	return slices.ContainsFunc(g[dir], func(lib string) bool { return within(path, lib) })
}

// localName turns an import path of this module into the name that directions
// uses: the directory, and "kettle" for the root.
func localName(path string) string {
	if path == modulePath {
		return "kettle"
	}
	return strings.TrimPrefix(path, modulePath+"/")
}

// node returns the name that directions uses for a directory.
func node(dir string) string {
	if dir == "." {
		return "kettle"
	}
	return dir
}

// standard reports whether the import path is one of the standard library:
// those have no dot in their first element.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// importsOf calls yield with each import path of the file.
func importsOf(f *file, yield func(spec *ast.ImportSpec, path string)) {
	for _, spec := range f.ast.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			yield(spec, path)
		}
	}
}
