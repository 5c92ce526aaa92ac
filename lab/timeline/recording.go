// Package timeline shows what a server and its clients did, moment by moment: who was served when,
// by which thread or process, and who waited for what meanwhile.
//
//	rec, err := timeline.Record(ctx, timeline.Config{
//		Name:    "streams",
//		Command: []string{"kettle", "serve", "--addr", "127.0.0.1:0", "--trace", "{trace}"},
//		Clients: 3,
//	})
//	...
//	fmt.Print(rec.Text(80, false))
//	os.WriteFile("streams.svg", []byte(rec.SVG(timeline.Drawing{Width: 960})), 0o644)
//
// A few clients come one after the other, and each asks twice and pauses in between. The server is
// a process that records its events (kettle serve --trace), the clients are goroutines of this one,
// and both read the same clock. What comes of it is a Recording: plain data, a few hundred events
// at the most, that can be kept as one line of JSON. All that is shown is a function of it.
//
// # The timeline
//
// One row for each client, and below one for each thread, process or goroutine that served them.
// A client's row has a bar from each request to its answer. In a server's row stands what it did,
// in the colour and with the number of the client for whom; where it waits there is nothing, but
// for an outline where it waits for one client alone, and could do nothing for another.
//
// Most of what a server does takes microseconds, and the waits take milliseconds. So that all can
// be seen, each event is drawn with a width of its own at the least, and time passes more slowly
// there, in all rows alike: what is left of something else was earlier.
//
// # The kernel
//
// The second form has two lanes for one request: the program and the kernel. It shows when the
// program called, whether the call waited or would have blocked, when the client's bytes arrived
// (which the client's clock tells), and the copy.
//
// # What is recorded, and what is not
//
// The models with system calls record each of them. Of those on Go's net or on the library, what
// can be seen is when a call such as Next was entered and returned, and when the loop waited. Then
// the copy is somewhere between the loop's wait and the return, and is drawn as that.
package timeline

import (
	"encoding/json"
	"fmt"
	"time"
)

// Recording is what a server and its clients did. Times count from its beginning; what began before
// that is negative.
type Recording struct {
	Server  string        `json:"server"`
	Wait    time.Duration `json:"wait"`   // of each request, for the simulated upstream call
	Length  time.Duration `json:"length"` // until the last client has left
	Clients []Client      `json:"clients"`
	Lanes   []Lane        `json:"lanes"`
	Events  []Event       `json:"events"`            // of the server, as they began
	LeftOut int           `json:"leftOut,omitempty"` // events of the server that are not there
}

// UnmarshalJSON reads a recording, and refuses one that does not fit together.
func (r *Recording) UnmarshalJSON(text []byte) error {
	type plain Recording
	var p plain
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	for i, l := range p.Lanes {
		if l.Client < 0 || l.Client > len(p.Clients) || l.Process < 0 {
			return fmt.Errorf("lane %d is of client %d, of %d, in process %d", i, l.Client,
				len(p.Clients), l.Process)
		}
	}
	for i, e := range p.Events {
		switch {
		case e.Lane < 0 || e.Lane >= len(p.Lanes):
			return fmt.Errorf("event %d is of lane %d, of %d", i, e.Lane, len(p.Lanes))
		case e.Client < 0 || e.Client > len(p.Clients):
			return fmt.Errorf("event %d is of client %d, of %d", i, e.Client, len(p.Clients))
		case e.Tries < 0 || e.N < 0:
			return fmt.Errorf("event %d has %d attempts and %d bytes", i, e.Tries, e.N)
		}
	}
	*r = Recording(p)
	return nil
}

// Client is what a client saw.
type Client struct {
	Connected time.Duration `json:"connected"`
	Requests  []Request     `json:"requests"`
	Left      time.Duration `json:"left"`
}

// Request is a request of a client.
type Request struct {
	Sent     time.Duration `json:"sent"`
	Answered time.Duration `json:"answered"`
}

// Lane is something in the server that does one thing at a time.
type Lane struct {
	Kind    string `json:"kind"`              // "thread", "goroutine" or "loop"
	Process int    `json:"process"`           // which of the server's, from 0, as they began
	PID     int    `json:"pid"`               // of the process
	Threads []int  `json:"threads,omitempty"` // that it was seen on, where that is known
	Client  int    `json:"client,omitempty"`  // from 1, if it is there for one client alone

	Began time.Duration `json:"began"` // the process, or what it is there for
	Ended time.Duration `json:"ended"`
}

// Event is something that the server did.
type Event struct {
	Start  time.Duration `json:"start"`
	End    time.Duration `json:"end"`
	Lane   int           `json:"lane"`             // in Lanes
	Client int           `json:"client,omitempty"` // for whom, from 1; 0 is nobody in particular

	// Op is start (a process), accept, wait (for whatever comes first), read, compute, write,
	// sleep (for the upstream call), or task (a coroutine ran).
	Op string `json:"op"`

	// Call is the name of the call. How is what it does when it cannot do its work yet: "blocks"
	// (its thread waits), "returns" (it says so), "suspends" (its task waits, not the thread) or
	// "told" (there is no call, a callback is told).
	Call string `json:"call,omitempty"`
	How  string `json:"how,omitempty"`

	N     int    `json:"n,omitempty"` // bytes; of a wait, how many were ready
	Error string `json:"error,omitempty"`

	// Of attempts in a row that found nothing: how many, and how long they took together.
	Tries int           `json:"tries,omitempty"`
	Busy  time.Duration `json:"busy,omitempty"`
}

// The operations, and the ways to wait, as package trace names them.
const (
	opStart   = "start"
	opAccept  = "accept"
	opWait    = "wait"
	opRead    = "read"
	opCompute = "compute"
	opWrite   = "write"
	opSleep   = "sleep"
	opTask    = "task"

	blocks   = "blocks"
	returns  = "returns"
	suspends = "suspends"
	told     = "told"
)

// accepted returns when the server took a client from the backlog.
func (r *Recording) accepted(client int) (time.Duration, bool) {
	for _, e := range r.Events {
		if e.Op == opAccept && e.Client == client {
			return e.End, true
		}
	}
	return 0, false
}

// sent returns when a client sent what a read that ended at a time can have received, or when it
// had left: the last that happened before then.
func (r *Recording) sent(client int, end time.Duration) (time.Duration, bool) {
	c := r.Clients[client-1]
	if c.Left > 0 && c.Left <= end {
		return c.Left, true
	}
	for i := len(c.Requests) - 1; i >= 0; i-- {
		if c.Requests[i].Sent <= end {
			return c.Requests[i].Sent, true
		}
	}
	return 0, false
}
