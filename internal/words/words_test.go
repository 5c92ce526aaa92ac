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

func TestNanoseconds(t *testing.T) {
	for ns, want := range map[int64]string{400: "0 µs", 600: "1 µs", 999_000: "999 µs",
		1e6: "1.0 ms", 99_900_000: "99.9 ms", 1e8: "0.10 s", 60e9: "60.00 s"} {
		if got := words.Nanoseconds(ns); got != want {
			t.Errorf("%d ns are %q, want %q", ns, got, want)
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
