// Package ascii has the one piece of work that kettle's servers do: turning bytes into
// upper case, as Python's bytes.upper does. Only the letters a to z change; every other byte,
// the parts of a UTF-8 character included, goes through untouched, so that it does not
// matter how a stream is cut into chunks.
package ascii

import "encoding/binary"

// The same byte in all eight bytes of a word.
const (
	ones = 0x0101010101010101
	high = 0x8080808080808080
)

// Upper turns the ASCII letters of p into upper case, in place. It does not allocate.
func Upper(p []byte) {
	for len(p) >= 32 {
		b := (*[32]byte)(p)
		upper((*[8]byte)(b[0:]))
		upper((*[8]byte)(b[8:]))
		upper((*[8]byte)(b[16:]))
		upper((*[8]byte)(b[24:]))
		p = p[32:]
	}
	for len(p) >= 8 {
		upper((*[8]byte)(p))
		p = p[8:]
	}
	for i, c := range p {
		if 'a' <= c && c <= 'z' {
			p[i] = c - ('a' - 'A')
		}
	}
}

// upper works on eight bytes at a time. With the high bit of each byte put aside, adding 0x80-'a'
// carries into that bit for every byte from 'a' on, and adding 0x80-'z'-1 for every byte
// after 'z': where the first has carried, the second has not, and the byte was below 0x80 at
// first, there is a letter. Its bit 0x20 is what tells lower case from upper.
func upper(p *[8]byte) {
	w := binary.LittleEndian.Uint64(p[:])
	low := w &^ high
	fromA := low + ones*(0x80-'a')
	afterZ := low + ones*(0x80-'z'-1)
	letters := fromA & high &^ (afterZ | w)
	binary.LittleEndian.PutUint64(p[:], w-letters>>2)
}
