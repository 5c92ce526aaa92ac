// Package unmet ends `go test ./...` with the list of what it skipped, and why.
//
// When `go test` is given several packages it drops the output of those that
// pass, and skips are part of that output. So this package, which sorts after
// all others and is therefore printed last, works the list out anew: it reads
// which needs the test files state (internal/testenv), asks this machine for
// each, waits until the go command has no other child, and writes the list to
// the standard error of the go command itself, past the pipe that would
// swallow it. The line "ok .../unmet" is then the only one behind the list.
//
// That works on Linux, where another process's descriptor can be reached
// through /proc, and is harmless elsewhere: nothing is printed then. `go test
// -v` shows the list everywhere, and `make test` prints what the tests
// themselves said, on every system. What the list cannot know is whether a
// test would have come as far as its need: it names the functions that state
// needs which this machine does not meet.
//
// It is a directory of its own in the root because of its name: packages are
// tested and printed in the order of their import paths.
package unmet
