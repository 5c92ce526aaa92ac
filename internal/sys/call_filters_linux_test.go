package sys

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/testenv"
)

// passes reports whether a filter lets the call of a number through: it is a list of comparisons
// of one kind.
func passes(t *testing.T, filter string, number int) bool {
	t.Helper()
	equal := !strings.Contains(filter, "&&")
	for term := range strings.SplitSeq(strings.ReplaceAll(filter, " && ", " || "), " || ") {
		words := strings.Fields(term)
		if len(words) != 3 || words[0] != "id" || (words[1] == "==") != equal {
			t.Fatalf("%q in the filter %q", term, filter)
		}
		n, err := strconv.Atoi(words[2])
		if err != nil {
			t.Fatal(err)
		}
		if n == number {
			return equal
		}
	}
	return !equal
}

// TestEachCallIsOfOneKind: no filter leaves one to nobody, or to two.
func TestEachCallIsOfOneKind(t *testing.T) {
	filters := callFilters()
	if filters == nil {
		t.Log("the numbers of the calls of this processor are not known")
		return
	}
	for number := range 1024 {
		kinds := 0
		for _, filter := range filters {
			if passes(t, filter, number) {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("call %d is of %d kinds", number, kinds)
		}
	}
	for number, kind := range map[int]CallKind{unix.SYS_READ: ReceiveCall,
		unix.SYS_SENDTO: SendCall, unix.SYS_EPOLL_PWAIT: WaitCall, unix.SYS_ACCEPT4: AcceptCall,
		unix.SYS_FUTEX: ThreadCall, unix.SYS_CLOSE: OtherCall} {
		if !passes(t, filters[kind], number) {
			t.Errorf("call %d is not of kind %d", number, kind)
		}
	}
}

// TestWhyThereIsNoTracepoint, in words that say what to do, as far as anything can be done.
func TestWhyThereIsNoTracepoint(t *testing.T) {
	const id = "events/raw_syscalls/sys_enter/id"
	for name, c := range map[string]struct {
		files  []string
		absent bool
		want   string
	}{
		"no tracing":    {absent: true, want: "without tracing: there is no DIR"},
		"not mounted":   {want: "tracefs is not mounted: mount -t tracefs nodev DIR"},
		"no tracepoint": {files: []string{"events/enable"}, want: "without a tracepoint of system"},
		"it is there":   {files: []string{id}},
		"no number":     {files: []string{id, "no number"}, want: "invalid syntax"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "tracing")
			if !c.absent {
				put(t, filepath.Join(dir, "README"), "")
			}
			text := "17\n"
			if len(c.files) > 1 {
				text = c.files[1]
			}
			if len(c.files) > 0 {
				put(t, filepath.Join(dir, c.files[0]), text)
			}
			n, err := callTracepoint(dir, filepath.Join(dir, "debug"))
			want := strings.ReplaceAll(c.want, "DIR", dir)
			switch {
			case want == "" && (err != nil || n != 17):
				t.Errorf("%d, %v", n, err)
			case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
}

// TestOrdinaryUserIsToldToBeRoot where tracefs may not be read.
func TestOrdinaryUserIsToldToBeRoot(t *testing.T) {
	testenv.Need(t, testenv.OrdinaryUser)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "events/raw_syscalls/sys_enter/id"), "17\n")
	events := filepath.Join(dir, "events")
	if err := os.Chmod(events, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(events, 0o700) })
	if _, err := callTracepoint(dir); err == nil || !strings.HasSuffix(err.Error(), "takes root") {
		t.Errorf("%v", err)
	}
}

// put makes a file, and the directories that it is in.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
