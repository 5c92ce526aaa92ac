package models_test

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/trace"
	"github.com/kettle-go/kettle/models"
)

// What a server records of itself.

// traced returns every model on the selector that it is about.
func traced() []variant { return modelsOnly() }

// TestEachRequestIsRecorded: it is read, worked out and answered, in this order and once, by what
// serves the connection; and before it the connection was accepted.
func TestEachRequestIsRecorded(t *testing.T) {
	forEach(t, traced(), func(t *testing.T, v variant) {
		file := filepath.Join(t.TempDir(), "events")
		s := start(t, v, launch{Config: models.Config{Trace: file}})
		const requests = 3
		var peers []netip.AddrPort
		for range 2 {
			c, err := dial(s.addr)
			if err != nil {
				t.Fatal(err)
			}
			peers = append(peers, netip.MustParseAddrPort(c.LocalAddr().String()))
			for range requests {
				if err := exchange(c, []byte("tea")); err != nil {
					t.Fatal(err)
				}
			}
			c.Close()
		}
		s.stop(t)
		events, err := trace.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, peer := range peers {
			checkRecord(t, events, peer, requests)
		}
		processes := 0
		for _, e := range events {
			if e.Op == trace.Process {
				processes++
			}
		}
		if one := !v.perClient() && !v.forked(); one != (processes == 1) {
			t.Errorf("%d processes have recorded", processes)
		}
	})
}

// checkRecord checks what was recorded of a connection.
func checkRecord(t *testing.T, events []trace.Event, peer netip.AddrPort, requests int) {
	t.Helper()
	var did []string
	var last trace.Event
	for _, e := range events {
		if e.Peer != peer || e.Op == trace.Task || e.Tries > 0 || e.Error != "" {
			continue
		}
		if e.Op == trace.Read && e.N == 0 { // the end of the stream
			continue
		}
		// That a client was accepted is known to a task only when it has begun to run.
		told := e.How == trace.Told || last.How == trace.Told
		if last.Op != "" && e.Start < last.End && !told {
			t.Errorf("%s begins at %d, %s ended at %d", e.Op, e.Start, last.Op, last.End)
		}
		if e.Start > e.End || e.PID <= 0 || e.Row == "" {
			t.Errorf("recorded %+v", e)
		}
		if e.Op != trace.Start {
			did = append(did, string(e.Op))
		}
		last = e
	}
	want := append([]string{"accept"}, slices.Repeat([]string{"read", "compute", "write"},
		requests)...)
	if !slices.Equal(did, want) {
		t.Errorf("client %v: recorded %s, want %s", peer, strings.Join(did, " "),
			strings.Join(want, " "))
	}
}

// TestWaitForUpstreamIsRecorded, of each request, and lasts as long as it is said to.
func TestWaitForUpstreamIsRecorded(t *testing.T) {
	const wait = 3_000_000
	forEach(t, traced(), func(t *testing.T, v variant) {
		file := filepath.Join(t.TempDir(), "events")
		s := start(t, v, launch{Config: models.Config{Trace: file, Wait: wait}})
		c, err := dial(s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for range 2 {
			if err := exchange(c, []byte("milk")); err != nil {
				t.Fatal(err)
			}
		}
		s.stop(t)
		events, err := trace.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		sleeps := 0
		for _, e := range events {
			if e.Op != trace.Sleep {
				continue
			}
			sleeps++
			// The time between the two clocks that are read for it may be missing.
			if lasted := e.End - e.Start; lasted < wait-wait/100 {
				t.Errorf("a wait of %d ns lasted %d", wait, lasted)
			}
		}
		if sleeps != 2 {
			t.Errorf("%d waits are recorded, want 2", sleeps)
		}
	})
}

// TestTraceThatCannotBeWritten keeps a server from beginning, and it says why.
func TestTraceThatCannotBeWritten(t *testing.T) {
	model, err := models.Lookup("streams")
	if err != nil {
		t.Fatal(err)
	}
	v := variant{model: model}
	s := try(t, v, launch{Config: models.Config{Trace: filepath.Join(t.TempDir(), "no", "where")}})
	if exit := s.wait(t); exit != 1 {
		t.Errorf("it ended with %d", exit)
	}
	if s.out.String() != "" {
		t.Errorf("it said %q", s.out.String())
	}
	const said = "serve streams: record events: open "
	if text := s.log.String(); !strings.HasPrefix(text, said) ||
		!strings.Contains(text, "no such file or directory") {
		t.Errorf("it said %q", text)
	}
}

// TestServerWithoutTraceAllocatesNothingForIt: its hooks look, and return.
func TestServerWithoutTraceAllocatesNothingForIt(t *testing.T) {
	if n := testing.AllocsPerRun(1000, models.UntracedHooks()); n != 0 {
		t.Errorf("the hooks of a server that is not traced allocate %v times", n)
	}
}
