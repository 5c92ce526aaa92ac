package trace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"sync"

	"github.com/kettle-go/kettle/internal/sys"
)

// MaxEvents is how many events a Recorder keeps.
const MaxEvents = 10_000

// Recorder records the events of a process. A nil one records nothing: its methods may be called,
// but an Event should not be made for it. It may be used from any goroutine.
type Recorder struct {
	Clock
	file  *os.File
	rows  Rows
	pid   int
	began int64

	mu      sync.Mutex
	events  []Event
	leftOut int
	empty   map[source]int           // the present run of attempts that found nothing, in events
	conns   map[netip.AddrPort]*conn // that have something to be remembered
}

// source is where attempts come from that may find nothing.
type source struct {
	row  string
	op   Op
	peer netip.AddrPort
}

// conn is what is remembered of a connection.
type conn struct {
	until     int64 // what it did up to then is known: see Mark
	computing int64 // since when; 0 if it is not
	thread    int   // on which one
	running   int64 // since when its task runs
}

// Open returns a Recorder that will append to the file, or nil if the name is "".
func Open(name string, rows Rows) (*Recorder, error) {
	if name == "" {
		return nil, nil
	}
	clock, err := NewClock()
	if err != nil {
		return nil, fmt.Errorf("record events: %w", err)
	}
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("record events: %w", err)
	}
	return &Recorder{Clock: clock, file: file, rows: rows, pid: os.Getpid(), began: clock.Now(),
		empty: make(map[source]int), conns: make(map[netip.AddrPort]*conn)}, nil
}

// Now returns the time; 0 if r is nil.
func (r *Recorder) Now() int64 {
	if r == nil {
		return 0
	}
	return r.Clock.Now()
}

// Add records an event that began at e.Start and ends now, or at e.End if that is set. The process,
// the thread and, unless it is set, the row are filled in.
func (r *Recorder) Add(e Event) {
	if e.End == 0 {
		e.End = r.Clock.Now()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(e)
}

// Computing says that from now on an answer is worked out for a connection, until the next event
// of the connection begins.
func (r *Recorder) Computing(peer netip.AddrPort) {
	now := r.Clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.conn(peer)
	c.computing, c.thread = now, sys.ThreadID()
}

// Mark records an event of a connection that began when what was known of it ended, and ends now.
// It is for calls that are made elsewhere: who calls them marks that they have returned. Without an
// Op, nothing is recorded but that the next event begins now.
func (r *Recorder) Mark(e Event) {
	now := r.Clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.conn(e.Peer)
	e.Start, e.End = c.until, now
	if c.until = now; e.Op == "" {
		return
	}
	r.add(e)
}

// Switched records that the task of a connection was switched to or away from, just where its last
// event ended. That it was switched away from and had not been switched to is not recorded.
func (r *Recorder) Switched(peer netip.AddrPort, to bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.conn(peer)
	if !to && c.running > 0 {
		r.add(Event{Start: c.running, End: c.until, Op: Task, Peer: peer})
	}
	if c.running = 0; to {
		c.running = c.until
	}
}

// Forget says that a connection has ended.
func (r *Recorder) Forget(peer netip.AddrPort) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, peer)
	for _, op := range []Op{Read, Write} {
		delete(r.empty, source{r.rows.Name, op, peer})
	}
}

func (r *Recorder) conn(peer netip.AddrPort) *conn {
	c := r.conns[peer]
	if c == nil {
		c = new(conn)
		r.conns[peer] = c
	}
	return c
}

// add records an event, and the computing that ends with its beginning.
func (r *Recorder) add(e Event) {
	e.PID, e.TID = r.pid, sys.ThreadID()
	if e.Row == "" {
		e.Row = r.rows.Name
		e.Own = r.rows.Own && e.Peer.IsValid() && e.Op != Accept && e.Op != Start
	}
	if c := r.conns[e.Peer]; c != nil && c.computing > 0 && e.Op != Task {
		begun := c.computing
		c.computing = 0
		r.keep(Event{Start: begun, End: max(begun, e.Start), PID: e.PID, TID: c.thread, Row: e.Row,
			Own: e.Own, Op: Compute, Peer: e.Peer})
	}
	if r.nothing(e) {
		return
	}
	r.keep(e)
}

// nothing reports whether the event is more of the same: an attempt or a wait that has found
// nothing, as the one before it did.
func (r *Recorder) nothing(e Event) bool {
	from := source{e.Row, e.Op, e.Peer}
	if e.Op == Accept {
		from.peer = netip.AddrPort{} // which is known only when there is one
	}
	if e.Op == Wait {
		// What is tried before a wait and after it is not tried again and again.
		maps.DeleteFunc(r.empty, func(s source, _ int) bool { return s.row == e.Row && s != from })
		e.Tries = 0
		if e.N == 0 {
			e.Tries = 1
		}
	} else if e.Tries == 0 {
		delete(r.empty, source{e.Row, Wait, netip.AddrPort{}}) // something has come of it
	}
	if e.Tries == 0 {
		delete(r.empty, from)
		return false
	}
	e.Busy = e.End - e.Start
	if i, ok := r.empty[from]; ok {
		run := &r.events[i]
		run.End, run.Tries, run.Busy = e.End, run.Tries+e.Tries, run.Busy+e.Busy
		return true
	}
	if len(r.events) < MaxEvents {
		r.empty[from] = len(r.events)
	}
	r.keep(e)
	return true
}

func (r *Recorder) keep(e Event) {
	if len(r.events) >= MaxEvents {
		r.leftOut++
		return
	}
	r.events = append(r.events, e)
}

// Close writes the events, and last one of the process. Closing a nil Recorder does nothing.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	life := Event{Start: r.began, End: r.Clock.Now(), PID: r.pid, Row: r.rows.Name, Op: Process,
		LeftOut: r.leftOut}
	var text bytes.Buffer
	var err error
	lines := json.NewEncoder(&text)
	for _, e := range append(r.events, life) {
		err = errors.Join(err, lines.Encode(e))
	}
	r.events = nil
	// One call, as others may append to the same file.
	_, writeErr := r.file.Write(text.Bytes())
	if err = errors.Join(err, writeErr, r.file.Close()); err != nil {
		return fmt.Errorf("record events: %w", err)
	}
	return nil
}
