package timeline

import (
	"fmt"
	"strings"
	"time"
)

// What the pictures say in words.

// subtitle says what is to be seen of the server.
func (r *Recording) subtitle() string {
	text := count(len(r.Clients), "client") + ", " + r.servants()
	if r.Wait > 0 {
		text += fmt.Sprintf(", each request waits %s for upstream", exact(r.Wait))
	}
	if r.LeftOut > 0 {
		text += fmt.Sprintf(" (%s left out)", count(r.LeftOut, "event"))
	}
	return text
}

// servants says what serves: how many processes, threads or goroutines.
func (r *Recording) servants() string {
	processes, kind := 0, "thread"
	for _, l := range r.Lanes {
		processes = max(processes, l.Process+1)
		if l.Kind == "goroutine" {
			kind = l.Kind
		}
	}
	if processes > 1 {
		return count(processes, "process")
	}
	return count(len(r.Lanes), kind)
}

// count returns a number and its noun.
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// label returns the name of a lane: what distinguishes it from the others. A loop is called a
// thread: Go may move it from one to another, but it never does two things at once, and detail
// tells.
func (r *Recording) label(lane int) string {
	l := r.Lanes[lane]
	several := r.Lanes[len(r.Lanes)-1].Process > 0
	switch {
	case several:
		return fmt.Sprintf("process %d", l.Process+1)
	case l.Kind == "goroutine" && len(r.Lanes) > 1:
		return fmt.Sprintf("goroutine %d", lane+1)
	case len(r.Lanes) > 1:
		return fmt.Sprintf("thread %d", lane+1)
	}
	return "thread"
}

// detail says exactly what a lane is.
func (r *Recording) detail(lane int) string {
	l := r.Lanes[lane]
	text := fmt.Sprintf("%s of process %d", l.Kind, l.PID)
	switch len(l.Threads) {
	case 0:
	case 1:
		text += fmt.Sprintf(", thread %d", l.Threads[0])
	default:
		text += fmt.Sprintf(": one goroutine, that Go ran on %d threads, one after the other",
			len(l.Threads))
	}
	return text
}

// opText says what an operation is.
func opText(op string) string {
	switch op {
	case opStart:
		return "start a process"
	case opAccept:
		return "accept"
	case opCompute:
		return "compute"
	case opSleep:
		return "wait for upstream"
	case opWait:
		return "wait for all"
	}
	return op
}

// short returns a time as short as it can be read.
func short(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d == 0:
		return "0"
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/float64(time.Microsecond))
	case ms < 10 && d%time.Millisecond != 0:
		return fmt.Sprintf("%.1f ms", ms)
	default:
		return fmt.Sprintf("%.0f ms", ms)
	}
}

// exact returns a time with three digits.
func exact(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case d < time.Millisecond:
		return fmt.Sprintf("%.3g µs", float64(d)/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g s", d.Seconds())
}

// waited reports whether the first part of a bar, in the backlog, is so long that it shows.
func (r *Recording) waited(b bar) bool { return b.looked-b.from > r.Length/100 }

// waitedInBacklog reports whether a client had sent a request when the server accepted it, and had
// waited for that so long that it shows.
func (r *Recording) waitedInBacklog(client int) bool {
	for _, b := range r.bars(client) {
		if r.waited(b) {
			return true
		}
	}
	return false
}

// What kinds calls the boxes that stand for no operation.
const (
	isStuck  = "is stuck"
	isAsking = "is asking"
	isTask   = "is a task"
	isWaking = "is waking"
)

// kinds returns what there is to be explained: kinds of boxes, and operations.
func kinds(rows []row) map[string]bool {
	seen := make(map[string]bool)
	for _, row := range rows {
		for _, b := range row.boxes {
			switch b.kind {
			case stuck:
				seen[isStuck] = true
			case asks:
				seen[isAsking] = true
			case inTask:
				seen[isTask] = true
			case wakes:
				seen[isWaking] = true
			case works:
				seen[b.op] = true
			}
		}
	}
	return seen
}

// tip says exactly what a box is.
func (r *Recording) tip(b box) string {
	e := b.event
	text := opText(e.Op)
	if b.client > 0 {
		text = fmt.Sprintf("client %d: %s", b.client, text)
	}
	if e.Call != "" {
		text += " (" + e.Call + ")"
	}
	text += fmt.Sprintf(", at %s, %s", exact(e.Start), exact(e.End-e.Start))
	switch {
	case e.Tries > 0:
		text += fmt.Sprintf(": found nothing, %s", count(e.Tries, "time"))
	case e.Op == opWait:
		text += fmt.Sprintf(", until %d ready", e.N)
	case e.N > 0:
		text += ", " + count(e.N, "byte")
	case e.Op == opRead:
		text += ": the client has left"
	}
	return text
}

// story tells the picture to those who cannot see it.
func (r *Recording) story() string {
	var text strings.Builder
	for i := range r.Clients {
		for _, b := range r.bars(i + 1) {
			fmt.Fprintf(&text, "Client %d asks at %s and is answered after %s", i+1, exact(b.from),
				exact(b.to-b.from))
			if r.waited(b) {
				fmt.Fprintf(&text, ", of which it waits %s in the backlog", exact(b.looked-b.from))
			}
			text.WriteString(". ")
		}
	}
	return strings.TrimSpace(text.String())
}
