package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/switching"
)

// sofas is a kind that cannot be measured, as there is none of that name.
const sofas = switching.Kind("sofas")

// switches has some kinds measured, and returns what was printed.
func switches(t *testing.T, json bool, kinds ...switching.Kind) (string, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "out")
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	f := switchFlags{kinds: kinds, duration: time.Millisecond, json: json}
	err = runSwitch(t.Context(), streams{out: out}, f)
	text, readErr := os.ReadFile(name)
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(text), err
}

// TestSwitchesBeforeAFailureAreShown, and the failure is what the command ends with.
func TestSwitchesBeforeAFailureAreShown(t *testing.T) {
	for _, json := range []bool{false, true} {
		want := "\ncalls "
		if json {
			want = `"kind":"calls",`
		}
		text, err := switches(t, json, switching.Calls, sofas)
		if err == nil || !strings.Contains(err.Error(), `unknown kind "sofas"`) ||
			!strings.Contains(text, want) {
			t.Errorf("JSON %v: %v\n%s", json, err, text)
		}
		if text, err := switches(t, json, sofas); err == nil || text != "" {
			t.Errorf("JSON %v: nothing measured: %v\n%s", json, err, text)
		}
	}
}

// TestSwitchesThatCannotBeShown are an error.
func TestSwitchesThatCannotBeShown(t *testing.T) {
	closed, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	for _, json := range []bool{false, true} {
		what := "write the table: "
		if json {
			what = "write the results: "
		}
		f := switchFlags{kinds: []switching.Kind{switching.Calls}, duration: time.Millisecond,
			json: json}
		err := runSwitch(t.Context(), streams{out: closed}, f)
		if err == nil || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("the error is %v, want %s", err, what)
		}
	}
}
