package words_test

import (
	"testing"

	"github.com/kettle-go/kettle/internal/words"
)

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 lines", 1: "1 line", 2: "2 lines", -1: "-1 lines"} {
		if got := words.Count(n, "line"); got != want {
			t.Errorf("Count(%d) is %q, want %q", n, got, want)
		}
	}
}
