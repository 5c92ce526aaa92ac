package tidy

import "testing"

func documentSnippets() []snippet {
	const make = "build: ## Build it.\n\tgo build ./...\n"
	readme := func(text string) map[string]string {
		return map[string]string{
			"README.md": text, "docs/a.md": "# The A\n\n## Süß & 中文, twice\n", "Makefile": make,
			"b/b.go": "package b\n",
		}
	}
	left := "// TO" + "DO: later\n"
	return []snippet{
		{"leftover markers", "in Go", one("a.go", left+"package a\n"),
			"a.go:1: the marker"},
		{"leftover markers", "in a document", one("a.md", "FIX"+"ME\n"), "a.md:1:"},
		{"leftover markers", "part of a word", one("a.go", "// TO"+"DOS\npackage a\n"), ""},
		{"unfilled documents", "in a block", one("a.md", "```text\nLAB-OUT"+"PUT\n```\n"),
			"a.md:2: LAB-OUT" + "PUT stands for"},
		{"unfilled documents", "part of a word", one("a.md", "TB"+"DX, lab output\n"), ""},
		{"links", "nowhere", readme("\n[a](docs/b.md)\n"),
			"README.md:2: the link leads to docs/b.md"},
		{"links", "no such heading", readme("[a](docs/a.md#the-b)\n"), "no heading #the-b"},
		{"links", "a definition", readme("[a]: docs/b.md\n"), "docs/b.md"},
		{"links", "a picture", readme("![a](a.svg \"a\")\n"), "a.svg"},
		{"links", "places that exist",
			readme("# R\n[a](docs/a.md#the-a) [b](./b/) [c](#r) [d](https://example.org/x)\n"), ""},
		{"links", "a heading in other letters", readme("[a](docs/a.md#süß--中文-twice)\n"), ""},
		{"links", "code", readme("`[a](b)`\n```\n[a](b)\n```\n"), ""},
		{"unlinked documents", "alone", readme("nothing\n"), "docs/a.md:1: no document links"},
		{"unlinked documents", "linked", readme("[a](docs/a.md)\n"), ""},
		{"commands in documents", "no target", readme("run `make love`\n"), "no target love"},
		{"commands in documents", "no target in a block", readme("```\n$ make war\n```\n"),
			"no target war"},
		{"commands in documents", "no package", readme("`go run ./cmd/cattle`\n"),
			"no package ./cmd/cattle"},
		{"commands in documents", "in a comment", map[string]string{
			"a.go": "// Run `" + "make hay` first.\npackage a\n", "Makefile": make,
		}, "a.go:1: the Makefile has no target hay"},
		{"commands in documents", "what exists",
			readme("make sure that `make build` runs\n```\ngo test -run X ./b\n```\n"), ""},
	}
}

func TestAnchorsOfEqualHeadings(t *testing.T) {
	got := anchors("# A b\n## A b\n```\n# no heading\n```\n### [A `b`](x.md) ###\n")
	for _, want := range []string{"a-b", "a-b-1", "a-b-2"} {
		if !got[want] {
			t.Errorf("no anchor %s among %v", want, got)
		}
	}
	if len(got) != 3 {
		t.Errorf("anchors %v, want three", got)
	}
}
