package examples_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
)

// peak returns the most memory that a process has had at a time, in bytes.
func peak(t *testing.T, pid int) int {
	t.Helper()
	testenv.Need(t, testenv.Proc)
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "\nVmHWM:")
	var kilobytes int
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		t.Fatalf("there is no VmHWM in\n%s", text)
	}
	return kilobytes << 10
}
