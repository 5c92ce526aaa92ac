package meter

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

// written is a directory in the form of /proc, with the given files of processes.
func written(t *testing.T, files map[string]string) procfs {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return procfs(dir)
}

func TestDescendants(t *testing.T) {
	proc := written(t, map[string]string{
		"self/stat": "",
		"uptime":    "1.0 1.0",
		"10/stat":   "10 (server) S 1 10 10",
		"11/stat":   "11 (worker (of 10)) R 10 10 10", // the name is the program's own affair
		"12/stat":   "12 () ) S 99) S 11 10 10",
		"13/stat":   "13 (ended) Z 10 10 10",
		"14/stat":   "14 (other) S 1 14 14",
		"15/stat":   "15 (cut short",
		"16/stat":   "",
		"17/stat":   "17 (no number) S x",
		"18/comm":   "its stat is gone",
		"9/stat":    "9 (below 12) S 12 10 10",
	})
	got, err := proc.descendants(10)
	if want := []int{10, 11, 12, 9}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the processes below 10 are %v, %v, want %v", got, err, want)
	}
	if got, err := proc.descendants(5); err != nil || !slices.Equal(got, []int{5}) {
		t.Errorf("the processes below one without children are %v, %v", got, err)
	}
}

func TestSwitchesAreOfBothKinds(t *testing.T) {
	const status = "Name:\tx\nvoluntary_ctxt_switches:\t%d\nnonvoluntary_ctxt_switches:\t%d\n"
	proc := written(t, map[string]string{
		"10/task/10/status": fmt.Sprintf(status, 5, 70),
		"10/task/12/status": fmt.Sprintf(status, 100, 1000),
		"10/task/13/comm":   "this thread has just ended",
		"10/task/other":     "",
	})
	sum := map[int]int64{}
	if err := proc.addSwitches(sum, 10); err != nil {
		t.Error(err)
	}
	if len(sum) != 2 || sum[10] != 75 || sum[12] != 1100 {
		t.Errorf("the switches by thread are %v, want 75 and 1100", sum)
	}
}

func TestField(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
	}{
		{"Rss: 9 kB\nPss:   1234 kB\nPss_Dirty: 5 kB\n", 1234},
		{"Pss: 7", 7},
		{"SwapPss: 3 kB\n", 0},
		{"Pss:\n", 0},
		{"Pss: many kB\n", 0},
		{"", 0},
	} {
		if got := field([]byte(c.text), "Pss:"); got != c.want {
			t.Errorf("the field Pss of %q is %d, want %d", c.text, got, c.want)
		}
	}
}

// TestWithoutProc is what systems see that have no /proc, or an empty one.
func TestWithoutProc(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	empty := t.TempDir()
	for _, dir := range []string{empty, filepath.Join(empty, "missing")} {
		m := New(os.Getpid())
		m.proc = procfs(dir)
		if err := m.Refresh(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Refresh: %v", err)
		}
		if s, err := m.Sample(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Sample: %+v, %v", s, err)
		}
		if s, err := m.Begin(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Begin: %+v, %v", s, err)
		}
		if n, err := m.Memory(); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Memory: %d, %v", n, err)
		}
	}
}

// TestProcessesThatEnd between Refresh and what follows are passed over.
func TestProcessesThatEnd(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Proc)
	self := strconv.Itoa(os.Getpid())
	m := New(os.Getpid())
	m.proc = written(t, map[string]string{
		"self/stat":                        "",
		self + "/task/1/status":            "voluntary_ctxt_switches: 3\n",
		self + "/smaps_rollup":             "Pss: 2 kB\n",
		strconv.Itoa(1<<28-1) + "/comm":    "no task, no memory",
		strconv.Itoa(1<<28-1) + "/status":  "",
		strconv.Itoa(1<<28-1) + "/environ": "",
	})
	m.tree = []int{os.Getpid(), 1<<28 - 1, 1<<28 - 2}
	s, err := m.Sample()
	if err != nil || s.Processes != 1 || s.Switches != 3 || s.Threads != 1 {
		t.Errorf("one process that lives and two that do not: %+v, %v", s, err)
	}
	if n, err := m.Memory(); err != nil || n != 2048 {
		t.Errorf("their memory: %d, %v, want 2048", n, err)
	}
}

// TestSince counts what is known of both ends: a process or thread that is new in full, and of
// one that has ended nothing.
func TestSince(t *testing.T) {
	before := Sample{cpu: map[int]time.Duration{1: 100, 2: 1000},
		switches: map[int]int64{1: 5, 2: 50}}
	after := Sample{cpu: map[int]time.Duration{1: 130, 3: 7},
		switches: map[int]int64{1: 6, 3: 20}}
	u := after.Since(before)
	if u.CPU != 37 || u.Switches != 21 {
		t.Errorf("used between two samples: %+v, want 37 ns and 21 switches", u)
	}
}

// TestCPUIsReadNextToTheWindow: what reading the switches costs is before the CPU clocks at the
// beginning of a window and after them at its end. The process that is measured is the one that
// reads, so that its own CPU time shows when.
func TestCPUIsReadNextToTheWindow(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Proc)
	self := strconv.Itoa(os.Getpid())
	files := map[string]string{"self/stat": ""}
	for i := range 500 {
		files[fmt.Sprintf("%s/task/%d/status", self, i+1)] = "voluntary_ctxt_switches: 3\n"
	}
	m := New(os.Getpid())
	m.proc = written(t, files)
	after := func(take func() (Sample, error)) time.Duration {
		s, err := take()
		now, cpuErr := sys.ProcessCPU(os.Getpid())
		if err != nil || cpuErr != nil || s.Switches != 1500 || s.Processes != 1 {
			t.Fatalf("%+v, %v, %v", s, err, cpuErr)
		}
		return now - s.CPU
	}
	begin, end := after(m.Begin), after(m.Sample)
	if begin > end/2 {
		t.Errorf("after the CPU clocks Begin uses %v, and Sample %v", begin, end)
	}
}
