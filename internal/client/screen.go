package client

import (
	"bufio"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// screen paints a line terminal in two zones:
//
//	[1] HELLO                                    what has happened: written once, scrolls away
//	[2] lost: closed by the server
//	[3] waiting 3.1 s  [4] waiting 2.0 s         what is: the status, only if there is one,
//	[5]> how are y_                              and the line being typed
//
// The second zone is erased and painted anew whenever it, or the first, changes. It takes one row
// for the status and one for the line, never more: what does not fit the window is left out. So
// the cursor is always in its last row, and erasing it needs no knowledge of how the terminal
// breaks long lines. The width is asked for at each painting, which makes resizing unremarkable.
//
// Everything is buffered until paint. A screen is for one goroutine.
type screen struct {
	out   *bufio.Writer
	size  func() (width, height int, err error)
	frame string // what the second zone shows; empty if it is erased
	above int    // rows of the second zone above the cursor's
}

// defaultWidth is for terminals that do not tell their size.
const defaultWidth = 80

// width returns the columns of the window.
func (s *screen) width() int {
	if s.size != nil {
		if w, _, err := s.size(); err == nil && w > 0 {
			return w
		}
	}
	return defaultWidth
}

// say adds a line to what has happened. The text is the caller's to make safe: see printable.
func (s *screen) say(text string) {
	s.erase()
	s.out.WriteString(text)
	s.out.WriteString("\r\n")
}

// erase removes the second zone and leaves the cursor where it began.
func (s *screen) erase() {
	if s.frame == "" {
		return
	}
	s.out.WriteString("\r")
	for range s.above {
		s.out.WriteString("\x1b[A")
	}
	s.out.WriteString("\x1b[J")
	s.frame, s.above = "", 0
}

// clear empties the window, as Ctrl-L should.
func (s *screen) clear() {
	s.erase()
	s.out.WriteString("\x1b[H\x1b[2J")
}

// paint shows the second zone and sends everything to the terminal. Without a prompt there is no
// line to type, and the status stands alone. An unchanged zone is not painted again.
func (s *screen) paint(status, prompt string, e *editor) error {
	width := s.width()
	var rows []string
	if status != "" {
		rows = append(rows, runewidth.Truncate(status, width-1, ""))
	}
	if prompt != "" {
		rows = append(rows, promptRow(prompt, e, width))
	}
	if frame := strings.Join(rows, "\r\n"); frame != s.frame {
		s.erase()
		s.out.WriteString(frame)
		s.frame, s.above = frame, max(len(rows)-1, 0)
	}
	return s.out.Flush()
}

// promptRow is the prompt, what is seen of the line, and the way back to the cursor's column. The
// last column of the window stays free, because terminals differ in what follows a full row.
func promptRow(prompt string, e *editor, width int) string {
	const least = 8 // columns to type in; in a window too narrow for them the prompt is left out
	room := width - 1 - len(prompt)
	if room < least {
		prompt, room = "", max(width-1, 1)
	}
	text, behind := e.view(room)
	if behind == 0 {
		return prompt + text
	}
	return prompt + text + "\x1b[" + strconv.Itoa(behind) + "D"
}

// printable turns what a server sent into what may be shown: characters that could command the
// terminal, and bytes that are no characters, appear as escapes such as \x1b.
func printable(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			s.WriteString(`\x`)
			s.WriteByte("0123456789abcdef"[b[0]>>4])
			s.WriteByte("0123456789abcdef"[b[0]&15])
		case strconv.IsPrint(r):
			s.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			s.WriteString(quoted[1 : len(quoted)-1])
		}
		b = b[n:]
	}
	return s.String()
}
