package tidy

import (
	"regexp"
	"strings"
)

// markers are the words that people leave where they mean to come back. They
// are written in pieces, so that this file does not find itself.
var markers = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "WI" + "P"}

// placeholders stand in a document for text that has yet to be put there. In
// pieces for the same reason.
var placeholders = []string{"LAB-OUT" + "PUT", "PLACE" + "HOLDER", "TB" + "D"}

// placeholder matches one of them as a word.
var placeholder = regexp.MustCompile(`\b(?:` + strings.Join(placeholders, "|") + `)\b`)

// marker matches one of them as a word.
var marker = regexp.MustCompile(`\b(?:` + strings.Join(markers, "|") + `)\b`)

// leftoverMarkers finds markers in Go files and documents alike. A marker tells
// the reader that the author knew better and left; what is open is tracked where
// it can be closed.
func leftoverMarkers(t *Tree) []Finding {
	const remedy = "do it now, or tell it where open work is tracked; the code says what is"
	var found []Finding
	look := func(path string, lines []string) {
		for i, line := range lines {
			if m := marker.FindString(line); m != "" {
				found = append(found, Finding{path, i + 1, "the marker " + m + " is left over",
					remedy})
			}
		}
	}
	for _, f := range t.files {
		look(f.path, f.lines)
	}
	for path, text := range t.documents {
		look(path, strings.Split(text, "\n"))
	}
	return inOrder(found)
}

// unfilledDocuments finds placeholders in documents, code blocks included: that
// is where the output of a command is promised.
func unfilledDocuments(t *Tree) []Finding {
	var found []Finding
	for path, text := range t.documents {
		for i, line := range strings.Split(text, "\n") {
			if m := placeholder.FindString(line); m != "" {
				found = append(found, Finding{path, i + 1, m + " stands for a text that is missing",
					"put the text in its place, or delete the promise"})
			}
		}
	}
	return inOrder(found)
}
