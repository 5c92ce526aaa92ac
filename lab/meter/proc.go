package meter

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What is read from /proc is described in proc(5).

// procfs is where the kernel shows its processes: "/proc".
type procfs string

// path returns the path of a file of a process.
func (proc procfs) path(pid int, name string) string {
	return filepath.Join(string(proc), strconv.Itoa(pid), name)
}

// missing returns the error for a file that could not be read. If not even this process is
// shown, the system is not one that shows processes like this.
func (proc procfs) missing(err error) error {
	if _, statErr := os.Stat(filepath.Join(string(proc), "self", "stat")); statErr != nil {
		return fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	return err
}

// descendants returns pid and all processes below it. Threads of a process are not listed.
func (proc procfs) descendants(pid int) ([]int, error) {
	entries, err := os.ReadDir(string(proc))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	children := make(map[int][]int)
	for _, e := range entries {
		id, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, ok := proc.parentOf(id); ok {
			children[parent] = append(children[parent], id)
		}
	}
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree, nil
}

// stat returns the fields of /proc/PID/stat from the third on. The second is the program's name
// in parentheses, which may contain anything, so the fields are counted from its end.
func (proc procfs) stat(pid int) []string {
	text, err := os.ReadFile(proc.path(pid, "stat"))
	if err != nil {
		return nil // it has ended
	}
	end := bytes.LastIndexByte(text, ')')
	if end < 0 {
		return nil
	}
	return strings.Fields(string(text[end+1:]))
}

// parentOf returns the parent of a process that lives.
func (proc procfs) parentOf(pid int) (int, bool) {
	fields := proc.stat(pid)
	if len(fields) < 2 || fields[0] == "Z" {
		return 0, false // a zombie uses nothing any more
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

// split is CPU time by where it was spent, as the kernel's tick has sampled it.
type split struct{ user, system time.Duration }

// tick is the unit of times in /proc: a hundredth of a second, whatever the kernel's own is.
const tick = 10 * time.Millisecond

// splitOf returns the user and system time of a process, its ended threads included.
func (proc procfs) splitOf(pid int) (split, bool) {
	const user, system = 14 - 3, 15 - 3
	fields := proc.stat(pid)
	if len(fields) <= system {
		return split{}, false
	}
	u, userErr := strconv.ParseInt(fields[user], 10, 64)
	s, systemErr := strconv.ParseInt(fields[system], 10, 64)
	return split{time.Duration(u) * tick, time.Duration(s) * tick},
		userErr == nil && systemErr == nil
}

// threads returns the threads of a process.
func (proc procfs) threads(pid int) ([]int, error) {
	entries, err := os.ReadDir(proc.path(pid, "task"))
	if err != nil {
		return nil, err
	}
	var tids []int
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			tids = append(tids, tid)
		}
	}
	return tids, nil
}

// addSwitches adds the context switches of the threads of pid, by thread.
func (proc procfs) addSwitches(sum map[int]int64, pid int) error {
	tids, err := proc.threads(pid)
	if err != nil {
		return err
	}
	for _, tid := range tids {
		text, err := os.ReadFile(proc.path(pid, filepath.Join("task", strconv.Itoa(tid), "status")))
		if err != nil {
			continue // it has ended
		}
		sum[tid] = field(text, "voluntary_ctxt_switches:") +
			field(text, "nonvoluntary_ctxt_switches:")
	}
	return nil
}

func ended(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH)
}

// proportionalSetSize returns the Pss of /proc/PID/smaps_rollup in bytes.
func (proc procfs) proportionalSetSize(pid int) (int64, error) {
	text, err := os.ReadFile(proc.path(pid, "smaps_rollup"))
	if err != nil {
		return 0, err
	}
	return field(text, "Pss:") << 10, nil
}

// field returns the number that stands behind a name at the beginning of a line; 0 if there is
// none.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			words := strings.Fields(string(rest))
			if len(words) == 0 {
				return 0
			}
			n, err := strconv.ParseInt(words[0], 10, 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
