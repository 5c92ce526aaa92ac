package tidy

import (
	"strings"
	"testing"
	"testing/fstest"
)

const someRows = `# Rows

| row | behaviour | origin |
|---|---|---|
| A1 | first | here |
| A2 | a \| b | there | n/a: it has no meaning |
| A3 | third | there | kqueue: held where kqueue exists |

## Tasks

| row | behaviour | origin |
|---|---|---|
| K10 | of another table | elsewhere |
`

func rowSnippets() []snippet {
	rows := func(name, more, comment, wrong string) snippet {
		return snippet{"rows", name, map[string]string{
			behaviours: someRows + more, "a_test.go": "package a\n\n" + comment + "\nvar _ int\n",
		}, wrong}
	}
	return []snippet{
		{"rows", "no document", one("a_test.go", "package a\n"), "there are no rows"},
		rows("not held", "", "// K10", "no test names row A1"),
		rows("not held, of another table", "", "// A1", "no test names row K10"),
		rows("not in the document", "", "// A1, A9, K10: all", "a_test.go:3: row A9 is not in"),
		rows("not in another table", "", "// A1, K1, K10", "a_test.go:3: row K1 is not in"),
		rows("held though it does not apply", "", "// A1, K10 and A2",
			"row A2 is said not to apply"),
		rows("twice", "| A1 | again | here |\n", "// A1, K10", "row A1 stands there twice"),
		rows("held and explained", "", "// A1, K10: it is so. UTF8, B12 and X1 are no rows.", ""),
		rows("held where it can be", "", "// A1, A3, K10", ""),
		rows("one of several things", "", "// It is so. A1: and so. K10: and so.", ""),
		rows("mentioned only", "", "// K10. Like \"A1\", and unlike A1.", "no test names row A1"),
		{"rows", "held by a suite", map[string]string{
			behaviours:                    someRows,
			"selectors/selectortest/a.go": "package selectortest\n\n// A1 and K10\n",
		}, ""},
		{"rows", "not held by the product", map[string]string{
			behaviours: someRows, "a.go": "package a\n\n// A1\n",
			"b_test.go": "package a\n\n// K10\n",
		}, "no test names row A1"},
	}
}

func TestRowsTellWhatIsNotHeld(t *testing.T) {
	tree, err := Load(fstest.MapFS{
		behaviours:  &fstest.MapFile{Data: []byte(someRows)},
		"a_test.go": &fstest.MapFile{Data: []byte("package a\n\n// A1\nfunc f() {} // A1\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := Rows(tree)
	if len(rows) != 4 || len(rows[0].Held) != 2 || rows[1].Behaviour != "a | b" {
		t.Errorf("rows: %+v", rows)
	}
	var out strings.Builder
	WriteRows(&out, tree)
	want := "1 of 4 behaviours of docs/behaviours.md are held by tests (A 1/3, K 0/1); " +
		"these are not:\n" +
		"  A2   a | b (n/a: it has no meaning)\n" +
		"  A3   third (kqueue: held where kqueue exists)\n" +
		"  K10  of another table (no test names it)\n"
	if out.String() != want {
		t.Errorf("the list is\n%swant\n%s", out.String(), want)
	}
}

func TestStatsCountLines(t *testing.T) {
	const src = "// Package a\n// is.\npackage a\n\n" +
		"// F does.\nfunc F() { // now\n\t/* all\n\n\tof it */\n}\n"
	tree, err := Load(fstest.MapFS{
		"a.go":      &fstest.MapFile{Data: []byte(src)},
		"a_test.go": &fstest.MapFile{Data: []byte("package a\n\nfunc f() {}\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := count{code: 3, comment: 6, proof: 2, exported: 1, longest: 5}
	if got := tree.count("."); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	var out strings.Builder
	if err := WriteStats(&out, tree); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "67 %") || !strings.HasSuffix(out.String(), " all\n") {
		t.Errorf("the table is\n%s", out.String())
	}
}
