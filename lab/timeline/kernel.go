package timeline

import (
	"fmt"
	"time"
)

// phase is a stretch of one request, between two things that happened.
type phase struct {
	span
	program state
	kernel  state

	call    string // made as the phase begins; "" if none is
	back    string // what has come back as it ends; "" if nothing has
	arrives bool   // the client's bytes arrive as it begins
	note    string // of the kernel, or of the program if that is all that does something
}

// state is what one side does in a phase.
type state int

const (
	idle    state = iota // nothing for this request
	runs                 // works
	calls                // is in a call that does not wait
	held                 // the thread waits in the call, for this client alone
	forAll               // it waits for all clients
	asleep               // the task or goroutine waits, and the thread is free
	polls                // calls again and again
	waiting              // the kernel: for the client's bytes
	waking               // the kernel: wakes the program, which has waited
	copying              // the kernel: copies to the program
	handing              // the kernel: copies, and wakes the program
)

// exchange is one request, as the program and the kernel have seen it.
type exchange struct {
	of, number int // of which client, and which request; from 1
	phases     []phase
}

// exchange returns the request that shows best how the server waits: the one with the longest wait
// that nothing else has interrupted. It returns an error if there is none.
func (r *Recording) exchange() (exchange, error) {
	var best exchange
	longest := time.Duration(-1)
	for _, read := range r.requestReads() {
		phases := r.phases(read)
		if waited := waits(phases); len(phases) > 0 && waited > longest {
			longest, best = waited, exchange{read.client, read.number, phases}
		}
	}
	if longest < 0 {
		return best, fmt.Errorf("the recording of %s has no request that was read", r.Server)
	}
	return best, nil
}

// waits returns how long the first wait is.
func waits(phases []phase) time.Duration {
	for _, p := range phases {
		if p.kernel == waiting || p.program == polls {
			return p.to - p.from
		}
	}
	return 0
}

// requestRead is the read of one request.
type requestRead struct {
	Event
	client, number int
	sent           time.Duration
}

// requestReads returns the read of each request.
func (r *Recording) requestReads() []requestRead {
	var all []requestRead
	for i, c := range r.Clients {
		for j, q := range c.Requests {
			for _, e := range r.Events {
				if e.Client == i+1 && e.Op == opRead && e.N > 0 && e.End >= q.Sent &&
					e.End <= q.Answered {
					all = append(all, requestRead{e, i + 1, j + 1, q.Sent})
					break
				}
			}
		}
	}
	return all
}

// phases returns what happened to a request, from the call that waited for it until the program had
// it, and worked out the answer.
func (r *Recording) phases(read requestRead) []phase {
	var all []phase
	lane := r.Lanes[read.Lane]
	switch wait, waited := r.waitBefore(read); {
	case read.How == blocks:
		all = blocked(read.Event, read.sent, held)
	case lane.Client > 0: // a goroutine of its own: the runtime waits for it
		all = blocked(read.Event, read.sent, asleep)
	case waited && read.How == returns:
		all = append(ready(wait, read.sent), phase{span: span{wait.End, read.Start}, program: runs},
			transfer(read.Event))
	case waited:
		all = r.awaited(read, wait)
	case read.How == returns:
		all = r.polled(read)
	}
	if len(all) == 0 {
		return nil
	}
	return append(all, r.worked(read))
}

// blocked returns the phases of a call that waits.
func blocked(e Event, sent time.Duration, how state) []phase {
	came := min(max(sent, e.Start), e.End)
	var all []phase
	if came > e.Start {
		all = append(all, phase{span: span{e.Start, came}, program: how, kernel: waiting,
			call: e.Call})
	}
	return append(all, phase{span: span{came, e.End}, program: how, kernel: handing, arrives: true,
		call: unless(len(all) > 0, e.Call), back: count(e.N, "byte")})
}

// unless returns text, or "" if it has been said.
func unless(said bool, text string) string {
	if said {
		return ""
	}
	return text
}

// ready returns the phases of a wait for readiness.
func ready(wait Event, sent time.Duration) []phase {
	came := min(max(sent, wait.Start), wait.End)
	var all []phase
	if came > wait.Start {
		all = append(all, phase{span: span{wait.Start, came}, program: forAll, kernel: waiting,
			call: wait.Call})
	}
	return append(all, phase{span: span{came, wait.End}, program: forAll, kernel: waking,
		arrives: true, call: unless(len(all) > 0, wait.Call),
		back: fmt.Sprintf("%d ready", wait.N)})
}

// transfer returns the phase of a read that need not wait.
func transfer(e Event) phase {
	return phase{span: span{e.Start, e.End}, program: calls, kernel: copying, call: e.Call,
		back: count(e.N, "byte")}
}

// awaited returns the phases of a task that waits in a call of the library, whose loop waits in
// another one.
func (r *Recording) awaited(read requestRead, wait Event) []phase {
	var all []phase
	if read.How == suspends && read.Start < wait.Start {
		all = append(all, phase{span: span{read.Start, wait.Start}, program: asleep,
			note: read.Call + ": the task waits"})
	}
	all = append(all, ready(wait, read.sent)...)
	last := &all[len(all)-1]
	if wait.Call == ringCall {
		last.kernel, last.back = handing, "done: "+count(read.N, "byte")
		return append(all, phase{span: span{wait.End, read.End}, program: runs})
	}
	return append(all, phase{span: span{wait.End, read.End}, program: calls, kernel: copying,
		call: "recv", back: count(read.N, "byte")})
}

// ringCall is the wait in which the kernel has received already when it is over.
const ringCall = "io_uring"

// polled returns the phases of reads that are tried until one need not wait.
func (r *Recording) polled(read requestRead) []phase {
	var tries Event
	for _, e := range r.Events {
		if e.Op == opRead && e.Client == read.client && e.Tries > 0 && e.End <= read.Start {
			tries = e
		}
	}
	if tries.Tries == 0 {
		return []phase{transfer(read.Event)}
	}
	each := tries.Busy / time.Duration(tries.Tries)
	came := min(max(read.sent, tries.Start), read.Start)
	asked := phase{span: span{tries.Start, came}, program: polls, call: tries.Call,
		back: "would block",
		note: fmt.Sprintf("%s, %s each", count(tries.Tries, "time"), exact(each))}
	rest := phase{span: span{came, read.Start}, program: runs, arrives: true,
		note: "asks the others"}
	return []phase{asked, rest, transfer(read.Event)}
}

// worked returns the phase after a read, in which the answer is worked out.
func (r *Recording) worked(read requestRead) phase {
	end := read.End
	for _, e := range r.Events {
		if e.Op == opCompute && e.Client == read.client && e.Start >= read.End {
			end = e.End
			break
		}
	}
	note := "works out the answer"
	switch read.How {
	case suspends:
		note = read.Call + " returns: " + note
	case told:
		note = read.Call + " is called: " + note
	}
	return phase{span: span{read.End, end}, program: runs, note: note}
}

// waitBefore returns the wait of the loop that ended with what was then read.
func (r *Recording) waitBefore(read requestRead) (wait Event, found bool) {
	for _, e := range r.Events {
		if e.Op == opWait && e.Lane == read.Lane && e.N > 0 && e.End <= read.End &&
			(read.How == suspends || read.How == told || e.End <= read.Start) {
			wait, found = e, true
		}
	}
	return wait, found
}
