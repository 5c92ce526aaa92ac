package timeline

import (
	"fmt"
	"strings"
	"time"
)

// cell is one character of the picture, in the colour of a client; 0 is no colour.
type cell struct {
	char   rune
	client int
}

// line is a line of the picture.
type line struct {
	label string
	cells []cell
}

// put writes a character into the columns from one to before another, if they are free or force is
// set.
func (l *line) put(from, to int, c cell, force bool) {
	for i := max(0, from); i < min(to, len(l.cells)); i++ {
		if force || l.cells[i].char == 0 {
			l.cells[i] = c
		}
	}
}

// What stands in the picture for what.
const (
	asked   = '█' // a request that is not answered yet
	backlog = '░' // the same, while the server has not accepted its client
	online  = '─' // connected, and silent
	asking  = '~' // asks again and again
)

// number returns what stands for what is done for a client.
func number(client int) rune { return []rune("0123456789")[min(client, MostClients)] }

// smallNumber returns what stands for a wait for a client.
func smallNumber(client int) rune {
	return []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")[min(client, MostClients)]
}

// letter returns what stands, in the second line of a row, for what is done.
func letter(op string) rune {
	switch op {
	case opStart, opAccept, opRead, opCompute, opWrite:
		return rune(op[0])
	}
	return ' '
}

const (
	labelWidth = 13
	leastWidth = 40 // below it nothing can be seen
)

// Text draws the timeline for a terminal that is so many columns wide. Colours are those of the
// clients; everything is told by characters too.
func (r *Recording) Text(width int, color bool) string {
	width = max(width, leastWidth)
	columns := width - labelWidth - 1
	rows := r.rows()
	at := r.scale(rows, 1/float64(columns))
	column := func(t time.Duration) int { return int(at.of(t) * float64(columns)) }
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n\n", r.Server, r.subtitle())
	for _, l := range axis(r.Length, columns, column) {
		l.write(&out, color)
	}
	for i := range r.Clients {
		l := r.clientLine(i+1, columns, column)
		l.write(&out, color)
	}
	for i, row := range rows {
		who, what := row.lines(columns, column)
		who.label = r.label(i)
		who.write(&out, color)
		what.write(&out, color)
	}
	fmt.Fprintf(&out, "\n%s", r.legend(rows, width))
	return out.String()
}

// axis returns the lines with the times.
func axis(length time.Duration, columns int, column func(time.Duration) int) []line {
	times := line{cells: make([]cell, columns)}
	marks := line{cells: make([]cell, columns)}
	marks.put(0, columns, cell{'─', 0}, true)
	free := 0
	for _, t := range ticks(length, max(2, columns/12)) {
		c := column(t)
		text := []rune(short(t))
		if c < free || c+len(text) > columns {
			continue
		}
		for i, char := range text {
			times.cells[c+i] = cell{char, 0}
		}
		free = c + len(text) + 1
		marks.cells[c] = cell{'┬', 0}
	}
	return []line{times, marks}
}

// clientLine returns the line of a client.
func (r *Recording) clientLine(client, columns int, column func(time.Duration) int) line {
	l := line{label: fmt.Sprintf("client %d", client), cells: make([]cell, columns)}
	for _, b := range r.bars(client) {
		from, to, looked := column(b.from), column(b.to), column(b.looked)
		if !r.waited(b) {
			looked = from
		}
		l.put(from, looked, cell{backlog, client}, true)
		l.put(looked, max(to, from+1), cell{asked, client}, true)
	}
	c := r.Clients[client-1]
	l.put(column(c.Connected), column(c.Left)+1, cell{online, client}, false)
	return l
}

// lines returns the two lines of a lane: for whom something was done, and what.
func (row row) lines(columns int, column func(time.Duration) int) (who, what line) {
	who, what = line{cells: make([]cell, columns)}, line{cells: make([]cell, columns)}
	for _, b := range row.boxes { // what is done lies above all the rest
		from := column(b.from)
		if to := max(from+1, column(b.to)); b.kind == works {
			who.put(from, to, cell{number(b.client), b.client}, true)
			what.put(from, to, cell{letter(b.op), b.client}, true)
		}
	}
	for _, b := range row.boxes {
		from, to := column(b.from), column(b.to)
		switch b.kind {
		case stuck:
			who.put(from, to, cell{smallNumber(b.client), b.client}, false)
		case asks:
			who.put(from, to, cell{asking, 0}, false)
		}
	}
	return who, what
}

// write writes the line, without what would be blank at its end.
func (l *line) write(out *strings.Builder, color bool) {
	last := len(l.cells)
	for last > 0 && (l.cells[last-1].char == 0 || l.cells[last-1].char == ' ') {
		last--
	}
	if last == 0 {
		fmt.Fprintln(out, strings.TrimRight(l.label, " "))
		return
	}
	fmt.Fprintf(out, "%-*s", labelWidth, l.label)
	present := 0
	for _, c := range l.cells[:last] {
		if c.char == 0 {
			c = cell{' ', present}
		}
		if color && c.client != present {
			out.WriteString(terminalColor(c.client))
			present = c.client
		}
		out.WriteRune(c.char)
	}
	if present != 0 {
		out.WriteString(terminalColor(0))
	}
	out.WriteByte('\n')
}

// legend says what stands for what, of what there is.
func (r *Recording) legend(rows []row, width int) string {
	words := []string{string(asked) + " asked, not answered yet"}
	for i := range r.Clients {
		if r.waitedInBacklog(i + 1) {
			words = append(words, string(backlog)+" and not accepted either")
			break
		}
	}
	seen := kinds(rows)
	words = append(words, "1 works for client 1")
	if seen[isStuck] {
		words = append(words, "¹ waits for client 1 alone")
	}
	if seen[isAsking] {
		words = append(words, string(asking)+" asks all, again and again")
	}
	if !seen[isAsking] {
		words = append(words, "blank: waits for anybody")
	}
	for _, op := range []string{opAccept, opStart, opRead, opCompute, opWrite} {
		if seen[op] {
			words = append(words, string(letter(op))+" "+opText(op))
		}
	}
	return wrap(words, width)
}

// wrap puts the pieces into lines.
func wrap(pieces []string, width int) string {
	var out strings.Builder
	used := 0
	for _, p := range pieces {
		n := len([]rune(p))
		switch {
		case used == 0:
		case used+3+n > width:
			out.WriteByte('\n')
			used = 0
		default:
			out.WriteString("   ")
			used += 3
		}
		out.WriteString(p)
		used += n
	}
	out.WriteByte('\n')
	return out.String()
}
