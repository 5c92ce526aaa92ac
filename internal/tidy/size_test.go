package tidy

import (
	"fmt"
	"strings"
)

func sizeSnippets() []snippet {
	body := func(lines int) string {
		return "package a\n\nfunc f() {\n" + strings.Repeat("\tf()\n", lines-2) + "}\n"
	}
	return []snippet{
		{"function length", "71 lines", one("a.go", body(71)), "function f has 71 lines"},
		{"function length", "70 lines", one("a.go", body(70)), ""},
		{"file length", "501 lines", one("a.go", "package a\n"+strings.Repeat("\n",
			499)+"var _ int\n"),
			"501 lines"},
		{"file length", "500 lines", one("a.go", "package a\n"+strings.Repeat("\n",
			498)+"var _ int\n"),
			""},
		{"line width", "101 columns", one("a.go", "package a\n\n\t// "+strings.Repeat("x",
			94)+"\n"),
			"a.go:3: the line has 101 columns"},
		{"line width", "100 columns of two bytes",
			one("a.go", "package a\n\n\t// "+strings.Repeat("ü", 93)+"\n"), ""},
		{"line width", "an address",
			one("a.go", "package a\n\n// https://"+strings.Repeat("x", 200)+"\n"), ""},
		{"interface size", "7 methods",
			one("a.go", "package a\n\ntype i interface{ A(); B(); C(); D(); E(); F(); G() }\n"),
			"7 methods"},
		{"interface size", "6 methods",
			one("a.go", "package a\n\ntype i interface{ A(); B(); C(); D(); E(); F() }\n"), ""},
		{"exported names", "26 names", one("a/a.go", "package a\n"+exporting(26)),
			"exports 26 names"},
		{"exported names", "25 names", one("a/a.go", "package a\n"+exporting(25)), ""},
		{"exported names", "50 names in the root", one("a.go", "package kettle\n"+exporting(50)),
			"exports 50 names"},
		{"exported names", "47 names in the root",
			one("a.go", "package kettle\n"+exporting(47)), ""},
		{"exported names", "the same names on two platforms", map[string]string{
			"a/a_linux.go":  "package a\n" + exporting(25),
			"a/a_darwin.go": "package a\n" + exporting(25),
		}, ""},
		{"exported names", "methods and tests do not count", map[string]string{
			"a/a.go":      "package a\n" + exporting(25) + "func (T1) M() {}\ntype T1 int\n",
			"a/a_test.go": "package a\n" + strings.ReplaceAll(exporting(25), "F", "Test"),
		}, "exports 26 names"},
	}
}

// exporting declares n exported functions.
func exporting(n int) string {
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, "func F%d() {}\n", i)
	}
	return s.String()
}
