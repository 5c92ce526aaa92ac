package unmet

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/tidy"
)

// TestListsWhatWasSkipped prints the list; see the package comment.
func TestListsWhatWasSkipped(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := tidy.Load(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	list := describe(tidy.Uses(tree))
	t.Log(list)
	if f, err := os.Open(stale(root)); err == nil {
		f.Close()
	}
	terminal, err := openTerminal()
	if err != nil {
		t.Logf("not written to the terminal: %v", err)
		return
	}
	defer terminal.Close()
	deadline, ok := t.Deadline()
	if !ok {
		deadline = time.Now().Add(10 * time.Minute)
	}
	awaitOthers(deadline.Add(-time.Minute))
	if _, err := fmt.Fprint(terminal, list); err != nil {
		t.Logf("writing to the terminal: %v", err)
	}
}

// describe makes the list: each reason once, and below it the functions.
func describe(uses []tidy.Use) string {
	byReason := map[string][]string{}
	for _, u := range uses {
		if u.Missing != nil {
			why := u.Missing.Error()
			byReason[why] = append(byReason[why], u.Path+": "+u.Function)
		}
	}
	if len(byReason) == 0 {
		return "\nskipped: nothing (this machine has all that the tests need)\n"
	}
	var list strings.Builder
	fmt.Fprint(&list, "\nskipped, because this machine or this run lacks what the tests need:\n")
	reasons := make([]string, 0, len(byReason))
	for why := range byReason {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		fmt.Fprintf(&list, "  %s\n", why)
		places := byReason[why]
		slices.Sort(places)
		for _, place := range slices.Compact(places) {
			fmt.Fprintf(&list, "    %s\n", place)
		}
	}
	return list.String()
}

func TestListNamesEachReasonOnce(t *testing.T) {
	why := fmt.Errorf("needs tea")
	got := describe([]tidy.Use{
		{Path: "b_test.go", Function: "TestB", Missing: why},
		{Path: "a_test.go", Function: "TestA", Missing: why},
		{Path: "a_test.go", Function: "TestA", Missing: why},
		{Path: "c_test.go", Function: "TestC"},
	})
	want := "\nskipped, because this machine or this run lacks what the tests need:\n" +
		"  needs tea\n    a_test.go: TestA\n    b_test.go: TestB\n"
	if got != want {
		t.Errorf("the list is %q, want %q", got, want)
	}
	if got := describe(nil); !strings.Contains(got, "nothing") {
		t.Errorf("the list of no needs is %q", got)
	}
}
