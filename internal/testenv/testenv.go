package testenv

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
)

// LongVariable is the environment variable that turns long tests on; any value
// but "" and "0" does.
const LongVariable = "KETTLE_LONG"

// Need skips the test unless this machine has every one of the capabilities. A
// capability's probe runs once per process and may take as long as starting a
// Python does.
func Need(t testing.TB, capabilities ...Capability) {
	t.Helper()
	for _, c := range capabilities {
		skip(t, c.missing())
	}
}

// NeedDescriptors skips the test unless this process may have n descriptors
// open at the same time. The Go runtime has already raised the soft limit to
// the hard one.
func NeedDescriptors(t testing.TB, n int) {
	t.Helper()
	skip(t, missingDescriptors(n))
}

// NeedProcesses skips the test unless this user may run n processes and threads
// more than none. Where the limit cannot be read, it does not skip.
func NeedProcesses(t testing.TB, n int) {
	t.Helper()
	skip(t, missingProcesses(n))
}

// Long skips the test unless KETTLE_LONG is set: for tests of minutes.
func Long(t testing.TB) {
	t.Helper()
	skip(t, missingLong())
}

// NotShort skips the test under `go test -short`: for tests of seconds, which
// `make quick` leaves out.
func NotShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		skip(t, errors.New("needs a run without -short"))
	}
}

// Missing tells why a test that makes the call named function with the given
// argument is skipped on this machine; nil if it is not. The argument is the
// name of a Capability for Need, and a number for NeedDescriptors and
// NeedProcesses. The error wraps ErrUnknown if there is no such need, so that
// the test files can be compared with the table.
func Missing(function, name string, n int) error {
	switch function {
	case "Need":
		for c := range table {
			if table[c].name == name {
				return Capability(c).missing()
			}
		}
		return fmt.Errorf("testenv.%s: %w", name, ErrUnknown)
	case "NeedDescriptors":
		return missingDescriptors(n)
	case "NeedProcesses":
		return missingProcesses(n)
	case "Long":
		return missingLong()
	case "NotShort":
		return nil // told by -short itself
	}
	return fmt.Errorf("testenv.%s: %w", function, ErrUnknown)
}

// ErrUnknown is wrapped by what Missing returns for a need that the table does
// not have.
var ErrUnknown = errors.New("no such need in the table")

// skip ends the test if there is a reason to.
func skip(t testing.TB, why error) {
	t.Helper()
	if why != nil {
		t.Skip(why)
	}
}

// missingLong, missingDescriptors and missingProcesses return the reason to skip
// for what is no Capability; nil if there is none.
func missingLong() error {
	if v := os.Getenv(LongVariable); v != "" && v != "0" {
		return nil
	}
	return fmt.Errorf("long: runs with %s=1 (make long)", LongVariable)
}

func missingDescriptors(n int) error {
	return below("descriptors", n, descriptorLimit())
}

func missingProcesses(n int) error {
	return below("processes", n, processLimit())
}

// below returns nil when the limit allows n; a limit of 0 is one that could not
// be read.
func below(what string, n int, limit uint64) error {
	if limit == 0 || n < 0 || uint64(n) <= limit {
		return nil
	}
	return fmt.Errorf("needs %d %s: the limit is %d", n, what, limit)
}

// parseLimit returns the soft limit named label in the text of
// /proc/PID/limits; 0 if it is unlimited or not there.
func parseLimit(text, label string) uint64 {
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, label)
		if !ok {
			continue
		}
		var limit uint64
		if _, err := fmt.Sscan(rest, &limit); err != nil {
			return 0 // "unlimited"
		}
		return limit
	}
	return 0
}

// processLimit returns how many processes and threads this user may have, where
// the system says so in a file: Linux's limit of the user, which does not bind
// root, and that of the control group.
func processLimit() uint64 {
	var limit uint64
	if text, err := os.ReadFile("/proc/self/limits"); err == nil && os.Geteuid() != 0 {
		limit = parseLimit(string(text), "Max processes")
	}
	group, err := os.ReadFile("/sys/fs/cgroup/pids.max")
	var most uint64
	if err != nil {
		return limit
	}
	if _, err := fmt.Sscan(string(group), &most); err != nil {
		return limit // "max"
	}
	if limit == 0 {
		return most
	}
	return min(limit, most)
}
