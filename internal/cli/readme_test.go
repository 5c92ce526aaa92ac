package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/models"
)

// runPrefix is how the documents call the command.
const runPrefix = "go run ./cmd/kettle"

// quoted returns the calls of the command in the shell blocks of a document, each as the
// arguments that the command gets. What the shell does with them (comments, redirections,
// the next command of a line) is left out.
func quoted(text string) [][]string {
	var calls [][]string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if fence, ok := strings.CutPrefix(line, "```"); ok {
			inside = !inside && (fence == "sh" || fence == "console" || fence == "shell")
			continue
		}
		_, call, ok := strings.Cut(line, runPrefix)
		if !inside || !ok {
			continue
		}
		var args []string
		for _, word := range shellWord.FindAllString(call, -1) {
			if strings.ContainsAny(word[:1], "#|<>&;)") {
				break
			}
			word, last := strings.CutSuffix(word, ";")
			args = append(args, strings.NewReplacer(`"`, "", `'`, "").Replace(word))
			if last {
				break
			}
		}
		calls = append(calls, args)
	}
	return calls
}

// shellWord matches a word as a shell reads it, with the quotes that it has.
var shellWord = regexp.MustCompile(`(?:[^\s'"]|'[^']*'|"[^"]*")+`)

// TestCommandsOfTheDocumentsAreUnderstood: a flag that was renamed is renamed there too.
func TestCommandsOfTheDocumentsAreUnderstood(t *testing.T) {
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range quoted(string(text)) {
			found++
			if code, _, said := parse(t, args); code != 0 {
				t.Errorf("%s: %s %s: %s", filepath.Base(file), runPrefix, strings.Join(args, " "),
					said)
			}
		}
	}
	if found == 0 {
		t.Errorf("no document shows a command")
	}
}

func TestQuotedCommands(t *testing.T) {
	const text = "text\n" + runPrefix + " outside\n```sh\n$ " + runPrefix + " models # all\n" +
		"time " + runPrefix + " client --conns '3' --a b='c {d}' < x | wc\nother\n" +
		runPrefix + "\n```\n" +
		runPrefix + " outside\n```text\n" + runPrefix + " output\n```\n```sh\n" +
		runPrefix + " lab; ls\n```\n"
	var got []string
	for _, args := range quoted(text) {
		got = append(got, strings.Join(args, " "))
	}
	if all := strings.Join(got, ","); all != "models,client --conns 3 --a b=c {d},,lab" {
		t.Errorf("the commands of the text are %q", all)
	}
}

// TestLinesInTheTableOfTheReadme: the table is of the code as it is.
func TestLinesInTheTableOfTheReadme(t *testing.T) {
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range models.All() {
			if m.Selector != "" && !bytes.Contains(text, []byte("\n"+m.Name+" ")) {
				continue // the machine that the table is from did not have it
			}
			own, all := m.Lines()
			row := regexp.MustCompile(fmt.Sprintf(`(?m)^%s .* %d \(%d\) +0$`, m.Name, own, all))
			if !row.Match(text) {
				t.Errorf("%s: no row of %s in the lab's table has its lines, %d (%d): run the lab "+
					"and put in what it prints", name, m.Name, own, all)
			}
		}
	}
}
