package examples_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// blocks returns the blocks of Go code of a document.
func blocks(text string) []string {
	var all []string
	for i, part := range strings.Split(text, "\n```") {
		if code, isGo := strings.CutPrefix(part, "go\n"); isGo && i%2 == 1 {
			all = append(all, code+"\n")
		}
	}
	return all
}

// TestCodeOfTheDocumentsIsCompiled: each block of Go code in these documents stands, to the letter,
// in a file that is compiled, and does what other tests say.
func TestCodeOfTheDocumentsIsCompiled(t *testing.T) {
	programs := []string{"echo/main.go", "kettle/main.go"}
	for document, sources := range map[string][]string{
		"docs/ordinary-go.md": {"ordinary_test.go"},
		"README.md":           programs,
		"README.zh-CN.md":     programs,
	} {
		text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(document)))
		if err != nil {
			t.Fatal(err)
		}
		var code strings.Builder
		for _, source := range sources {
			part, err := os.ReadFile(filepath.FromSlash(source))
			if err != nil {
				t.Fatal(err)
			}
			code.Write(part)
		}
		found := blocks(string(text))
		for _, block := range found {
			if !strings.Contains(code.String(), "\n"+block) {
				t.Errorf("this block of %s does not stand in one of %q of examples:\n%s",
					document, sources, block)
			}
		}
		if len(found) == 0 {
			t.Errorf("%s has no blocks of Go code", document)
		}
	}
}

// TestCodeOfThePackageCommentIsCompiled: the lines of code in doc.go of the root stand in
// comment_test.go, in the same order.
func TestCodeOfThePackageCommentIsCompiled(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "doc.go"))
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("comment_test.go")
	if err != nil {
		t.Fatal(err)
	}
	left := strings.Split(string(code), "\n")
	found := 0
	for line := range strings.Lines(string(text)) {
		want, isCode := strings.CutPrefix(strings.TrimSpace(line), "//\t")
		if !isCode {
			continue
		}
		found++
		same := func(line string) bool { return strings.TrimSpace(line) == strings.TrimSpace(want) }
		i := slices.IndexFunc(left, same)
		if i < 0 {
			t.Fatalf("doc.go has this line of code, comment_test.go has not, or earlier:\n%s", want)
		}
		left = left[i+1:]
	}
	if found == 0 {
		t.Error("doc.go has no code")
	}
}

// TestOutputOfTheReadmesIsReal: what they show of an example is what its test wants to see.
func TestOutputOfTheReadmesIsReal(t *testing.T) {
	golden, err := os.ReadFile(filepath.Join("testdata", "kettle.golden"))
	if err != nil {
		t.Fatal(err)
	}
	for _, document := range []string{"README.md", "README.zh-CN.md"} {
		text, err := os.ReadFile(filepath.Join("..", document))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), "$ go run ./examples/kettle\n"+string(golden)+"```") {
			t.Errorf("%s does not show the output of examples/kettle", document)
		}
	}
}
