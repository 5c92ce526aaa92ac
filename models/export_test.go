package models

import (
	"context"
	"io"
	"log"
	"net/netip"
	"time"

	"github.com/kettle-go/kettle/internal/trace"
)

// Divide shows divide to the tests.
func Divide(limit, workers int) []int { return divide(limit, workers) }

// KillPause is when, after Grace, a worker that has not ended is killed.
const KillPause = killPause

// PauseIsSeen reports whether a single-threaded server whose pause of accepting ends at retry
// either watches its listener or wakes up to do so.
func PauseIsSeen(retry time.Time) bool {
	l := &single{server: &server{ctx: context.Background()}, retry: retry}
	accepting := l.accepting()
	wait := l.untilNext()
	return accepting || wait >= 0
}

// UntilNext returns how long a single-threaded server waits for I/O that may accept again at
// retry and has an answer due; zero times stand for nothing.
func UntilNext(retry, due time.Time) time.Duration {
	l := &single{server: &server{ctx: context.Background()}, retry: retry}
	if !due.IsZero() {
		l.waits.add(&conn{}, due)
	}
	return l.untilNext()
}

// Keep shows keep to the tests.
func Keep(ctx context.Context, run func() error) {
	(&server{log: log.New(io.Discard, "", 0)}).keep(ctx, run)
}

// ProcessRoom shows processRoom to the tests.
func ProcessRoom(allowed int) int { return processRoom(allowed) }

// AnswerTo returns the answers of a service, on a server of one thread, to chunks that come one
// after the other, and the length of the longest that it gives at a time.
func AnswerTo(service Service, chunks ...[]byte) (answers []byte, most int) {
	reply := (&server{service: service}).newReply()
	for _, chunk := range chunks {
		for len(chunk) > 0 {
			var answer []byte
			answer, chunk = reply(chunk)
			answers, most = append(answers, answer...), max(most, len(answer))
		}
	}
	return answers, most
}

// ServeUntil is Serve with the context that ends the grace of the drain.
func (m Model) ServeUntil(ctx, over context.Context, cfg Config) error {
	s, err := newServer(ctx, m, cfg)
	if err != nil {
		return err
	}
	s.over = over
	return m.serve(s)
}

// UntracedHooks returns a function that calls every hook of a server that records nothing.
func UntracedHooks() func() {
	s := &server{ctx: context.Background(), over: context.Background()}
	l := &single{server: s, listener: -1}
	chunk := []byte("tea")
	return func() {
		addr := netip.AddrPort{}
		began := s.trace.Now()
		s.did(trace.Read, "recv", addr, began, 1, nil)
		s.waited("poll", began, 1)
		s.ran(addr, began)
		s.connected(addr)
		s.request(addr, chunk)
		s.computed(nil)
		s.slept(nil)
		s.wrote(nil, 1)
		s.asked(nil, chunk)
		s.lost(addr, nil)
		l.recordSleeps()
	}
}

// CutLines returns the lines that chunks of one client, which come one after the other, complete.
func CutLines(chunks [][]byte) (text []byte, err error) {
	var in lines
	for _, chunk := range chunks {
		err := in.cut(chunk, func(whole []byte) { text = append(text, whole...) })
		if err != nil {
			return text, err
		}
	}
	return text, nil
}
