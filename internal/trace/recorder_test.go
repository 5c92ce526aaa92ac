package trace_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/trace"
)

// clients returns the addresses of two clients.
func clients() (one, two netip.AddrPort) {
	host := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	return netip.AddrPortFrom(host, 1001), netip.AddrPortFrom(host, 1002)
}

// recorded records what events does, and returns what is in the file.
func recorded(t *testing.T, rows trace.Rows, events func(r *trace.Recorder)) []trace.Event {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	name := filepath.Join(t.TempDir(), "events")
	r, err := trace.Open(name, rows)
	if err != nil {
		t.Fatal(err)
	}
	events(r)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return load(t, name)
}

func load(t *testing.T, name string) []trace.Event {
	t.Helper()
	events, err := trace.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// times leaves of an event what the test has said, and not when and by whom it was done.
func times(events []trace.Event) []trace.Event {
	var plain []trace.Event
	for _, e := range events {
		if e.Op != trace.Process {
			e.PID, e.TID = 0, 0
			plain = append(plain, e)
		}
	}
	return plain
}

// want compares what was recorded.
func want(t *testing.T, got []trace.Event, want ...trace.Event) {
	t.Helper()
	same := cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })
	if diff := cmp.Diff(want, times(got), same); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

func TestEventsAreWritten(t *testing.T) {
	one, _ := clients()
	testenv.Need(t, testenv.Unix)
	began, err := sys.Monotonic()
	if err != nil {
		t.Fatal(err)
	}
	numbered := sys.ThreadID() > 0
	got := recorded(t, trace.Rows{Name: "thread", Own: true}, func(r *trace.Recorder) {
		r.Add(trace.Event{Start: 30, End: 40, Op: trace.Read, Call: "recv", How: trace.Blocks,
			Peer: one, N: 5})
		r.Add(trace.Event{Start: 10, End: 20, Op: trace.Accept, Peer: one})
		r.Add(trace.Event{Start: 50, End: 60, Op: trace.Write, Row: "loop", Error: "broken"})
	})
	want(t, got,
		trace.Event{Start: 10, End: 20, Row: "thread", Op: trace.Accept, Peer: one},
		trace.Event{Start: 30, End: 40, Row: "thread", Own: true, Op: trace.Read, Call: "recv",
			How: trace.Blocks, Peer: one, N: 5},
		trace.Event{Start: 50, End: 60, Row: "loop", Op: trace.Write, Error: "broken"})
	ended, _ := sys.Monotonic()
	for _, e := range got {
		if e.PID != os.Getpid() || e.Op != trace.Process && (e.TID > 0) != numbered {
			t.Errorf("%s was done by process %d, thread %d", e.Op, e.PID, e.TID)
		}
		if e.Op == trace.Process && (e.Start < began || e.End < e.Start || e.End > ended) {
			t.Errorf("the process lived from %d to %d, between %d and %d", e.Start, e.End, began,
				ended)
		}
	}
	if !slices.ContainsFunc(got, func(e trace.Event) bool { return e.Op == trace.Process }) {
		t.Error("no event is that of the process")
	}
}

// TestEventThatEndsNow has the present time as its end.
func TestEventThatEndsNow(t *testing.T) {
	var began, ended int64
	got := recorded(t, trace.Rows{Name: "thread"}, func(r *trace.Recorder) {
		began = r.Now()
		r.Add(trace.Event{Start: began, Op: trace.Read})
		ended = r.Now()
	})
	if e := times(got)[0]; e.Start != began || e.End < began || e.End > ended {
		t.Errorf("it lasted from %d to %d, between %d and %d", e.Start, e.End, began, ended)
	}
}

// tries is an attempt that found nothing.
func tries(op trace.Op, start, end int64, peer netip.AddrPort) trace.Event {
	return trace.Event{Start: start, End: end, Op: op, Peer: peer, Tries: 1}
}

