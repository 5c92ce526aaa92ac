package tidy

import (
	"cmp"
	"fmt"
	"slices"
)

// A Finding is one place that breaks a rule.
type Finding struct {
	Path   string
	Line   int // 0: the file as a whole
	Wrong  string
	Remedy string
}

// String returns "path:line: what is wrong: what to do".
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.Path, max(f.Line, 1), f.Wrong, f.Remedy)
}

// A Rule finds what breaks it in a tree.
type Rule struct {
	Name  string
	Check func(*Tree) []Finding
}

// Rules returns every house rule.
func Rules() []Rule {
	return []Rule{
		{"function length", functionLength},
		{"file length", fileLength},
		{"line width", lineWidth},
		{"interface size", interfaceSize},
		{"exported names", exportedNames},
		{"package variables", packageVariables},
		{"init functions", initFunctions},
		{"import direction", importDirection},
		{"libraries", libraries},
		{"build tags", buildTags},
		{"package comment", packageComment},
		{"dead files", deadFiles},
		{"sleeping tests", sleepingTests},
		{"fixed ports", fixedPorts},
		{"silent skips", silentSkips},
		{"unknown needs", unknownNeeds},
		{"leftover markers", leftoverMarkers},
		{"unfilled documents", unfilledDocuments},
		{"links", links},
		{"unlinked documents", unlinkedDocuments},
		{"commands in documents", commands},
		{"rows", rowsHeld},
	}
}

// inOrder sorts findings by place.
func inOrder(findings []Finding) []Finding {
	slices.SortFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Wrong, b.Wrong))
	})
	return findings
}
