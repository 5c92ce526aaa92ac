package switching_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/switching"
)

// self returns this test binary.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRunHasTheCommandMeasure all kinds, and reads what it says.
func TestRunHasTheCommandMeasure(t *testing.T) {
	fake(t, "command")
	results, err := switching.Run(t.Context(), self(t), nil, short, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []switching.Kind
	for _, r := range results {
		kinds = append(kinds, r.Kind)
		if r.NS <= 0 && r.Unavailable == "" {
			t.Errorf("%+v", r)
		}
	}
	if !slices.Equal(kinds, switching.Kinds()) {
		t.Errorf("the results are of %q", kinds)
	}
}

// TestRunBindsTheCommand to the CPUs, one of which both parties run on then.
func TestRunBindsTheCommand(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.TwoCPUs)
	fake(t, "command")
	cpus, err := sys.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	for _, cpu := range cpus {
		results, err := switching.Run(t.Context(), self(t),
			[]switching.Kind{switching.Threads, switching.Processes, switching.Calls}, short,
			[]int{cpu})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results[:2] {
			if r.CPU == nil || *r.CPU != cpu {
				t.Errorf("%s was not bound to CPU %d: %+v", r.Kind, cpu, r)
			}
		}
		if results[2].CPU != nil {
			t.Errorf("calls was bound to CPU %d", *results[2].CPU)
		}
	}
}

// asked is what the commands that are wrong are asked for.
func asked() []switching.Kind { return []switching.Kind{switching.Calls, switching.Tasks} }

// TestCommandThatIsWrong gives an error that says how, and what it has measured until then.
func TestCommandThatIsWrong(t *testing.T) {
	const during = "measure switches in a process of their own: "
	for _, c := range []struct {
		what    string
		results int
		want    string
	}{
		{"half", 1, "exit status 3; it said: out of steam"},
		{"nothing", 0, "it wrote nothing of calls, tasks"},
		{"garbage", 0, `it wrote "good morning\n", which is no result: `},
		{"other", 1, `it wrote of "threads", and was not asked for it`},
		{"more", 2, `it wrote of "tasks", and was not asked for it`},
	} {
		t.Run(c.what, func(t *testing.T) {
			fake(t, c.what)
			results, err := switching.Run(t.Context(), self(t), asked(), 7*time.Millisecond, nil)
			if err == nil || !strings.HasPrefix(err.Error(), during+c.want) {
				t.Errorf("the error is %v, want %s", err, during+c.want)
			}
			if len(results) != c.results {
				t.Errorf("%d results, want %d: %+v", len(results), c.results, results)
			}
		})
	}
	nowhere := filepath.Join(t.TempDir(), "kettle")
	results, err := switching.Run(t.Context(), nowhere, asked(), short, nil)
	if !errors.Is(err, os.ErrNotExist) || results != nil {
		t.Errorf("a program that is not there: %v, %+v", err, results)
	}
}

// TestCommandThatIsNotAllowedItsCPUs: there is no CPU of that number.
func TestCommandThatIsNotAllowedItsCPUs(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	fake(t, "half")
	results, err := switching.Run(t.Context(), self(t), asked(), short, []int{1000})
	if err == nil || !strings.Contains(err.Error(), "bind a thread to the CPUs [1000]: ") ||
		results != nil {
		t.Errorf("%v, %+v", err, results)
	}
}

// TestCommandThatHangsIsKilled when the run is cancelled, or when its time is over; what it has
// measured is there.
func TestCommandThatHangsIsKilled(t *testing.T) {
	fake(t, "hangs")
	enough := errors.New("enough")
	t.Run("cancelled", func(t *testing.T) {
		mark := filepath.Join(t.TempDir(), "hangs")
		t.Setenv(markVariable, mark)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			for ; ctx.Err() == nil; time.Sleep(time.Millisecond) {
				if _, err := os.Stat(mark); err == nil {
					cancel(enough)
				}
			}
		}()
		results, err := switching.Run(ctx, self(t), asked(), 7*time.Millisecond, nil)
		cancel(nil) // in case that it has not hung
		if !errors.Is(err, enough) || len(results) != 1 {
			t.Errorf("%v, %+v", err, results)
		}
	})
	t.Run("late", func(t *testing.T) {
		const within = 300 * time.Millisecond
		_, err := switching.RunWithin(t.Context(), within, self(t), asked(),
			7*time.Millisecond, nil)
		if err == nil || !strings.HasSuffix(err.Error(), ": it takes over 300ms") {
			t.Errorf("the error is %v", err)
		}
	})
}
