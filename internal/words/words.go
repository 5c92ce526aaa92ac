// Package words writes numbers and their nouns the way people read them.
package words

import "strconv"

// Count writes a number with its noun: "1 line", "2 lines".
func Count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
