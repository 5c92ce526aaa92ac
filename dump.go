package kettle

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Dump writes the tree of the tasks of the loop, and what each waits for, one task in a line. It
// does not suspend. On another goroutine than the loop's it is ErrWrongGoroutine: see DumpOn.
func (t *Task) Dump(w io.Writer) error {
	if !t.fiber.runtime.loop.Inside() {
		return ErrWrongGoroutine
	}
	_, err := io.WriteString(w, t.fiber.runtime.dump())
	return err
}

// dump returns the tree.
func (r *runtime) dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "loop %d, tasks: %d\n", r.number, r.tasks.Load())
	r.root.Task.dump(&b, 1)
	return b.String()
}

// dump writes the tasks in a scope, the oldest first.
func (t *Task) dump(b *strings.Builder, depth int) {
	var inside []*Task
	for s := t.first; s != nil; s = s.next {
		inside = append(inside, s)
	}
	for i := len(inside) - 1; i >= 0; i-- {
		s := inside[i]
		if s.fiber != t.fiber {
			fmt.Fprintf(b, "%s%s: %s\n", strings.Repeat("  ", depth), s.fiber.name(),
				s.fiber.describe())
			s.dump(b, depth+1)
			continue
		}
		s.dump(b, depth)
	}
}

// describe says what the task does.
func (f *fiber) describe() string {
	text := [...]string{ready: "ready", running: "running", ended: "ended"}
	if f.state != parked {
		return text[f.state]
	}
	what := "waits for " + f.what
	if s, sleeps := f.waiting.(*sleeper); sleeps {
		left := s.timer.When() - f.runtime.loop.Now()
		what += fmt.Sprintf(", %v left", max(0, left).Round(time.Millisecond))
	}
	if f.scope.cause() != nil {
		what += ", cancelled"
	}
	for s := f.scope; s != &f.root; s = s.parent { // the innermost first
		what += s.describe(f.runtime.loop.Now())
	}
	return what
}

// describe says what bounds the scope, if anything.
func (t *Task) describe(now time.Duration) string {
	x := t.extra.Load()
	if x == nil || !x.timer.Set() {
		return ""
	}
	kind := "time-out"
	if t.shielded() {
		kind = "shield"
	}
	return fmt.Sprintf("; %s, %v left", kind, max(0, x.timer.When()-now).Round(time.Millisecond))
}

// patience is how long a loop may take to answer that it dumps, before it counts as stalled.
const patience = time.Second

// dumpAll writes the trees of all loops. Of a loop that is held up it says what holds it.
func (c *config) dumpAll(w io.Writer) {
	for _, r := range c.running() {
		tree := make(chan string, 1)
		if r.loop.Post(func() { tree <- r.dump() }) != nil {
			continue
		}
		late := time.NewTimer(patience)
		select {
		case text := <-tree:
			io.WriteString(w, text)
		case <-r.loop.Closed():
		case <-late.C:
			name, stack := r.loop.Holder()
			fmt.Fprintf(w, "loop %d is held up by %s\n%s\n", r.number, name, stack)
		}
		late.Stop()
	}
}
