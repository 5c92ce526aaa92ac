package unmet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// standardError is the number of the descriptor that go test complains on.
const standardError = 2

// openTerminal returns the standard error of the go command that runs this test
// and hides its output. The error says why there is none to write to: not a
// child of `go test`, a flag that shows the output anyway, no permission.
func openTerminal() (*os.File, error) {
	parent := os.Getppid()
	proc := fmt.Sprintf("/proc/%d", parent)
	exe, err := os.Readlink(proc + "/exe")
	if err != nil {
		return nil, err
	}
	if filepath.Base(exe) != "go" {
		return nil, fmt.Errorf("the parent is %s, not the go command", exe)
	}
	cmdline, err := os.ReadFile(proc + "/cmdline")
	if err != nil {
		return nil, err
	}
	for arg := range strings.SplitSeq(string(cmdline), "\x00") {
		name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if arg != name && slices.Contains([]string{"v", "test.v", "json", "list"}, name) {
			return nil, errors.New("the go command shows the output of tests: " + arg)
		}
	}
	if fd, err := sys.DuplicateFrom(parent, standardError); err == nil {
		return os.NewFile(uintptr(fd), "the standard error of go test"), nil
	}
	return reopen(fmt.Sprintf("%s/fd/%d", proc, standardError))
}

// reopen opens what a descriptor of another process leads to, where no ptrace
// permission is needed: a terminal or a pipe. A file would be written from its
// beginning, over what is there, so it is refused.
func reopen(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode()&(os.ModeCharDevice|os.ModeNamedPipe) == 0 {
		return nil, fmt.Errorf("%s is a file: writing to it would overwrite it", path)
	}
	return os.OpenFile(path, os.O_WRONLY, 0)
}

// Pauses of awaitOthers: how often it looks, and how long nothing else must run.
const (
	lookEvery = 50 * time.Millisecond
	quietFor  = 6
)

// awaitOthers waits until this process has been the go command's only child for
// a while, so that the list comes last; at most until the deadline. While it
// waits it holds one of the places of `go test -p`, which at that time has no
// package left to give it to.
func awaitOthers(deadline time.Time) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	alone := 0
	for alone < quietFor && time.Now().Before(deadline) {
		alone++
		if children(os.Getppid()) > 1 {
			alone = 0
		}
		<-tick.C
	}
}

// children counts the children of a process; 0 where the kernel was built
// without that list.
func children(pid int) int {
	n := 0
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue
		}
		n += len(strings.Fields(string(text)))
	}
	return n
}

// stale is a path to a file that always looks new, below the root in letters
// but not in fact. The go command does not cache the result of a test that has
// opened a new file of its module, so opening this one makes the list appear in
// every run, also in one that finds everything else in the cache.
func stale(root string) string {
	up := strings.Repeat("/..", strings.Count(root, "/"))
	return root + up + "/proc/self/stat"
}
