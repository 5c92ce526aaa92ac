package client

import (
	"strings"
	"testing"
	"testing/synctest"
)

// press gives the editor the keys of a string and returns the lines entered.
func press(e *editor, keys string) (lines []string) {
	rest := []byte(keys)
	for {
		k, n := decodeKey(rest)
		if n == 0 {
			return lines
		}
		rest = rest[n:]
		if line, entered := e.press(k); entered {
			lines = append(lines, line)
		}
	}
}

// What the keys do to the line.
func TestLineIsEdited(t *testing.T) {
	const up, down, right, left = "\x1b[A", "\x1b[B", "\x1b[C", "\x1bOD"
	for _, tt := range []struct{ name, keys, want string }{
		{"characters", "hé世\r", "hé世"},
		{"backspace", "héx\x7f\x7fello\r", "hello"},
		{"backspace at the start", "\x08\x7fa\r", "a"},
		{"insertion", "hlo" + left + left + "el" + right + right + right + "!\r", "hello!"},
		{"start and end", "ell\x01h\x05o\r", "hello"},
		{"Home and End", "ell\x1b[Hh\x1b[4~o\r", "hello"},
		{"Delete", "xhello\x1b[1~\x1b[3~\r", "hello"},
		{"Ctrl-D with a line deletes", "xhello\x01\x04\r", "hello"},
		{"Delete at the end", "hello\x1b[3~\r", "hello"},
		{"erase to the start", "xyz\x15hello\r", "hello"},
		{"erase to the end", "helloxyz\x02\x02\x02\x0b\r", "hello"},
		{"erase the word", "hello big  \x17world\r", "hello world"},
		{"erase the word at the start", "\x17hello\r", "hello"},
		{"recall", "one\rtwo\r" + up + up + "!\r", "one|two|one!"},
		{"recall leaves history alone", "one\r" + up + "\x7f\r" + up + up + "\r", "one|on|one"},
		{"recall and return", "one\rdraft" + up + down + "!\r", "one|draft!"},
		{"recall beyond the ends", "one\r" + up + up + down + down + down + "two\r", "one|two"},
		{"unknown sequences", "a\x1b[31;1m\x1b[15~\x1bOPb\x1bfc\x00\x1b[200~d\r", "abcd"},
		{"keys of the Linux console", "a\x1b[[A\x1b[[Eb\r", "ab"},
		{"broken sequences", "\x1b\x1b[\x1b[Da\x1b[\rb\r", "a|b"},
		{"bytes that are no characters", "a\xffb\r", "a\ufffdb"},
		{"no control characters", "a\u009bb\r", "ab"},
		{"tabs", "a\tb\r", "a\tb"},
		{"endless sequence", "\x1b[" + strings.Repeat("1", 200) + "\r", strings.Repeat("1", 168)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(press(new(editor), tt.keys), "|"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// The history is bounded.
func TestHistoryIsBounded(t *testing.T) {
	var e editor
	press(&e, strings.Repeat("x\r", 3*maxHistory))
	if len(e.history) != maxHistory {
		t.Errorf("%d lines are kept, want %d", len(e.history), maxHistory)
	}
}

// A key that comes in several reads is one key.
func TestKeysInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := sit(t, options(1, patient), 80, inMemory(every(serveUpper)))
		for _, b := range []byte("ld大\x1b[D\x1b[D\x1b[DHello wor\x05!\r") {
			d.typ(string([]byte{b}))
		}
		synctest.Wait()
		d.sees("[1]> Hello world大!", "[1] HELLO WORLD大!", "[1]>")
		d.typ("\x04")
		if err := d.leave(); err != nil {
			t.Error(err)
		}
	})
}

// FuzzKeys types anything: the cursor stays in the line, what is shown fits, and every byte is
// dealt with as soon as it can be.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("hello\x1b[D\x7f\r\x1b[A\x17"), uint8(10))
	f.Add([]byte("大小\x02\x1b[3~\xe5\xa4"), uint8(2))
	f.Fuzz(func(t *testing.T, keys []byte, width uint8) {
		var e editor
		for len(keys) > 0 {
			k, n := decodeKey(keys)
			if n == 0 {
				if len(keys) > maxSequence+3 {
					t.Fatalf("%d bytes are still no key", len(keys))
				}
				break
			}
			keys = keys[n:]
			e.press(k)
			if e.pos < 0 || e.pos > len(e.line) {
				t.Fatalf("the cursor is at %d in a line of %d", e.pos, len(e.line))
			}
			text, behind := e.view(int(width))
			shown := 0
			for _, r := range text {
				shown += columns(r)
			}
			if shown > int(width) || behind > shown {
				t.Fatalf("view %q: %d columns, %d behind the cursor, in a width of %d",
					text, shown, behind, width)
			}
		}
	})
}
