package models

import "runtime"

// Polling: non-blocking sockets, tried one after the other, again and again.
//
//	  ┌────────────────────────────────────────────────────┐
//	  ▼                                                    │
//	accept? ──▶ recv 1? ──▶ recv 2? ──▶ send 3? ──▶ recv 4? ┘
//	no          no          no          yes         no
//
// On a non-blocking socket a call that cannot do its work says so (EAGAIN) instead of
// waiting. With that alone, one thread can serve many: it asks everybody in turn. No call
// waits, and so nothing ever does: with nothing to do, the thread asks all the same, and uses
// its CPU up. The more clients are silent, the longer until somebody who is not is asked.
//
// Good for: hardware that answers within the time of a system call, or a CPU to spare for the
// lowest latency. Else it is here to show what select and its successors are for.
func polling() Model {
	return Model{
		Name:        "polling",
		Summary:     "non-blocking sockets, all tried in a loop",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread",
		Waits:       "nothing: the thread asks every socket, for ever",
		Limits:      "100 % of a CPU, always; pays for the silent as for the busy",
		Section:     "4.5",
		files:       []string{"polling.go", "conn.go", "single.go"},
		dispatch:    "servePolling",
		serve:       servePolling,
	}
}

func servePolling(s *server) error {
	l, err := s.newSingle()
	if err != nil {
		return err
	}
	defer l.finish()
	if err := l.announce(l.listener); err != nil {
		return err
	}
	for l.turn() {
		for c := range l.newcomers() { // some: those who are connected are asked all the same
			c.want = wantRead
		}
		for c := l.waits.take(); c != nil; c = l.waits.take() {
			c.want = l.flush(c)
		}
		for i := len(l.conns) - 1; i >= 0; i-- { // backwards, as forget moves the last one
			c := l.conns[i]
			switch c.want {
			case wantRead:
				c.want = l.receive(c)
			case wantWrite:
				c.want = l.flush(c)
			}
			if c.want == wantClose {
				l.forget(c)
			}
		}
		runtime.Gosched() // lets Go's own goroutines run, as there may be but one processor
	}
	return nil
}
