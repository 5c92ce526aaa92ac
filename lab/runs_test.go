package lab_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/meter"
	"github.com/kettle-go/kettle/lab/results"
)

// run measures, and checks that no process is left.
func run(t *testing.T, cfg lab.Config) (*lab.Report, error) {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	r, err := lab.Run(t.Context(), cfg)
	noneLeft(t)
	return r, err
}

// noneLeft fails the test if a process that this one has started is there.
func noneLeft(t *testing.T) {
	t.Helper()
	m := meter.New(os.Getpid())
	err := m.Refresh()
	s, sampleErr := m.Sample()
	if err = errors.Join(err, sampleErr); errors.Is(err, errors.ErrUnsupported) {
		return // this system does not show them
	}
	if err != nil || s.Processes != 1 {
		t.Errorf("%d processes are left: %v", s.Processes-1, err)
	}
}

func TestFaithfulServersAreMeasured(t *testing.T) {
	var lines bytes.Buffer
	var begun, told int
	cfg := small(servers(t, "good", "fine"))
	cfg.Rounds, cfg.Record = 2, results.NewWriter(&lines).Write
	cfg.Begin = func(_ results.Machine, visits int) { begun = visits }
	cfg.Progress = func(results.Visit) { told++ }
	r, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if begun != 3 || told != 6 || len(r.Visits) != 6 || r.Elapsed <= 0 {
		t.Errorf("begun with %d visits in a round, told of %d, %d in the report, %v", begun, told,
			len(r.Visits), r.Elapsed)
	}
	for _, s := range r.Summaries() {
		if s.Served != 4 || s.Rounds != 2 || s.Lost != 0 || len(s.Errors) != 0 ||
			s.Rate == nil || *s.Rate <= 0 || s.Latency.TotalCount() == 0 ||
			s.Answered == nil || *s.Answered < 0.1 {
			t.Errorf("the row of %s: %+v", s.Server.Name, s)
		}
	}
	for _, v := range r.Visits {
		if idle := v.IdleCPU != nil; idle && v.Round != 1 {
			t.Errorf("%s has a silent window in round %d", v.Server, v.Round)
		}
		if v.ConnBytes != nil {
			t.Errorf("%s has %g bytes for each of %d connections: too few to tell", v.Server,
				*v.ConnBytes, v.Served)
		}
	}
	var text strings.Builder
	if err := r.WriteTable(&text, 0); err != nil || !strings.Contains(text.String(), "good again") {
		t.Errorf("the table: %v\n%s", err, &text)
	}
	parseBack(t, lines.String(), r.Visits)
}

// parseBack reads the lines of a run: they have every figure of its visits.
func parseBack(t *testing.T, text string, want []*results.Visit) {
	t.Helper()
	set, err := results.Read(strings.NewReader(`{"run":{"version":1}}` + "\n" + text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, set.Visits, cmpopts.EquateEmpty(),
		cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("what was measured (-) is not what the lines say (+):\n%s", diff)
	}
	if n := strings.Count(text, "\n"); n != len(want) {
		t.Errorf("%d lines for %d visits", n, len(want))
	}
}

func TestFiguresOfTheSystem(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Proc)
	cfg := small(servers(t, "good"))
	cfg.Conns = 10 // fewer do not show what one of them needs
	r, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	v := r.Visits[0]
	if v.Unsupported != "" || v.Saturated.CPUMicros == nil || v.Paced.CPUMicros == nil ||
		v.Paced.Switches == nil || v.ConnBytes == nil || v.IdleCPU == nil || v.Processes != 1 ||
		v.Threads < 1 {
		t.Errorf("on Linux every figure is known: %+v", v)
	}
	if *v.Saturated.CPUMicros <= 0 || *v.IdleCPU < 0 || *v.IdleCPU > 1 {
		t.Errorf("the figures of %s: %v µs, idle %v, %v bytes", v.Server, *v.Saturated.CPUMicros,
			*v.IdleCPU, *v.ConnBytes)
	}
}

