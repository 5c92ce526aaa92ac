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

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain, zwölf µs\u00a0×  two\r\nlines":    "plain, zwölf µs\u00a0×  two\nlines",
		"\x1b[31mred\a\r\t\u202eturned\u009b\xff": "�[31mred����turned��",
	} {
		if got := words.Printable(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
