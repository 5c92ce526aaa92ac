package timeline

import "time"

// Read is the read of one request.
type Read struct {
	Client int    // from 1
	Call   string // its name, and how it waits: see Event
	How    string
	Began  time.Duration // when it was called
	Lasted time.Duration // until it returned with the bytes
	Bytes  int

	// Early is how long before the client sent the bytes it was called. If that is more than
	// nothing, the read has found nothing at first. Pause is how long the client had sent nothing.
	Early time.Duration
	Pause time.Duration

	// Of the attempts before it that found nothing and returned at once: how many, and how long one
	// of them took, on average.
	Tries int
	Each  time.Duration
}

// FoundNothing reports whether there was nothing to be read at first.
func (r Read) FoundNothing() bool { return r.Early > 0 || r.Tries > 0 }

// Reads returns the read of each request, in the order in which they were called.
func (r *Recording) Reads() []Read {
	var all []Read
	tries := make(map[int]Event) // of each client, since its last read
	for _, e := range r.Events {
		switch {
		case e.Op != opRead || e.Client == 0:
		case e.Tries > 0:
			t := tries[e.Client]
			t.Tries, t.Busy = t.Tries+e.Tries, t.Busy+e.Busy
			tries[e.Client] = t
		case e.N > 0:
			read := Read{Client: e.Client, Call: e.Call, How: e.How, Began: e.Start,
				Lasted: e.End - e.Start, Bytes: e.N}
			sent, ok := r.sent(e.Client, e.End)
			if !ok {
				continue // of a request that the clients do not know
			}
			read.Early, read.Pause = max(0, sent-e.Start), sent-r.spoke(e.Client, sent)
			if t := tries[e.Client]; t.Tries > 0 {
				read.Tries, read.Each = t.Tries, t.Busy/time.Duration(t.Tries)
				delete(tries, e.Client)
			}
			all = append(all, read)
		}
	}
	return all
}

// spoke returns when a client that sends at a time was answered before that, or connected.
func (r *Recording) spoke(client int, sends time.Duration) time.Duration {
	c := r.Clients[client-1]
	last := c.Connected
	for _, q := range c.Requests {
		if q.Answered < sends {
			last = max(last, q.Answered)
		}
	}
	return last
}

// WouldBlock says how many of the reads of a recording would have had to wait.
type WouldBlock struct {
	Reads int // that found bytes, or the end of the stream
	Tries int // that found nothing, and said so

	// Seen is whether the server reads by itself. Where Go or the library does it, what they try
	// does not show, and the counts are 0.
	Seen bool
}

// WouldBlocks counts the reads that would have had to wait. A call that blocks waits, and does not
// say so: of such there are none.
func (r *Recording) WouldBlocks() WouldBlock {
	var w WouldBlock
	for _, e := range r.Events {
		if e.Op != opRead || e.How != returns && e.How != blocks {
			continue
		}
		w.Seen = true
		if e.Tries > 0 {
			w.Tries += e.Tries
		} else if e.Error == "" {
			w.Reads++
		}
	}
	return w
}