// TestFaults: each has its own words, in the row and in the error, and no run hangs.
func TestFaults(t *testing.T) {
	for kind, want := range map[string]string{
		"wrong":    "wrong byte in an answer",
		"crashes":  "the server ended with exit status 3; it said: out of water",
		"closes":   "no connection is being served",
		"deaf":     "no connection is being served",
		"exits":    "does not say where it listens: exit status 4; it said: no kettle here",
		"garbage":  `its first line is "good morning", not "listening on HOST:PORT"`,
		"endless":  `its first line is "zzzz`,
		"closed":   "does not say where it listens: exit status 0",
		"mute":     "does not listen after 300ms",
		"stubborn": "the server did not end in 300ms",
		"missing":  "start missing: ",
		"orphans":  "the server left a process behind",
	} {
		t.Run(kind, func(t *testing.T) {
			cfg := small(servers(t, kind))
			switch kind {
			case "mute":
				cfg.Start = 300 * time.Millisecond
			case "stubborn":
				cfg.Stop = 300 * time.Millisecond
			case "deaf":
				cfg.Greet = 50 * time.Millisecond
			case "missing":
				cfg.Servers[0].Command = []string{t.TempDir() + "/missing"}
			case "orphans":
				t.Setenv(anchorVariable, anchor(t))
			}
			r, err := lab.Run(t.Context(), cfg)
			if kind != "orphans" {
				noneLeft(t)
			}
			if err == nil || !strings.Contains(err.Error(), want) ||
				!strings.HasPrefix(err.Error(), kind+": ") {
				t.Fatalf("the error is %v, want %q", err, want)
			}
			row := r.Summaries()[0]
			if len(row.Errors) != 1 || !strings.Contains(row.Errors[0], want) {
				t.Errorf("the row's errors are %q, want %q", row.Errors, want)
			}
			if wrong := r.Visits[0].WrongByte; wrong != (kind == "wrong") ||
				wrong != errors.Is(err, load.ErrWrongByte) {
				t.Errorf("a wrong byte: %v, %v", wrong, err)
			}
			if err := r.WriteTable(io.Discard, 0); err != nil {
				t.Error(err)
			}
		})
	}
}

