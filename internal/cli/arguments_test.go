package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// parse does all that the command does before its work begins: it finds the subcommand and reads
// and checks its flags. So nothing listens, connects or is started. It returns the exit code and
// what was said.
func parse(t testing.TB, args []string) (code int, out, said string) {
	t.Helper()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var stdout, stderr bytes.Buffer
	root := newRoot(streams{null, null, null})
	for _, c := range commands(root) {
		if c.PreRunE != nil || c.Name() == "models" {
			c.RunE = func(*cobra.Command, []string) error { return nil }
		}
	}
	root.SetArgs(append([]string{}, args...)) // nil would be those of this process
	root.SetIn(strings.NewReader(""))
	root.SetOut(&stdout)
	root.SetErr(io.Discard)
	code = exitCode(root.ExecuteContext(t.Context()), &stderr)
	return code, stdout.String(), stderr.String()
}

// commands returns all that are below a command.
func commands(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, below := range c.Commands() {
		all = append(all, below)
		all = append(all, commands(below)...)
	}
	return all
}

// flag is a flag of a command.
type flag struct{ command, name, kind, usage, value string }

var flagName = regexp.MustCompile(`(?m)^ +(?:-\w, |    )--([\w-]+)`)

// flags returns every flag of every command.
func flags() []flag {
	var all []flag
	for _, c := range commands(newRoot(streams{})) {
		for _, m := range flagName.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
			f := c.Flags().Lookup(m[1])
			all = append(all, flag{commandName(c), f.Name, f.Value.Type(), f.Usage, f.DefValue})
		}
	}
	return all
}

// TestEveryCommandThatWorksChecksItsFlagsFirst, as parse relies on it.
func TestEveryCommandThatWorksChecksItsFlagsFirst(t *testing.T) {
	for _, c := range commands(newRoot(streams{})) {
		if c.HasFlags() && c.PreRunE == nil && c.Name() != "help" {
			t.Errorf("%s has flags and no check of them", c.Name())
		}
	}
}

func TestDefaultsArePossible(t *testing.T) {
	for _, name := range []string{"serve", "client", "load", "lab", "lab switch",
		"lab timeline", "models"} {
		if code, _, said := parse(t, strings.Fields(name)); code != 0 {
			t.Errorf("kettle %s: %d: %s", name, code, said)
		}
	}
}

func TestEveryFlagIsExplained(t *testing.T) {
	if n := len(flags()); n < 25 {
		t.Errorf("there are %d flags, fewer than there are", n)
	}
	for _, f := range flags() {
		if f.usage == "" {
			t.Errorf("kettle %s --%s: nothing says what it is", f.command, f.name)
		}
		command := strings.Fields(f.command)
		_, help, _ := parse(t, append(command, "--help"))
		if !strings.Contains(help, "--"+f.name) {
			t.Errorf("kettle %s --help does not show --%s", f.command, f.name)
		}
		if f.kind == "bool" {
			continue
		}
		code, _, said := parse(t, append(command, "--"+f.name))
		if code != 2 || !strings.Contains(said, "flag needs an argument: --"+f.name) {
			t.Errorf("kettle %s --%s without a value: %d: %s", f.command, f.name, code, said)
		}
	}
}

func TestUsageErrorsAreSeen(t *testing.T) {
	inner := errors.New("no water")
	var said bytes.Buffer
	if code := exitCode(asUsage(inner), &said); code != 2 || !errors.Is(asUsage(inner), inner) {
		t.Errorf("a usage error gives %d", code)
	}
	if asUsage(nil) != nil {
		t.Errorf("nothing wrong is an error")
	}
	said.Reset()
	if code := exitCode(errors.New("two\r\nlines\n"), &said); code != 1 ||
		said.String() != "kettle: two; lines\n" {
		t.Errorf("another error gives %d and %q", code, &said)
	}
}

// FuzzArguments: whatever the arguments (one in each line of the text), they are understood or
// refused with 2, and what is said is one line and where to look.
func FuzzArguments(f *testing.F) {
	for _, text := range []string{"", "models", "brew", "help", "help\nlab", "help\nbrew", "--",
		"-", "serve\n--\nx", "serve\n-h", "-v", "--help=maybe", "serve\n--verbose=perhaps",
		"lab\n--models\ngoroutines,,poll", "load\n--rate\n1e400", "load\n--rate=-NaN",
		"serve\n--addr\n[::1%lo]:80", "serve\n--addr=:\x00", "client\n--timeout\n9999999h",
		"lab\n--rounds\n99999999999999999999", "__complete\nserve\n--", "__complete"} {
		f.Add(text)
	}
	for _, flag := range flags() {
		for _, value := range []string{flag.value, "", "0", "-1", "x", "1ms", "\xff"} {
			command := strings.ReplaceAll(flag.command, " ", "\n")
			f.Add(command + "\n--" + flag.name + "\n" + value)
			f.Add(command + "\n--" + flag.name + "=" + value)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, _, said := parse(t, strings.Split(text, "\n"))
		lines := strings.Count(said, "\n")
		switch {
		case code == 0 && said == "", code == 2 && lines == 2:
		case code == 1 && lines == 1 && strings.HasPrefix(text, "__"): // cobra's own commands
		default:
			t.Errorf("%q: exit code %d and %d lines: %q", text, code, lines, said)
		}
		if strings.ContainsAny(said, "\r") || !strings.HasPrefix(said, "kettle: ") && said != "" {
			t.Errorf("%q: it says %q", text, said)
		}
	})
}
