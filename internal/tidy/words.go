package tidy

import (
	"regexp"
	"strings"
)

// markers are the words that people leave where they mean to come back. They
// are written in pieces, so that this file does not find itself.
var markers = []string{"TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "WI" + "P"}

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