// TestAttemptsThatFindNothingAreOneEvent, until something is found: of each connection for itself,
// and of the listener, whoever comes from it.
func TestAttemptsThatFindNothingAreOneEvent(t *testing.T) {
	one, two := clients()
	const r, a = trace.Read, trace.Accept
	got := recorded(t, trace.Rows{Name: "thread"}, func(rec *trace.Recorder) {
		for at := range int64(1000) {
			rec.Add(tries(a, 10*at, 10*at+1, netip.AddrPort{}))
			rec.Add(tries(r, 10*at+2, 10*at+4, one))
			rec.Add(tries(r, 10*at+5, 10*at+8, two))
		}
		rec.Add(trace.Event{Start: 20_000, End: 20_001, Op: r, Peer: one, N: 1})
		rec.Add(trace.Event{Start: 20_002, End: 20_003, Op: a, Peer: two})
		rec.Add(tries(a, 20_004, 20_005, netip.AddrPort{}))
		rec.Add(tries(r, 20_006, 20_007, one))
		rec.Add(tries(r, 20_008, 20_009, two))
	})
	want(t, got,
		trace.Event{Start: 0, End: 9991, Row: "thread", Op: a, Tries: 1000, Busy: 1000},
		trace.Event{Start: 2, End: 9994, Row: "thread", Op: r, Peer: one, Tries: 1000, Busy: 2000},
		trace.Event{Start: 5, End: 20_009, Row: "thread", Op: r, Peer: two, Tries: 1001,
			Busy: 3001},
		trace.Event{Start: 20_000, End: 20_001, Row: "thread", Op: r, Peer: one, N: 1},
		trace.Event{Start: 20_002, End: 20_003, Row: "thread", Op: a, Peer: two},
		trace.Event{Start: 20_004, End: 20_005, Row: "thread", Op: a, Tries: 1, Busy: 1},
		trace.Event{Start: 20_006, End: 20_007, Row: "thread", Op: r, Peer: one, Tries: 1, Busy: 1})
}

// TestWaitsThatFindNothingAreOneEvent while nothing comes of them; what was tried before a wait is
// not what is tried after it.
func TestWaitsThatFindNothingAreOneEvent(t *testing.T) {
	one, _ := clients()
	const w, r = trace.Wait, trace.Read
	got := recorded(t, trace.Rows{Name: "loop"}, func(rec *trace.Recorder) {
		rec.Add(tries(r, 1, 2, one))
		rec.Add(trace.Event{Start: 3, End: 4, Op: w})
		rec.Add(trace.Event{Start: 5, End: 6, Op: w})
		rec.Add(tries(r, 7, 8, one))
		rec.Add(trace.Event{Start: 9, End: 10, Op: w})
		rec.Add(trace.Event{Start: 11, End: 12, Op: r, Peer: one, N: 1})
		rec.Add(trace.Event{Start: 13, End: 14, Op: w})
		rec.Add(trace.Event{Start: 15, End: 16, Op: w, N: 2})
	})
	want(t, got,
		trace.Event{Start: 1, End: 2, Row: "loop", Op: r, Peer: one, Tries: 1, Busy: 1},
		trace.Event{Start: 3, End: 10, Row: "loop", Op: w, Tries: 3, Busy: 3},
		trace.Event{Start: 7, End: 8, Row: "loop", Op: r, Peer: one, Tries: 1, Busy: 1},
		trace.Event{Start: 11, End: 12, Row: "loop", Op: r, Peer: one, N: 1},
		trace.Event{Start: 13, End: 14, Row: "loop", Op: w, Tries: 1, Busy: 1},
		trace.Event{Start: 15, End: 16, Row: "loop", Op: w, N: 2})
}

// ops returns what was done, in order.
func ops(events []trace.Event) string {
	var all []string
	for _, e := range times(events) {
		all = append(all, string(e.Op))
	}
	return strings.Join(all, " ")
}

// TestComputingLastsUntilTheNextEventOfTheConnection begins, whatever others do.
func TestComputingLastsUntilTheNextEventOfTheConnection(t *testing.T) {
	one, two := clients()
	var next int64
	got := recorded(t, trace.Rows{Name: "thread", Own: true}, func(r *trace.Recorder) {
		r.Computing(one)
		r.Add(trace.Event{Start: r.Now(), Op: trace.Read, Peer: two})
		r.Add(trace.Event{Start: r.Now(), Op: trace.Task, Peer: one})
		next = r.Now()
		r.Add(trace.Event{Start: next, Op: trace.Write, Peer: one})
		r.Add(trace.Event{Start: r.Now(), Op: trace.Read, Peer: one})
	})
	if got, want := ops(got), "compute read task write read"; got != want {
		t.Errorf("recorded %s, want %s", got, want)
	}
	if e := times(got)[0]; e.End != next || e.Peer != one || !e.Own {
		t.Errorf("computed until %d for %v (own row: %v), want until %d", e.End, e.Peer, e.Own,
			next)
	}
}

