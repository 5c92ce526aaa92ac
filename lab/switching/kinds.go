package switching

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Kind is what the two parties are.
type Kind string

// The kinds, from the most to the least that a switch commonly costs.
const (
	Processes  Kind = "processes"
	Threads    Kind = "threads"
	Pipe       Kind = "pipe"
	Goroutines Kind = "goroutines"
	Tasks      Kind = "tasks"
	Coroutines Kind = "coroutines"
	Callbacks  Kind = "callbacks"
	Calls      Kind = "calls"
)

// entry is what there is to a kind.
type entry struct {
	kind    Kind
	summary string
	measure func(context.Context, time.Duration) (Result, error)
}

func entries() []entry {
	return []entry{
		{Processes, "two processes on one CPU, a pipe there and one back", processes},
		{Threads, "two threads on one CPU, a pipe there and one back", threads},
		{Pipe, "one thread, a pipe to itself: the calls of a switch and no switch", pipe},
		{Goroutines, "two goroutines, unbuffered channels, GOMAXPROCS=1", goroutines},
		{Tasks, "two tasks of kettle on a loop, Queues of one value", tasks},
		{Coroutines, "a coroutine, resumed and yielding", coroutines},
		{Callbacks, "two callbacks of a loop that have each other run soon", callbacks},
		{Calls, "two methods, called through an interface: no switch, the floor", calls},
	}
}

// Kinds returns all kinds, in order.
func Kinds() []Kind {
	var kinds []Kind
	for _, e := range entries() {
		kinds = append(kinds, e.kind)
	}
	return kinds
}

// Lookup returns the kind of that name; the error of an unknown one lists what there is.
func Lookup(name string) (Kind, error) {
	e, err := lookup(Kind(name))
	return e.kind, err
}

func lookup(kind Kind) (entry, error) {
	for _, e := range entries() {
		if e.kind == kind {
			return e, nil
		}
	}
	return entry{}, fmt.Errorf("unknown kind %q: there is %s", kind, list(Kinds(), ", "))
}

// Summary says in a few words who the parties are and how they pass the token; "" of an unknown
// kind.
func (k Kind) Summary() string {
	e, _ := lookup(k) // the summary of no entry is empty
	return e.summary
}

// list writes kinds one after the other.
func list(kinds []Kind, separator string) string {
	var names []string
	for _, k := range kinds {
		names = append(names, string(k))
	}
	return strings.Join(names, separator)
}
