// Package words writes numbers and their nouns, and texts of others, the way people read them.
package words

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Count writes a number with its noun: "1 line", "2 lines".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// Nanoseconds writes a time in the unit that leaves few digits.
func Nanoseconds(ns int64) string {
	switch us := float64(ns) / 1e3; {
	case us < 1000:
		return fmt.Sprintf("%.0f µs", us)
	case us < 100_000:
		return fmt.Sprintf("%.1f ms", us/1e3)
	default:
		return fmt.Sprintf("%.2f s", us/1e6)
	}
}

// Printable returns a text that a server has chosen, as its name or its error, without what would
// move a terminal's cursor, change its colours or turn its lines round. Ends of lines stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(text, "\r\n", "\n"))
}
