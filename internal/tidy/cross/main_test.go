package main

import (
	"os"
	"strings"
	"testing"
)

// module makes the working directory a module of these files.
func module(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	files["go.mod"] = "module example.org/m\n\ngo 1.26\n"
	for name, text := range files {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFindsWhatOtherPlatformsWouldNotCompile(t *testing.T) {
	const good = "package m\n\nimport \"os\"\n\n" +
		"func F(f *os.File) string { return f.Name() + sys }\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string // in the error; "" if there is to be none
	}{
		"nothing": {map[string]string{"m.go": good,
			"m_windows.go": "package m\n\nvar sys = \"\"\n",
			"m_other.go":   "//go:build !windows\n\npackage m\n\nvar sys = \"/\"\n"}, ""},
		"not declared": {map[string]string{"m.go": good,
			"m_linux.go": "package m\n\nvar sys = \"/\"\n"}, "m.go:5:47: undefined: sys"},
		"of another type": {map[string]string{"m.go": good,
			"m_windows.go": "package m\n\nvar sys = 1\n",
			"m_linux.go":   "package m\n\nvar sys = \"/\"\n"}, "mismatched types"},
		"in a test": {map[string]string{"m.go": "package m\n",
			"m_windows_test.go": "package m_test\n\nimport \"example.org/m\"\n\nvar _ = m.F\n"},
			"m_windows_test.go:5:11: undefined: m.F"},
		"a size": {map[string]string{"m.go": "package m\n",
			"m_windows.go": "package m\n\nvar sys = [1]int{}[uintptr(1)<<40>>39]\n"},
			"invalid argument"},
		"no package": {map[string]string{"m.go": "package m\n",
			"m_windows.go": "package m\n\nimport _ \"example.org/m/none\"\n"}, "go list"},
	} {
		t.Run(name, func(t *testing.T) {
			module(t, c.files)
			var out strings.Builder
			if err := run(&out, []string{"linux/amd64"}); err != nil {
				t.Errorf("linux: %v", err)
			}
			err := run(&out, []string{"windows/amd64"})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && err == nil:
				t.Errorf("no error, want one with %q; it says %q", c.want, &out)
			case c.want != "" && !strings.Contains(err.Error(), c.want):
				t.Errorf("the error has no %q: %v", c.want, err)
			}
		})
	}
}

func TestPlatformsThatAreNone(t *testing.T) {
	module(t, map[string]string{"m.go": "package m\n"})
	for _, names := range [][]string{nil, {"linux"}, {"linux/z80"}} {
		if err := run(new(strings.Builder), names); err == nil {
			t.Errorf("%q is no error", names)
		}
	}
}
