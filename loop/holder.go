package loop

import (
	"bytes"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
)

// Who holds the loop? Only a profile of all goroutines can tell, as Go has no means to ask for the
// stack of one. It stops the world far more briefly than runtime.Stack of all of them does, but it
// has to go through every stack, at some microseconds each.
//
// All goroutines of the loop have its label, and all but one wait. So have those that a callback
// has started: they have neither the loop nor a coroutine at their root. To look at the labels
// doubles the cost. Where there are many goroutines they are not: if several loops run something
// at that moment, the stacks of all of these are shown.

const (
	// manyGoroutines is how many make the labels expensive.
	manyGoroutines = 5_000

	// maxProfiled is how many goroutines there may be for their stacks to be looked at at all: a
	// stall should not become a longer one.
	maxProfiled = 200_000
)

// Holder returns the name and the stack of what the loop runs at this moment, for who waits for the
// loop in vain; both are empty if it runs nothing. It may be called from any goroutine.
func (l *Loop) Holder() (name string, stack []byte) {
	if label := l.current.Load(); label != nil {
		name = label.Name
	}
	return name, l.holder()
}

// holder returns the stack of the goroutine that runs the loop's callback, or its coroutine, as
// the goroutine profile writes it; nil if none does.
func (l *Loop) holder() []byte {
	n := runtime.NumGoroutine()
	if n > maxProfiled {
		return fmt.Appendf(nil, "not looked for among %d goroutines", n)
	}
	if n <= manyGoroutines {
		return l.labelled()
	}
	switch all := runningStacks(n); len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	default:
		all = append([][]byte{[]byte("one of these, as several loops run:\n")}, all...)
		return bytes.Join(all, []byte("\n"))
	}
}

// runningStacks returns the stacks of the loops and coroutines, of whatever loop, that run.
func runningStacks(goroutines int) (running [][]byte) {
	records := make([]runtime.StackRecord, goroutines+goroutines/10)
	n, ok := runtime.GoroutineProfile(records)
	if !ok {
		return nil // there are many more by now
	}
	// Thousands wait in the same place: each place is looked at once.
	type place [len(runtime.StackRecord{}.Stack0)]uintptr
	seen := make(map[place]bool)
	for i, r := range records[:n] {
		if i%1000 == 0 {
			runtime.Gosched() // other loops have their work
		}
		if seen[r.Stack0] {
			continue
		}
		seen[r.Stack0] = true
		var text strings.Builder
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			fmt.Fprintf(&text, "#\t%#x\t%s+%#x\t%s:%d\n", f.PC, f.Function, f.PC-f.Entry, f.File,
				f.Line)
		}
		if record := text.String(); rooted(record) && !waits(record) {
			running = append(running, []byte(record))
		}
	}
	return running
}

// labelled looks for the goroutine among those that have the loop's label.
func (l *Loop) labelled() []byte {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return nil
	}
	label := fmt.Sprintf("%q:%q", labelKey, l.name())
	var deeper []byte
	for record := range strings.SplitSeq(profile.String(), "\n\n") {
		switch {
		case !strings.Contains(record, label) || waits(record):
		case rooted(record):
			return []byte(record)
		case strings.Contains(record, "\truntime.corostart+"):
			deeper = []byte(record) // an iter.Pull of what the loop runs, if nothing else is
		}
	}
	return deeper
}

// rooted reports whether a goroutine, by its record in the profile, is a loop in the midst of a
// turn, which does not select, or a coroutine.
func rooted(record string) bool {
	return strings.Contains(record, "/loop.(*Loop).turn+") ||
		strings.Contains(record, "/coro.(*Coro).live+")
}

// waits reports whether a goroutine of a loop, by its record in the profile, has switched to
// another one or back: then its innermost function is that of iter.Pull.
func waits(record string) bool {
	for line := range strings.Lines(record) {
		frame, ok := strings.CutPrefix(line, "#\t")
		if !ok {
			continue
		}
		_, function, _ := strings.Cut(frame, "\t")
		switch {
		case strings.HasPrefix(function, "iter.Pull"), strings.HasPrefix(function, "runtime.coro"):
			return true
		case !strings.HasPrefix(function, "runtime."):
			return false
		}
	}
	return true
}
