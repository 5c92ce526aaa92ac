package switching

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// arguments are those of kettle that have it measure the kinds, each for about d, and write a line
// of JSON for each.
func arguments(kinds []Kind, d time.Duration) []string {
	return []string{"lab", "switch", "--json", "--kinds", list(kinds, ","),
		"--duration", d.String()}
}

const (
	overhead = 15 * time.Second // that a kind may take besides its time, on a busy machine
	leave    = time.Second      // for what a command that was killed has started to end after it
)

// Run has the program self, which is kettle, measure the kinds (nil is all of them), each for about
// d, in a process of its own, which is bound to the CPUs if there are any. What has been measured
// is returned also if that process ends before its time or says something else, which is an error;
// when ctx is cancelled, it is killed, and the error is the cause.
func Run(ctx context.Context, self string, kinds []Kind, d time.Duration, cpus []int) (
	[]Result, error) {
	if len(kinds) == 0 {
		kinds = Kinds()
	}
	return runWithin(ctx, time.Duration(len(kinds))*(4*d+overhead), self, kinds, d, cpus)
}

// runWithin is Run with the time that the process may take.
func runWithin(ctx context.Context, within time.Duration, self string, kinds []Kind,
	d time.Duration, cpus []int) ([]Result, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("it takes over %v", within))
	defer cancel()
	results, err := run(ctx, self, kinds, d, cpus)
	if err != nil {
		return results, fmt.Errorf("measure switches in a process of their own: %w", err)
	}
	return results, nil
}

func run(ctx context.Context, self string, kinds []Kind, d time.Duration, cpus []int) (
	[]Result, error) {
	cmd := exec.CommandContext(ctx, self, arguments(kinds, d)...)
	cmd.SysProcAttr = sys.OwnGroup()
	cmd.Cancel = func() error {
		if sys.SignalGroup(cmd.Process.Pid, syscall.SIGKILL) == nil {
			return nil
		}
		return cmd.Process.Kill()
	}
	cmd.WaitDelay = leave
	out, ended := output(cmd, cpus)
	results, err := parse(out, kinds)
	switch {
	case ctx.Err() != nil:
		return results, context.Cause(ctx)
	case ended != nil:
		var said string
		if exit, ok := errors.AsType[*exec.ExitError](ended); ok {
			said = strings.TrimSpace(string(exit.Stderr))
		}
		if said != "" {
			said = "; it said: " + said
		}
		return results, fmt.Errorf("%w%s", ended, said)
	}
	return results, err
}

// output runs a command on CPUs, and returns what it has written.
func output(cmd *exec.Cmd, cpus []int) (out []byte, err error) {
	if len(cpus) == 0 {
		return cmd.Output()
	}
	err = onCPUs(cpus, func() error {
		out, err = cmd.Output()
		return err
	})
	return out, err
}

// parse reads the lines of results that were asked for.
func parse(out []byte, kinds []Kind) ([]Result, error) {
	var results []Result
	for line := range bytes.Lines(out) {
		var r Result
		if err := json.Unmarshal(line, &r); err != nil {
			return results, fmt.Errorf("it wrote %.80q, which is no result: %w", line, err)
		}
		if len(results) == len(kinds) || r.Kind != kinds[len(results)] {
			return results, fmt.Errorf("it wrote of %.80q, and was not asked for it", r.Kind)
		}
		results = append(results, r)
	}
	if len(results) < len(kinds) {
		return results, fmt.Errorf("it wrote nothing of %s", list(kinds[len(results):], ", "))
	}
	return results, nil
}
