// Package models has one TCP service under thirteen I/O models, each in a file of its own, which is
// there to be read.
//
// The service answers every byte that it receives with the same byte in upper case; there are
// others, to show what else differs: see Services. Above all it is who waits, and where:
//
//	                     blocks in the kernel for                  concurrency
//	blocking.go          its one client                            none
//	processes.go         the one client of each process            processes
//	threads.go           the one client of each thread             threads
//	polling.go           nobody: asks all, again and again         one thread
//	select.go, poll.go   all: hands over the list for each wait    one thread
//	selectors.go         all: the kernel has the list              one thread, callbacks
//	prefork.go           the same, in a process per CPU            processes of one thread
//	coroutines.go        the same, each client a coroutine         one thread, coroutines
//	goroutines.go        Go's runtime does that for us             goroutines
//	protocol.go          the library's loop does it for us         one thread, callbacks
//	streams.go           the same, each client a task              one thread, tasks
//	uring.go             the same, and the kernel does the I/O     one thread, tasks
//
// Begin with blocking.go. What the models share, so that their files show the model and
// nothing else, is in server.go (listening, limits, draining, the log), client.go (a client
// of the blocking models), conn.go and single.go (a client of the single-threaded ones, and
// what they do besides waiting), children.go (processes), loops.go (what those on the library
// tell it), and tracing.go (what a server records, if it is told to). What is answered is in
// service.go, with count.go for what all clients share, and what an answer may cost besides, in
// compute.go. What goes to all clients at once is in publish.go, and, for the library, in halls.go.
package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// Model is one way to serve many clients.
type Model struct {
	Name        string
	Summary     string // what it is, in a line
	Synchronous bool   // one task after the other, rather than many in turns
	Blocking    bool   // its I/O calls wait
	Threads     string // how many threads or processes there are
	Waits       string // what waits where
	Limits      string // how far it goes
	Section     string // of docs/async-model.md
	Backends    bool   // it has a loop that can run on any selector
	Loops       bool   // it can run on several loops
	Selector    string // the one that it is about, which not each machine has; "" for most

	processes bool     // its clients are served by processes, which share nothing
	parallel  bool     // they are served by threads at the same time, which share memory
	publishes bool     // it can send to a client while it waits for that one to send
	files     []string // the source that the model needs, the file that shows it first
	dispatch  string   // the function in it that passes events on; "" if there is none
	maxConns  func() int
	serve     func(*server) error
	work      func(*server, order) error // what a worker process does, if the model has any
}

// All returns the models in the order in which the text introduces them.
func All() []Model {
	return []Model{blocking(), processes(), prefork(), threads(), polling(),
		selectModel(), pollModel(), selectorsModel(), coroutines(), goroutines(),
		protocol(), streams(), uring()}
}

// Names returns the names of all models, in order.
func Names() []string {
	var names []string
	for _, m := range All() {
		names = append(names, m.Name)
	}
	return names
}

// Lookup returns the model of that name; the error of an unknown one lists what there is.
func Lookup(name string) (Model, error) {
	for _, m := range All() {
		if m.Name == name {
			return m, nil
		}
	}
	return Model{}, fmt.Errorf("unknown model %q: there is %s", name, strings.Join(Names(), ", "))
}

// Serve runs the model until ctx is cancelled, which means to drain: it stops accepting,
// answers what it has received, for Grace at most, and returns nil. An error says why it could
// not begin or go on. It blocks, and may be called from any goroutine.
func (m Model) Serve(ctx context.Context, cfg Config) error {
	if err := m.run(ctx, cfg, m.serve); err != nil {
		return fmt.Errorf("serve %s: %w", m.Name, err)
	}
	return nil
}

func (m Model) run(ctx context.Context, cfg Config, serve func(*server) error) (err error) {
	s, err := newServer(ctx, m, cfg)
	if err == nil {
		err = s.prefer()
	}
	if err == nil {
		err = s.record()
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.trace.Close()) }()
	var drop context.CancelFunc
	s.over, drop = context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	stop := context.AfterFunc(ctx, func() {
		late := time.AfterFunc(Grace, drop)
		context.AfterFunc(s.over, func() { late.Stop() })
	})
	defer stop()
	defer s.tellMissed()
	return serve(s)
}

// Missing returns why the model cannot be here what it is about, nil if it can: Serve would serve
// all the same, on another selector.
func (m Model) Missing() error {
	sel, err := selectors.Prefer(m.Selector)
	if err != nil || m.Selector == "" {
		return nil
	}
	defer sel.Close()
	return sel.Instead()
}

// CanRunOn returns why the model cannot run on the selector of that name, nil if it can; "" and
// "auto" are what it runs on by itself.
func (m Model) CanRunOn(backend string) error {
	switch {
	case backend == "" || backend == "auto" || m.Backends || backend == m.Selector:
		return nil
	case m.Selector != "":
		return fmt.Errorf("model %s is there for %s, and does not run on %s", m.Name, m.Selector,
			backend)
	}
	return fmt.Errorf("model %s has no event loop that could run on %s", m.Name, backend)
}