// anchor returns an address where connections stay until the test ends.
func anchor(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var open []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				break
			}
			open = append(open, c)
		}
		for _, c := range open {
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// TestOthersAreStillMeasured when one server fails; the first error is the run's.
func TestOthersAreStillMeasured(t *testing.T) {
	cfg := small(servers(t, "good", "wrong"))
	r, err := run(t, cfg)
	if !errors.Is(err, load.ErrWrongByte) {
		t.Errorf("the run with a wrong byte: %v", err)
	}
	rows := r.Summaries()
	if len(rows) != 3 || rows[0].Rate == nil || len(rows[0].Errors) != 0 || rows[2].Rate == nil {
		t.Errorf("the rows of the others: %+v", rows)
	}
}

// TestConnectionsThatAreNotServedAreAResult: a server may have a limit.
func TestConnectionsThatAreNotServedAreAResult(t *testing.T) {
	r, err := run(t, small(servers(t, "refuses")))
	if err != nil {
		t.Fatal(err)
	}
	row := r.Summaries()[0]
	if row.Lost != 2 || !strings.Contains(row.First, "closed the connection") {
		t.Errorf("%d connections lost (%s), want 2 of 4", row.Lost, row.First)
	}
	var text strings.Builder
	if err := r.WriteTable(&text, 0); err != nil ||
		!strings.Contains(text.String(), "refuses: lost 2 connections; the first: connection ") {
		t.Errorf("the table: %v\n%s", err, &text)
	}
}

// TestServersThatGiveUpOnTheirClients: in the middle, which no limit explains. The figures of what
// was served are there.
func TestServersThatGiveUpOnTheirClients(t *testing.T) {
	for kind, want := range map[string]string{
		"halves":  "halves: it has ended 2 connections on which it had answered; the first: conn",
		"stops":   "it has stopped answering: at the end of a window it owed answers on 4 connec",
		"starves": "it has stopped answering: at the end of a window it owed answers on 1 connec",
	} {
		t.Run(kind, func(t *testing.T) {
			r, err := run(t, small(servers(t, kind)))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			row := r.Summaries()[0]
			stops := kind == "stops"
			if row.Failed != 1 || row.Rate == nil || *row.Rate == 0 && !stops ||
				(row.Latency == nil) != stops {
				t.Errorf("the row is %+v", row)
			}
		})
	}
	cfg := small(servers(t, "stops"))
	cfg.Pace = 0
	_, err := run(t, cfg)
	if err == nil || !strings.Contains(err.Error(), "it owed answers on 4 connections") {
		t.Errorf("in its last window: %v", err)
	}
}

// sequence returns the order of the visits of a run whose servers end at once.
func sequence(t *testing.T, seed uint64) []string {
	t.Helper()
	cfg := small(servers(t, "exits"))
	for _, name := range []string{"b", "c", "d"} {
		cfg.Servers = append(cfg.Servers, lab.Server{Name: name, Command: cfg.Servers[0].Command})
	}
	cfg.Rounds, cfg.Seed = 3, seed
	r, err := run(t, cfg)
	if err == nil {
		t.Error("servers that end at once have been measured")
	}
	var names []string
	for i, v := range r.Visits {
		if v.Round != i/5+1 {
			t.Errorf("visit %d is of round %d", i, v.Round)
		}
		name := v.Server
		if v.Again {
			name += " again"
		}
		names = append(names, name)
	}
	return names
}

func TestRoundsAreShuffledBySeed(t *testing.T) {
	one := sequence(t, 1)
	if again := sequence(t, 1); !slices.Equal(one, again) {
		t.Errorf("the same seed gives %v and %v", one, again)
	}
	if two := sequence(t, 2); slices.Equal(one, two) {
		t.Errorf("two seeds give %v", one)
	}
	if len(one) != 15 {
		t.Fatalf("%d visits, want 3 rounds of 4 servers and the reference again: %v", len(one), one)
	}
	whole := []string{"b", "c", "d", "exits", "exits again"}
	for round := range 3 {
		got := slices.Sorted(slices.Values(one[5*round : 5*round+5]))
		if !slices.Equal(got, whole) {
			t.Errorf("round %d has %v", round+1, got)
		}
	}
	if slices.Equal(one[:5], one[5:10]) && slices.Equal(one[5:10], one[10:]) {
		t.Errorf("every round has the order %v", one[:5])
	}
}

func TestCancelledRunKeepsWhatItHas(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cfg := small(servers(t, "good"))
	cfg.Rounds = 1000
	cfg.Progress = func(v results.Visit) {
		if v.Round == 2 {
			cancel(enough)
		}
	}
	r, err := lab.Run(ctx, cfg)
	noneLeft(t)
	if !errors.Is(err, enough) || len(r.Visits) != 2 || r.Elapsed <= 0 {
		t.Fatalf("cancelled after two visits: %d visits, %v", len(r.Visits), err)
	}
	if row := r.Summaries()[0]; row.Rounds != 2 || len(row.Errors) != 0 {
		t.Errorf("the row: %+v", row)
	}
}

// cancelling cancels with the first thing that a server says.
type cancelling struct{ cancel context.CancelFunc }

func (c cancelling) Write(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}

// TestCancelledInTheMiddleOfAVisit: while a server starts.
func TestCancelledInTheMiddleOfAVisit(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := small(servers(t, "mute"))
	cfg.Stderr = cancelling{cancel}
	began := time.Now()
	r, err := lab.Run(ctx, cfg)
	noneLeft(t)
	if !errors.Is(err, context.Canceled) || len(r.Visits) != 0 {
		t.Errorf("cancelled while the server starts: %d visits, %v", len(r.Visits), err)
	}
	if took := time.Since(began); took > cfg.Start/2 {
		t.Errorf("it took %v to give up", took)
	}
}

// broken is a file system that is full.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestResultsThatCannotBeWritten(t *testing.T) {
	cfg := small(servers(t, "good"))
	cfg.Rounds, cfg.Record = 1000, results.NewWriter(broken{}).Write
	r, err := run(t, cfg)
	if !errors.Is(err, io.ErrShortWrite) || len(r.Visits) != 1 {
		t.Fatalf("%d visits and the error %v, want one and a short write", len(r.Visits), err)
	}
	if err := r.WriteTable(broken{}, 0); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("the table: %v", err)
	}
}
