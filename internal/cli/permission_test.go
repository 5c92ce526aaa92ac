package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
)

// privileged reports whether port 1 is one that an ordinary user may not listen on, as it is on
// every system that does not say otherwise.
func privileged() bool {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err != nil {
		return true
	}
	first, err := strconv.Atoi(strings.TrimSpace(string(text)))
	return err != nil || first > 1
}

// TestPortThatNeedsPermission: one line that says so. Some containers give every port to
// everybody; there the server must not refuse what the system allows.
func TestPortThatNeedsPermission(t *testing.T) {
	testenv.Need(t, testenv.Unix, testenv.OrdinaryUser)
	for _, model := range []string{"selectors", "goroutines", "processes"} {
		cmd := exec.CommandContext(t.Context(), "kettle", "serve", "--model", model, "--addr",
			"127.0.0.1:1")
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = patience
		var said strings.Builder
		cmd.Stderr = &said
		if !privileged() {
			cmd.Args[len(cmd.Args)-1] = "127.0.0.1:0"
			timer := time.AfterFunc(time.Second/2, func() { _ = cmd.Cancel() })
			defer timer.Stop()
			if err := cmd.Run(); err != nil {
				t.Errorf("%s without privileged ports: %v\n%s", model, err, &said)
			}
			continue
		}
		err := cmd.Run()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.ExitCode() != 1 || strings.Count(said.String(), "\n") != 1 ||
			!strings.Contains(said.String(), "permission denied") {
			t.Errorf("%s on port 1: %v\n%s", model, err, &said)
		}
	}
}
