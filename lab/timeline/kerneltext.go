package timeline

import (
	"fmt"
	"strings"
	"time"
)

// stateText says what a side does.
func stateText(s state) string {
	switch s {
	case runs:
		return "works"
	case calls:
		return "in the call"
	case held:
		return "waits for it alone"
	case forAll:
		return "waits for all"
	case asleep:
		return "thread is free"
	case polls:
		return "asks and asks"
	case waiting:
		return "waits for bytes"
	case waking:
		return "wakes it"
	case copying:
		return "copies"
	case handing:
		return "copies, wakes it"
	}
	return ""
}

// mark is what stands in a side's column while it does something.
func mark(s state) string {
	switch s {
	case runs, copying, waking, handing:
		return "█"
	case calls, held, waiting:
		return "┊"
	case polls:
		return "~"
	}
	return " "
}

// subtitle says which request it is.
func (x exchange) subtitle() string {
	return fmt.Sprintf("request %d of client %d, %s", x.number, x.of, exact(x.length()))
}

// length is how long all of it took.
func (x exchange) length() time.Duration {
	return x.phases[len(x.phases)-1].to - x.phases[0].from
}

// moment returns a time to the microsecond.
func moment(d time.Duration) string { return fmt.Sprintf("%.3f ms", float64(d)/1e6) }

// Where the two sides stand in the text.
const (
	timeColumn    = 10
	programColumn = timeColumn + 2
)

// KernelText draws, for a terminal that is so many columns wide (70 or more), how one request came
// to the program: its lane, that of the kernel, and what went from one to the other. It returns an
// error if there is no request to be shown.
func (r *Recording) KernelText(width int, color bool) (string, error) {
	x, err := r.exchange()
	if err != nil {
		return "", err
	}
	t := &kernelText{exchange: x, color: color}
	t.kernel = max(44, min(60, width-26))
	fmt.Fprintf(&t.out, "%s: %s\n\n", r.Server, x.subtitle())
	t.line("", "program", "kernel", 0)
	for _, p := range x.phases {
		t.phase(p)
	}
	return t.out.String(), nil
}

// kernelText is a text that is being drawn.
type kernelText struct {
	exchange
	out    strings.Builder
	color  bool
	kernel int // the column of the kernel
}

// phase draws a phase.
func (t *kernelText) phase(p phase) {
	at := moment(p.from - t.phases[0].from)
	if p.arrives {
		t.line(at, mark(p.program), "◀━━ the client's bytes", t.of)
		at = ""
	}
	if p.call != "" {
		t.line(at, t.arrow(p.call+" ", "▶"), mark(p.kernel), 0)
		at = ""
	}
	if p.program == polls {
		t.line("", t.back(p.back), "", 0)
		for range 2 {
			t.line("", t.arrow(p.call+" ", "▶"), "", 0)
			t.line("", t.back(p.back), "", 0)
		}
		t.line(at, "~ "+p.note, "", 0)
		return
	}
	left, right := mark(p.program)+" "+stateText(p.program), ""
	if p.note != "" {
		left = mark(p.program) + " " + p.note
	}
	if p.kernel != idle {
		right = mark(p.kernel) + " " + stateText(p.kernel)
	}
	if right != "" {
		right += ", " + exact(p.to-p.from)
	} else {
		left += ", " + exact(p.to-p.from)
	}
	t.line(at, left, right, 0)
	if p.back != "" {
		t.line(moment(p.to-t.phases[0].from), t.back(p.back), "", 0)
	}
}

// arrow returns an arrow from the program to the kernel.
func (t *kernelText) arrow(begin, end string) string {
	n := t.kernel - programColumn - len([]rune(begin)) - len([]rune(end)) - 1
	return begin + strings.Repeat("─", max(0, n)) + end
}

// back returns an arrow from the kernel to the program.
func (t *kernelText) back(what string) string { return t.arrow("◀", " "+what) }

// line writes a line: a time, and what stands in the two columns.
func (t *kernelText) line(at, program, kernel string, client int) {
	text := fmt.Sprintf("%*s  %-*s", timeColumn, at, t.kernel-programColumn, program)
	if t.color && client > 0 {
		kernel = terminalColor(client) + kernel + terminalColor(0)
	}
	t.out.WriteString(strings.TrimRight(text+kernel, " "))
	t.out.WriteByte('\n')
}
