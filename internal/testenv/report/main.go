// Command report runs `go test -json` with the arguments given to it and prints
// what `go test` prints (the output of what failed, and one line per package),
// then the list of the tests that were skipped, with the reasons they gave:
//
//	go run ./internal/testenv/report ./...
//
// In the mode in which it tests several packages, `go test` drops the output of
// those that pass, and with it every skip; hence this command. It exits as
// `go test` does: 0 when every test passed or was skipped.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

func main() {
	failed, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
	}
	if failed || err != nil {
		os.Exit(1)
	}
}

// run runs the tests and reports whether they failed; the error is one of
// running or reading them.
func run(args []string) (failed bool, err error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return false, fmt.Errorf("connecting to go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("starting go test: %w", err)
	}
	r := newReporter(os.Stdout)
	readErr := r.read(out)
	waitErr := cmd.Wait()
	r.list()
	var exit *exec.ExitError
	if waitErr != nil && !errors.As(waitErr, &exit) {
		return false, fmt.Errorf("running go test: %w", waitErr)
	}
	return waitErr != nil, readErr
}
