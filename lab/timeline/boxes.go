package timeline

import (
	"cmp"
	"slices"
	"time"
)

// kind is what a box in the row of a lane stands for.
type kind int

const (
	works  kind = iota // does something for a client: see box.op
	stuck              // waits for one client, or for upstream for it, and can do nothing else
	asks               // asks again and again, and finds nothing
	inTask             // a coroutine or task runs
	wakes              // goes on, as somebody is ready
)

// box is a stretch of a lane's row.
type box struct {
	span
	kind   kind
	client int // 0 is nobody in particular
	op     string
	event  Event // that it is of
}

// row is what one lane did, in order.
type row struct {
	Lane
	boxes []box
}

// rows returns what each lane did.
func (r *Recording) rows() []row {
	rows := make([]row, len(r.Lanes))
	for i, lane := range r.Lanes {
		rows[i].Lane = lane
	}
	for _, e := range r.Events {
		for _, b := range r.boxes(e) {
			b.to = max(b.to, b.from+1) // what was told of, at one moment, is seen too
			rows[e.Lane].boxes = append(rows[e.Lane].boxes, b)
		}
	}
	for i := range rows {
		slices.SortStableFunc(rows[i].boxes, func(a, b box) int {
			return cmp.Compare(a.from, b.from)
		})
	}
	return rows
}

// boxes returns what stands for an event in the row of its lane: what the lane did, without what
// others did for it meanwhile.
func (r *Recording) boxes(e Event) []box {
	whole := span{e.Start, e.End}
	alone := e.How == blocks || r.Lanes[e.Lane].Client > 0
	switch {
	case e.Op == opTask:
		return []box{{whole, inTask, e.Client, e.Op, e}}
	case e.Op == opWait && e.N > 0:
		return []box{{span{e.End, e.End}, wakes, 0, e.Op, e}}
	case e.Tries > 0 && e.Op != opWait:
		if e.Tries < 3 { // once to find the end of a list is not asking again and again
			return nil
		}
		return []box{{whole, asks, 0, e.Op, e}}
	case e.Client == 0 || e.Op == opWait:
		return nil
	case e.Op == opSleep && alone:
		return []box{{whole, stuck, e.Client, e.Op, e}}
	case e.Op == opSleep:
		return nil
	case e.Op == opAccept:
		return []box{{span{max(e.Start, min(e.End, r.Clients[e.Client-1].Connected)), e.End}, works,
			e.Client, e.Op, e}}
	case e.Op == opRead:
		return r.readBoxes(e, alone)
	}
	return []box{{whole, works, e.Client, e.Op, e}}
}

// readBoxes returns the wait of a read until the client has sent something, if its lane waits with
// it, and the rest.
func (r *Recording) readBoxes(e Event, alone bool) []box {
	sent, ok := r.sent(e.Client, e.End)
	if !ok {
		sent = e.Start
	}
	came := max(e.Start, sent)
	if alone {
		var all []box
		if came > e.Start {
			all = append(all, box{span{e.Start, came}, stuck, e.Client, e.Op, e})
		}
		return append(all, box{span{came, e.End}, works, e.Client, e.Op, e})
	}
	if e.How == suspends || e.How == told {
		// It is not before the last thing that the lane has done besides.
		for _, other := range r.Events {
			if other.Lane == e.Lane && other.Op != opSleep && other.Op != opRead &&
				other.End <= e.End {
				came = max(came, other.End)
			}
		}
	}
	return []box{{span{min(came, e.End), e.End}, works, e.Client, e.Op, e}}
}

// scale returns the scale on which each thing that the server did has that share of the width at
// the least.
func (r *Recording) scale(rows []row, share float64) scale {
	var spans []span
	for _, row := range rows {
		for _, b := range row.boxes {
			if b.kind == works {
				spans = append(spans, b.span)
			}
		}
	}
	return newScale(r.Length, spans, share)
}

// bar is a stretch of a client's row: from a request to its answer.
type bar struct {
	span
	looked time.Duration // when its client had been accepted; from, if that was before
}

// bars returns the bars of a client.
func (r *Recording) bars(client int) []bar {
	accepted, ok := r.accepted(client)
	var all []bar
	for _, q := range r.Clients[client-1].Requests {
		b := bar{span: span{q.Sent, q.Answered}, looked: q.Sent}
		if ok {
			b.looked = min(max(accepted, q.Sent), q.Answered)
		}
		all = append(all, b)
	}
	return all
}
