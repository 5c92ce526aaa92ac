package timeline_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/timeline"
	"github.com/kettle-go/kettle/models"
)

// record records a model with clients that pause for long, so that what happens is in the order in
// which it is meant to, on whatever machine.
func record(t *testing.T, m models.Model, clients int) *timeline.Recording {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	if m.Selector != "" {
		testenv.Need(t, testenv.Rings)
	}
	cfg := served(m.Name, clients)
	cfg.Think, cfg.Gap = long, long/10
	rec, err := timeline.Record(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// first returns the first event of a client that is of that kind.
func first(rec *timeline.Recording, client int, op string) (timeline.Event, bool) {
	i := slices.IndexFunc(rec.Events, func(e timeline.Event) bool {
		return e.Client == client && e.Op == op && e.Tries == 0
	})
	if i < 0 {
		return timeline.Event{}, false
	}
	return rec.Events[i], true
}

// TestEveryModel: what is recorded of each client is what it saw, in the right order. Only in the
// blocking model the second client's first read begins when the first client has left, and with a
// call that waits the read began before its client spoke.
func TestEveryModel(t *testing.T) {
	t.Parallel()
	for _, m := range models.All() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			rec := record(t, m, 2)
			for client := range rec.Clients {
				checkClient(t, rec, client+1)
			}
			left := rec.Clients[0].Left
			read, ok := first(rec, 2, "read")
			if late := read.Start >= left; !ok || late != (m.Name == "blocking") {
				t.Errorf("the second client's first read begins at %v, the first has left at %v",
					read.Start, left)
			}
			checkReads(t, rec, m)
			checkPictures(t, rec)
		})
	}
}

// checkClient checks what was recorded of a client against what the client saw.
func checkClient(t *testing.T, rec *timeline.Recording, client int) {
	t.Helper()
	c := rec.Clients[client-1]
	var did []string
	var reads []timeline.Event
	for _, e := range rec.Events {
		if e.Client != client || e.Tries > 0 || e.Op == "task" || e.Op == "start" ||
			e.Op == "read" && e.N == 0 {
			continue
		}
		did = append(did, e.Op)
		if e.Op == "read" {
			reads = append(reads, e)
		}
		if e.Lane >= len(rec.Lanes) || e.End < e.Start || e.Start > rec.Length {
			t.Errorf("recorded %+v", e)
		}
	}
	const want = "accept read compute write read compute write"
	if got := strings.Join(did, " "); got != want {
		t.Fatalf("client %d: %s, want %s", client, got, want)
	}
	accept, _ := first(rec, client, "accept")
	if accept.End > c.Requests[0].Answered {
		t.Errorf("client %d is accepted at %v, and answered at %v", client, accept.End,
			c.Requests[0].Answered)
	}
	for i, q := range c.Requests {
		if end := reads[i].End; end < q.Sent || end > q.Answered || q.Sent < c.Connected {
			t.Errorf("client %d: connected at %v, sent at %v, read at %v, answered at %v", client,
				c.Connected, q.Sent, end, q.Answered)
		}
	}
}

// checkReads checks what is told of how reads wait.
func checkReads(t *testing.T, rec *timeline.Recording, m models.Model) {
	t.Helper()
	reads := rec.Reads()
	if len(reads) != 4 {
		t.Fatalf("%d reads, want that of each of 4 requests", len(reads))
	}
	would := rec.WouldBlocks()
	foreign := slices.Contains([]string{"goroutines", "protocol", "streams", "uring"}, m.Name)
	if would.Seen == foreign {
		t.Errorf("that its reads show is %v", would.Seen)
	}
	for i, r := range reads {
		second := r.Pause > long/2
		switch {
		case m.Blocking:
			if second && (r.Early <= 0 || r.Lasted < r.Early || r.Tries > 0) {
				t.Errorf("read %d waits for a client that pauses, and has %+v", i, r)
			}
		case m.Name == "polling":
			if second && (r.Tries < 10 || r.Each <= 0 || r.Each > r.Pause/10 || r.Early > 0) {
				t.Errorf("read %d is tried while its client pauses, and has %+v", i, r)
			}
		case !foreign:
			if r.Early > 0 || r.Tries > 1 {
				t.Errorf("read %d of what is ready waits, or has to be tried: %+v", i, r)
			}
		}
		if r.Bytes == 0 || r.Lasted <= 0 && r.How != "told" {
			t.Errorf("read %d: %+v", i, r)
		}
	}
	switch polls := m.Name == "polling"; {
	case !would.Seen && would.Tries+would.Reads > 0:
		t.Errorf("of reads that do not show, there are %+v", would)
	case would.Seen && would.Reads < 4:
		t.Errorf("of 4 reads, there are %+v", would)
	case polls != (would.Tries > would.Reads):
		t.Errorf("it has polled: %v, and %+v", polls, would)
	}
}

// checkPictures checks that a recording can be shown, also after it was kept.
func checkPictures(t *testing.T, rec *timeline.Recording) {
	t.Helper()
	line, err := json.Marshal(rec)
	if err != nil {
		t.Fatal(err)
	}
	if len(line) > 64<<10 || len(rec.Events) > 500 {
		t.Errorf("the recording has %d events in %d bytes", len(rec.Events), len(line))
	}
	var kept timeline.Recording
	if err := json.Unmarshal(line, &kept); err != nil {
		t.Fatal(err)
	}
	if text := kept.Text(80, false); text != rec.Text(80, false) || text == "" {
		t.Errorf("a recording that was kept is shown as\n%s", text)
	}
	if text, err := kept.KernelText(80, false); err != nil || !strings.Contains(text, "kernel") {
		t.Errorf("the kernel's side is %q, %v", text, err)
	}
	wellFormed(t, kept.SVG(timeline.Drawing{}))
	picture, err := kept.KernelSVG(timeline.Drawing{Width: 640})
	if err != nil {
		t.Error(err)
	}
	wellFormed(t, picture)
}

// TestWaitForUpstream shows as what the whole thread does in a model that blocks, and not at all
// in the lane of one that does not.
func TestWaitForUpstream(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	for name, alone := range map[string]bool{"blocking": true, "selectors": false} {
		cfg := served(name, 1)
		cfg.Think, cfg.Wait = 20*time.Millisecond, 30*time.Millisecond
		cfg.Command = append(cfg.Command, cfg.Wait.String())
		rec, err := timeline.Record(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		sleep, ok := first(rec, 1, "sleep")
		if !ok || sleep.End-sleep.Start < cfg.Wait-time.Millisecond {
			t.Errorf("%s: it waits for upstream: %+v", name, sleep)
		}
		if q := rec.Clients[0].Requests[0]; q.Answered-q.Sent < cfg.Wait {
			t.Errorf("%s: a request is answered after %v", name, q.Answered-q.Sent)
		}
		if blocks := sleep.How == "blocks"; blocks != alone {
			t.Errorf("%s: its thread waits with it: %v", name, blocks)
		}
		if !strings.Contains(rec.Text(80, false), "each request waits 30 ms for upstream") {
			t.Errorf("%s: the text does not tell that requests wait:\n%s", name,
				rec.Text(80, false))
		}
	}
}
