// Command cross type-checks the module that it is started in for other platforms, each given as
// GOOS/GOARCH, tests included:
//
//	go run ./internal/tidy/cross darwin/arm64 windows/amd64
//
// It compiles nothing: `go vet` needs the export data of the whole standard library for each
// platform, which takes minutes to make where nobody has made it before.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cross:", err)
		os.Exit(1)
	}
}

// run checks the platforms beside each other, and says of each what it has checked, in their order.
func run(w io.Writer, names []string) error {
	if len(names) == 0 {
		return errors.New("which platforms? GOOS/GOARCH, as in darwin/arm64")
	}
	sources := newSources()
	counts, failures := make([]int, len(names)), make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		system, processor, ok := strings.Cut(name, "/")
		if !ok {
			return fmt.Errorf("%q is no platform: GOOS/GOARCH, as in darwin/arm64", name)
		}
		all.Go(func() { counts[i], failures[i] = check(sources, system, processor) })
	}
	all.Wait()
	for i, name := range names {
		if failures[i] == nil {
			fmt.Fprintf(w, "%s: %d packages are well typed\n", name, counts[i])
		}
	}
	return errors.Join(failures...)
}
