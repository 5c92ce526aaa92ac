package loop

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
)

// Incident is something that went wrong where nobody waits for an error.
type Incident struct {
	What  string // was being done
	Err   error
	Stack []byte // of a panic; nil if it was none
}

// PanicError is a panic of a callback.
type PanicError struct{ Value any }

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// try reports whether f has returned. If it has panicked that is an incident.
func (l *Loop) try(f func(*Loop)) (done bool) {
	defer func() {
		if done {
			return
		}
		if v := recover(); v != nil {
			l.incident("run a callback", &PanicError{v}, debug.Stack())
		}
	}()
	f(l)
	return true
}

// incident tells of an incident. A handler that panics is told of on standard error, and harms
// nobody.
func (l *Loop) incident(what string, err error, stack []byte) {
	in := Incident{What: what, Err: err, Stack: stack}
	defer func() {
		if v := recover(); v != nil {
			fmt.Fprintf(os.Stderr, "loop: the handler of incidents panicked: %v\n%s: %v\n%s\n", v,
				in.What, in.Err, in.Stack)
		}
	}()
	if l.config.OnIncident != nil {
		l.config.OnIncident(in)
		return
	}
	slog.Error("kettle loop: "+in.What, "err", in.Err, "stack", string(in.Stack))
}
