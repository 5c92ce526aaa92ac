// Package trace records what a server does and when: each event is one line of JSON.
//
//	r, err := trace.Open("events", trace.Rows{Name: "thread"}) // nil if the name is ""
//	began := r.Now()                                           // 0 if r is nil
//	n, err := receive()
//	if r != nil {
//		r.Add(trace.Event{Start: began, Op: trace.Read, Call: "recv", Peer: peer, N: n})
//	}
//	err = r.Close() // writes the events
//	...
//	events, err := trace.Load("events")
//
// A nil Recorder is one that is off: to ask for that is all that it costs. One that is on keeps its
// events in memory, and writes them when it is closed, so that nothing is written while something
// is measured. The processes of a server may write to the same file: each appends whole lines.
//
// # What is kept
//
// A Recorder keeps at most MaxEvents events; the line of its process says how many it has left out.
// Attempts in a row that find nothing are one event, with their number: a server that polls makes a
// million of them in a second. So are waits in a row that end with nothing to do.
//
// # The clock
//
// Times are nanoseconds of the system's monotonic clock, which all processes share. So what
// several processes and their clients have recorded can be laid beside each other. A connection is
// known by the address of the client, which both of its sides know.
package trace

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

// Op is what was done.
type Op string

// What a server does.
const (
	Process Op = "process" // a process recorded, from its beginning to its end
	Start   Op = "start"   // a process was started
	Accept  Op = "accept"  // a client was taken from the backlog
	Wait    Op = "wait"    // for whatever comes first
	Read    Op = "read"
	Compute Op = "compute" // the answer, from the request
	Write   Op = "write"
	Sleep   Op = "sleep" // for the simulated upstream call
	Task    Op = "task"  // a coroutine ran, from the switch to it to the switch away
)

// How is what a call does when it cannot do its work yet.
type How string

// The ways in which a call can wait, or not.
const (
	Blocks   How = "blocks"   // its thread waits in the kernel
	Returns  How = "returns"  // it says so, at once
	Suspends How = "suspends" // its task or goroutine waits, and the thread does something else
	Told     How = "told"     // there is no call: a callback is told when the work is done
)

// Event is something that a server did.
type Event struct {
	Start int64          `json:"start"`
	End   int64          `json:"end"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid,omitempty"` // the thread, as the event ended; 0 is not known
	Row   string         `json:"row"`           // what it was that did it: see Rows
	Own   bool           `json:"own,omitempty"` // it is there for this connection alone
	Op    Op             `json:"op"`
	Call  string         `json:"call,omitempty"` // the name of the call
	How   How            `json:"how,omitempty"`
	Peer  netip.AddrPort `json:"peer,omitzero"` // of a connection: the client's end of it
	N     int            `json:"n,omitempty"`   // bytes; of a wait, how many were ready
	Error string         `json:"error,omitempty"`

	// Of attempts in a row that found nothing: how many, and how long they took together. Start and
	// End are those of the first and the last one.
	Tries int   `json:"tries,omitempty"`
	Busy  int64 `json:"busy,omitempty"`

	LeftOut int `json:"leftOut,omitempty"` // of a process: events beyond MaxEvents
}

// Rows says what it is in a process that does things.
type Rows struct {
	Name string // such as "thread"
	Own  bool   // each connection has one of its own, beside the one that accepts
}

// Clock is the system's monotonic clock.
type Clock struct {
	base time.Time
	at   int64 // what the system's clock said at base
}

// NewClock returns the clock; an error says that this system has none that processes share.
func NewClock() (Clock, error) {
	var c Clock
	best := time.Duration(-1)
	// Go's own clock is as exact and costs less to read. What lies between them is found out by
	// reading one between two readings of the other; that may be interrupted, so the closest
	// counts.
	for range 10 {
		before := time.Now()
		at, err := sys.Monotonic()
		if err != nil {
			return Clock{}, fmt.Errorf("read the monotonic clock: %w", err)
		}
		took := time.Since(before)
		if best < 0 || took < best {
			best, c = took, Clock{base: before, at: at - int64(took/2)}
		}
	}
	return c, nil
}

// Now returns the time. It may be called from any goroutine.
func (c Clock) Now() int64 { return c.at + int64(time.Since(c.base)) }