// TestMarksAreContiguous: what a connection does begins where its last mark was, and a task runs
// from the mark at which it was switched to, to that at which it was switched away from.
func TestMarksAreContiguous(t *testing.T) {
	one, two := clients()
	got := times(recorded(t, trace.Rows{Name: "loop"}, func(r *trace.Recorder) {
		r.Mark(trace.Event{Peer: one})
		r.Mark(trace.Event{Op: trace.Read, Peer: one, N: 3})
		r.Switched(one, true)
		r.Mark(trace.Event{Op: trace.Compute, Peer: one})
		r.Mark(trace.Event{Op: trace.Read, Peer: two})
		r.Mark(trace.Event{Op: trace.Write, Peer: one, N: 3})
		r.Switched(one, false)
		r.Switched(one, false) // it is away already
		r.Forget(one)
		r.Mark(trace.Event{Op: trace.Write, Peer: one})
	}))
	byOp := func(op trace.Op, peer netip.AddrPort) (found []trace.Event) {
		for _, e := range got {
			if e.Op == op && e.Peer == peer {
				found = append(found, e)
			}
		}
		return found
	}
	read, computed, wrote := byOp(trace.Read, one), byOp(trace.Compute, one), byOp(trace.Write, one)
	tasks := byOp(trace.Task, one)
	if len(read) != 1 || len(computed) != 1 || len(wrote) != 2 || len(tasks) != 1 {
		t.Fatalf("recorded %s", ops(got))
	}
	if wrote[0].Start == 0 { // the one after Forget
		slices.Reverse(wrote)
	}
	switch {
	case read[0].Start <= 0 || read[0].End < read[0].Start || read[0].N != 3:
		t.Errorf("read %+v", read[0])
	case computed[0].Start != read[0].End || wrote[0].Start != computed[0].End:
		t.Errorf("read until %d, computed from %d to %d, wrote from %d", read[0].End,
			computed[0].Start, computed[0].End, wrote[0].Start)
	case tasks[0].Start != read[0].End || tasks[0].End != wrote[0].End:
		t.Errorf("the task ran from %d to %d, want from %d to %d", tasks[0].Start, tasks[0].End,
			read[0].End, wrote[0].End)
	case wrote[1].Start != 0:
		t.Errorf("of a connection that was forgotten, what it did from %d on is known",
			wrote[1].Start)
	}
}

// TestTooManyEvents are counted, and the last line says so.
func TestTooManyEvents(t *testing.T) {
	one, _ := clients()
	const more = 7
	got := recorded(t, trace.Rows{Name: "thread"}, func(r *trace.Recorder) {
		for i := range int64(trace.MaxEvents + more) {
			r.Add(trace.Event{Start: i, End: i + 1, Op: trace.Write, Peer: one})
		}
		r.Add(tries(trace.Read, 1, 2, one))
	})
	if n := len(times(got)); n != trace.MaxEvents {
		t.Errorf("%d events are kept, want %d", n, trace.MaxEvents)
	}
	for _, e := range got {
		if e.Op == trace.Process && e.LeftOut != more+1 {
			t.Errorf("%d are said to be left out, want %d", e.LeftOut, more+1)
		}
	}
}

// TestSeveralRecordersAppendToOneFile, each whole lines.
func TestSeveralRecordersAppendToOneFile(t *testing.T) {
	one, _ := clients()
	testenv.Need(t, testenv.Unix)
	name := filepath.Join(t.TempDir(), "events")
	const recorders, each = 5, 300
	var all sync.WaitGroup
	for range recorders {
		all.Go(func() {
			r, err := trace.Open(name, trace.Rows{Name: "thread"})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range int64(each) {
				r.Add(trace.Event{Start: i, End: i + 1, Op: trace.Read, Peer: one, N: 1})
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(load(t, name)); n != recorders*(each+1) {
		t.Errorf("%d events, want %d", n, recorders*(each+1))
	}
}

// TestNoRecorder records nothing, and its methods may be called.
func TestNoRecorder(t *testing.T) {
	r, err := trace.Open("", trace.Rows{})
	if r != nil || err != nil {
		t.Fatalf("Open of no file is %v, %v", r, err)
	}
	if now := r.Now(); now != 0 {
		t.Errorf("it is %d", now)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestFilesThatCannotBe(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	dir := t.TempDir()
	if _, err := trace.Open(filepath.Join(dir, "no", "where"), trace.Rows{}); !errors.Is(err,
		fs.ErrNotExist) {
		t.Errorf("recording to where nothing can be: %v", err)
	}
	if _, err := trace.Load(filepath.Join(dir, "nothing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading what is not there: %v", err)
	}
	name := filepath.Join(dir, "text")
	text := `{"op":"read","start":1}` + "\nkettle\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := trace.Load(name)
	if err == nil || !strings.Contains(err.Error(), name+": line 2: ") {
		t.Errorf("reading what is no event: %v", err)
	}
}
