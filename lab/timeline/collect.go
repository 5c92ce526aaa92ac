package timeline

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/kettle-go/kettle/internal/trace"
)

// maxEvents is how many events a Recording has at the most.
const maxEvents = 500

// recording lays what the server has recorded beside what the clients have seen.
func (s *session) recording(events []trace.Event) *Recording {
	rec := &Recording{}
	for _, v := range s.clients {
		c := Client{Connected: s.since(v.connected), Left: s.since(v.left)}
		for i := range v.sent {
			c.Requests = append(c.Requests, Request{s.since(v.sent[i]), s.since(v.answered[i])})
		}
		rec.Clients = append(rec.Clients, c)
		rec.Length = max(rec.Length, c.Left)
	}
	rec.Length = s.end(events, rec.Length)
	lanes := s.lanes(events, rec)
	for _, e := range events {
		begun, ended := s.since(e.Start), s.since(e.End)
		if e.Op == trace.Process {
			rec.LeftOut += e.LeftOut
		}
		i, known := lanes[s.laneOf(e)]
		if !known || e.Op == trace.Process || ended < 0 || begun > rec.Length {
			continue
		}
		lane := &rec.Lanes[i]
		if e.TID != 0 && !slices.Contains(lane.Threads, e.TID) {
			lane.Threads = append(lane.Threads, e.TID)
		}
		rec.Events = append(rec.Events, Event{Start: begun, End: ended, Lane: i,
			Client: s.client(e.Peer), Op: string(e.Op), Call: e.Call, How: string(e.How), N: e.N,
			Error: e.Error, Tries: e.Tries, Busy: time.Duration(e.Busy)})
	}
	rec.cut(maxEvents)
	return rec
}

// since returns a time of the clock as one of the recording.
func (s *session) since(at int64) time.Duration { return time.Duration(at - s.begun) }

// client returns the number of a client, from 1; 0 if it is none.
func (s *session) client(peer netip.AddrPort) int {
	return 1 + slices.IndexFunc(s.clients, func(v visit) bool { return v.peer == peer })
}

// end returns when the recording ends: when the last client has left, and the server has noticed.
func (s *session) end(events []trace.Event, left time.Duration) time.Duration {
	const most = 5 * time.Millisecond
	end := left
	for _, e := range events {
		if noticed := s.since(e.End); e.Op == trace.Read && s.client(e.Peer) > 0 && e.N == 0 &&
			e.Tries == 0 && noticed < left+most {
			end = max(end, noticed)
		}
	}
	return end
}

// laneKey names a lane.
type laneKey struct {
	pid    int
	row    string
	client int // 0 for what is there for nobody in particular
}

func (s *session) laneOf(e trace.Event) laneKey {
	k := laneKey{pid: e.PID, row: e.Row}
	if e.Own {
		k.client = s.client(e.Peer)
	}
	return k
}

// lanes finds out what lanes there are, puts them into the recording, and returns where each is:
// process after process, as they began, and what is there for a client after what is not.
func (s *session) lanes(events []trace.Event, rec *Recording) map[laneKey]int {
	processes := make(map[int]int)
	life := make(map[laneKey]Lane)
	var keys []laneKey
	for _, e := range events {
		if e.Op == trace.Process {
			processes[e.PID] = len(processes)
		}
		k := s.laneOf(e)
		lane, known := life[k]
		if !known {
			lane = Lane{Kind: e.Row, PID: e.PID, Client: k.client, Began: s.since(e.Start)}
			keys = append(keys, k)
		}
		lane.Ended = max(lane.Ended, s.since(e.End))
		life[k] = lane
	}
	slices.SortStableFunc(keys, func(a, b laneKey) int {
		return cmp.Or(cmp.Compare(processes[a.pid], processes[b.pid]),
			cmp.Compare(a.client, b.client))
	})
	at := make(map[laneKey]int)
	for _, k := range keys {
		lane := life[k]
		lane.Process = processes[k.pid]
		at[k] = len(rec.Lanes)
		rec.Lanes = append(rec.Lanes, lane)
	}
	return at
}

// cut leaves out events until there are no more than most: first what says least.
func (r *Recording) cut(most int) {
	for _, least := range []func(e Event) bool{
		func(e Event) bool { return e.Op == opTask },
		func(e Event) bool { return e.Tries > 0 },
		func(e Event) bool { return e.Op == opWait },
	} {
		if len(r.Events) <= most {
			return
		}
		n := len(r.Events)
		r.Events = slices.DeleteFunc(r.Events, least)
		r.LeftOut += n - len(r.Events)
	}
	if n := len(r.Events); n > most {
		r.Events = r.Events[:most]
		r.LeftOut += n - most
	}
}
