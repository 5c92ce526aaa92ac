package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// key names a test of a package; the package itself where test is "".
type key struct{ pkg, test string }

// skipped is a test that did not run, and why.
type skipped struct {
	key
	reason string
}

// reporter turns events into what a person reads. It is not safe for concurrent
// use.
type reporter struct {
	out     io.Writer
	output  map[key][]string // of what has not ended yet
	skipped []skipped
	ran     int // tests that ended without being skipped
}

// newReporter returns a reporter that prints to out.
func newReporter(out io.Writer) *reporter {
	return &reporter{out: out, output: map[key][]string{}}
}

// logLine matches what t.Skip prints: its file and line, then the reason.
var logLine = regexp.MustCompile(`^\s*\S+\.go:\d+: (.*)$`)

// read takes events until the end of in and prints as they come. A line that is
// no event is printed as it is.
func (r *reporter) read(in io.Reader) error {
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) != nil {
				fmt.Fprintf(r.out, "%s", line)
			} else {
				r.take(e)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}

// take deals with one event.
func (r *reporter) take(e event) {
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output[k] = append(r.output[k], e.Output)
	case "pass":
		if e.Test != "" {
			r.ran++
			delete(r.output, k)
			return
		}
		r.endPackage(k, false)
	case "fail":
		if e.Test != "" {
			r.ran++
			fmt.Fprint(r.out, strings.Join(r.output[k], ""))
			delete(r.output, k)
			return
		}
		r.endPackage(k, true)
	case "skip":
		if e.Test != "" {
			r.skipped = append(r.skipped, skipped{k, reason(r.output[k])})
			delete(r.output, k)
			return
		}
		r.endPackage(k, false)
	}
}

// endPackage prints the line that go test ends a package with, and all that the
// package printed if it failed. What is still kept of the package's tests
// belongs to tests that never ended: a crash, a time-out.
func (r *reporter) endPackage(k key, failed bool) {
	for unfinished, lines := range r.output {
		if unfinished.pkg == k.pkg && unfinished.test != "" {
			if failed {
				fmt.Fprint(r.out, strings.Join(lines, ""))
			}
			delete(r.output, unfinished)
		}
	}
	for _, line := range r.output[k] {
		verdict := strings.HasPrefix(line, "ok  \t") || strings.HasPrefix(line, "?   \t") ||
			strings.HasPrefix(line, "FAIL\t")
		if failed || verdict {
			fmt.Fprint(r.out, line)
		}
	}
	delete(r.output, k)
}

// reason finds in a skipped test's output why it was skipped.
func reason(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if m := logLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			return m[1]
		}
	}
	return "no reason given"
}

// list prints what was skipped, the reasons first, since one reason commonly
// stands for many tests.
func (r *reporter) list() {
	if len(r.skipped) == 0 {
		fmt.Fprintf(r.out, "\nskipped: nothing (%d tests and subtests ran)\n", r.ran)
		return
	}
	byReason := map[string][]string{}
	var reasons []string
	for _, s := range r.skipped {
		if byReason[s.reason] == nil {
			reasons = append(reasons, s.reason)
		}
		byReason[s.reason] = append(byReason[s.reason], s.pkg+" "+s.test)
	}
	slices.Sort(reasons)
	fmt.Fprintf(r.out, "\nskipped: %d of %d tests and subtests\n",
		len(r.skipped), len(r.skipped)+r.ran)
	for _, why := range reasons {
		fmt.Fprintf(r.out, "  %s\n", why)
		tests := byReason[why]
		slices.Sort(tests)
		for _, test := range tests {
			fmt.Fprintf(r.out, "    %s\n", test)
		}
	}
}
