package client

import (
	"unicode"
	"unicode/utf8"
)

// key is what was pressed: a character, or one of the constants below.
type key rune

// Keys that are not characters. They lie above all characters.
const (
	keyUnknown key = unicode.MaxRune + 1 + iota
	keyEnter
	keyInterrupt // Ctrl-C
	keyEnd       // Ctrl-D: the end of the input, or delete, if there is something to delete
	keyBackspace
	keyDelete
	keyLeft
	keyRight
	keyLineStart
	keyLineEnd
	keyUp
	keyDown
	keyEraseWord  // Ctrl-W: back to the start of the word
	keyEraseStart // Ctrl-U: back to the start of the line
	keyEraseEnd   // Ctrl-K: on to the end of the line
	keyClear      // Ctrl-L: clear the screen
)

// escape starts the sequence that a terminal sends for a key without a character:
//
//	ESC [ digits ; digits letter     arrows, Home, Delete, function keys, with or without Shift
//	ESC O letter                     the same, from some terminals
//	ESC character                    Alt and a character
//
// Nothing tells a sequence from the Escape key and what was typed after it but the time between
// them. Nobody needs the Escape key here, so there is no guessing.
const escape = 0x1b

// maxSequence bounds, in bytes, an escape sequence whose end does not come.
const maxSequence = 32

// controls are the control characters that mean something here.
var controls = map[byte]key{
	1: keyLineStart, 2: keyLeft, 3: keyInterrupt, 4: keyEnd, 5: keyLineEnd, 6: keyRight,
	8: keyBackspace, '\t': '\t', '\n': keyEnter, 11: keyEraseEnd, 12: keyClear, '\r': keyEnter,
	14: keyDown, 16: keyUp, 21: keyEraseStart, 23: keyEraseWord, 127: keyBackspace,
}

// sequences are what may follow ESC [ or ESC O.
var sequences = map[string]key{
	"A": keyUp, "B": keyDown, "C": keyRight, "D": keyLeft, "H": keyLineStart, "F": keyLineEnd,
	"1~": keyLineStart, "7~": keyLineStart, "4~": keyLineEnd, "8~": keyLineEnd, "3~": keyDelete,
}

// decodeKey returns the first key in b and the number of bytes it took. None means that b, which
// may be empty, is only the beginning of a key: the rest has not been read yet.
func decodeKey(b []byte) (key, int) {
	switch {
	case len(b) == 0:
		return keyUnknown, 0
	case b[0] == escape:
		return decodeEscape(b)
	case b[0] < ' ' || b[0] == 127:
		if k, ok := controls[b[0]]; ok {
			return k, 1
		}
		return keyUnknown, 1
	case !utf8.FullRune(b):
		return keyUnknown, 0
	}
	r, n := utf8.DecodeRune(b)
	if unicode.IsControl(r) {
		return keyUnknown, n
	}
	return key(r), n
}

// decodeEscape is decodeKey for what starts with ESC. Sequences without a meaning here are
// swallowed whole, so that their letters do not end up in the line.
func decodeEscape(b []byte) (key, int) {
	if len(b) == 1 {
		return keyUnknown, 0
	}
	if b[1] != '[' && b[1] != 'O' {
		if b[1] >= ' ' && b[1] < 127 {
			return keyUnknown, 2 // Alt and a character
		}
		return keyUnknown, 1
	}
	if len(b) > 2 && b[1] == '[' && b[2] == '[' { // F1 to F5 of the Linux console: one more byte
		if len(b) == 3 {
			return keyUnknown, 0
		}
		return keyUnknown, 4
	}
	for i, c := range b[2:] {
		switch {
		case c >= '@' && c <= '~':
			// The end of the sequence, whose length nothing else tells.
			if k, ok := sequences[string(b[2:i+3])]; ok {
				return k, i + 3
			}
			return keyUnknown, i + 3
		case c < ' ' || c > '~' || i >= maxSequence:
			// Not part of any sequence: what came is forgotten, and this is the next key.
			return keyUnknown, i + 2
		}
	}
	return keyUnknown, 0
}
