package client

import (
	"slices"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// The bounds of what an editor keeps.
const (
	maxLine    = 64 << 10 // characters of one line; keys beyond are ignored
	maxHistory = 100      // lines
)

// editor is the line being typed, and those typed before. It knows keys and characters, but
// nothing of terminals: [screen] shows it.
//
// The line editor of golang.org/x/term takes every character for one column wide, and breaks long
// lines into rows. As what is below the answers is repainted ten times a second while one waits,
// one Chinese character would then make the line wander over the screen. This one keeps the line
// in one row, scrolled sideways, and asks for each character's width.
type editor struct {
	line []rune
	pos  int // the cursor is before line[pos]

	history [][]rune // oldest first
	recall  int      // the line shown is history[recall], or the one being typed if there is none
	draft   []rune   // the line being typed, while history is shown
}

// press changes the line as the key says. Enter returns the line and true, and empties it.
func (e *editor) press(k key) (line string, entered bool) {
	switch k {
	case keyEnter:
		return e.enter(), true
	case keyBackspace:
		e.erase(max(e.pos-1, 0), e.pos)
	case keyDelete, keyEnd:
		e.erase(e.pos, min(e.pos+1, len(e.line)))
	case keyEraseStart:
		e.erase(0, e.pos)
	case keyEraseEnd:
		e.erase(e.pos, len(e.line))
	case keyEraseWord:
		e.erase(e.wordStart(), e.pos)
	case keyLeft:
		e.pos = max(e.pos-1, 0)
	case keyRight:
		e.pos = min(e.pos+1, len(e.line))
	case keyLineStart:
		e.pos = 0
	case keyLineEnd:
		e.pos = len(e.line)
	case keyUp:
		e.show(e.recall - 1)
	case keyDown:
		e.show(e.recall + 1)
	default:
		if k < keyUnknown && len(e.line) < maxLine {
			e.line = slices.Insert(e.line, e.pos, rune(k))
			e.pos++
		}
	}
	return "", false
}

// enter takes the line out of the editor and into the history.
func (e *editor) enter() string {
	line := e.line // now the history's: it is never written to again
	e.line, e.draft, e.pos = nil, nil, 0
	if len(line) > 0 {
		if len(e.history) == maxHistory {
			e.history = slices.Delete(e.history, 0, 1)
		}
		e.history = append(e.history, line)
	}
	e.recall = len(e.history)
	return string(line)
}

// erase removes line[from:to] and leaves the cursor there.
func (e *editor) erase(from, to int) {
	e.line = slices.Delete(e.line, from, to)
	e.pos = from
}

// wordStart is where the word before the cursor starts.
func (e *editor) wordStart() int {
	i := e.pos
	for i > 0 && e.line[i-1] == ' ' {
		i--
	}
	for i > 0 && e.line[i-1] != ' ' {
		i--
	}
	return i
}

// show brings back the i-th line of the history, or the draft after the last.
func (e *editor) show(i int) {
	if i < 0 || i > len(e.history) {
		return
	}
	// The line being typed is kept aside while history is looked at; changes to a recalled line
	// are forgotten when another is shown.
	if e.recall == len(e.history) {
		e.draft = e.line
	}
	if e.recall = i; i == len(e.history) {
		e.line = e.draft
	} else {
		e.line = slices.Clone(e.history[i]) // what is recalled may be edited, history stays
	}
	e.pos = len(e.line)
}

// view returns the part of the line around the cursor that fits into width columns, and how many
// columns of it are behind the cursor. The cursor itself, at the end of the line, needs one too.
func (e *editor) view(width int) (text string, behind int) {
	// First what is before the cursor, as far back as it fits; what is left is for the rest.
	start, before := e.pos, 0
	for start > 0 {
		w := columns(e.line[start-1])
		if before+w >= width {
			break
		}
		before += w
		start--
	}
	end := e.pos
	for end < len(e.line) {
		w := columns(e.line[end])
		if before+behind+w > width {
			break
		}
		behind += w
		end++
	}
	return visible(e.line[start:end]), behind
}

// columns is how wide a terminal shows a character of a line.
func columns(r rune) int { return runewidth.RuneWidth(shown(r)) }

// shown is what stands for a character of a line on the screen. Characters that would move the
// cursor, or turn the direction of writing round, must not reach it.
func shown(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case !strconv.IsPrint(r):
		return '?'
	}
	return r
}

// visible is a line as the screen shows it.
func visible(line []rune) string {
	return strings.Map(shown, string(line))
}
