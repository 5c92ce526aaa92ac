package lab_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/load"
	"github.com/kettle-go/kettle/lab/results"
)

// placed returns servers that are told where to listen, each as a shell runs it by that script,
// in which $0 is the program and $1 the kind.
func placed(t *testing.T, script string, kinds ...string) []lab.Server {
	t.Helper()
	all := servers(t, kinds...)
	for i, s := range all {
		all[i].Command = []string{"/bin/sh", "-c", script, s.Command[0], s.Command[1]}
	}
	return all
}

// gone fails the test if somebody listens where a server has said that it does.
func gone(t *testing.T, said string) {
	t.Helper()
	found := false
	for line := range strings.Lines(said) {
		addr, ok := strings.CutPrefix(strings.TrimSpace(line), "at ")
		if !ok {
			continue
		}
		found = true
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Errorf("somebody is left at %s", addr)
		}
	}
	if !found {
		t.Errorf("no server has said where it listens: %q", said)
	}
}

// TestServersThatAreToldWhereToListen are measured as those that tell, however they are started;
// all of their processes are, and end.
func TestServersThatAreToldWhereToListen(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Proc)
	for name, c := range map[string]struct {
		kind, script string
		processes    int
	}{
		"address":            {"good", `exec "$0" "$1" {addr}`, 1},
		"host and port":      {"good", `exec "$0" "$1" {host}:{port}`, 1},
		"below a shell":      {"good", `"$0" "$1" {addr}; exit $?`, 2},
		"behind a shell":     {"good", `"$0" "$1" {addr} & wait`, 2},
		"SIGTERM ends it":    {"uncaught", `exec "$0" "$1" {addr}`, 1},
		"and the shell says": {"uncaught", `"$0" "$1" {addr}; exit $?`, 2},
		"one that tells":     {"good", `exec "$0" "$1"`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			cfg := small(placed(t, c.script, c.kind))
			cfg.Stderr = &said
			if told := strings.Contains(c.script, "{"); cfg.Servers[0].Placed() != told {
				t.Errorf("Placed is %v", !told)
			}
			r, err := run(t, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if v := r.Visits[0]; v.Served != 4 || v.Processes != c.processes || v.Paced == nil {
				t.Errorf("it was measured: %+v, want %d processes", v, c.processes)
			}
			if cfg.Servers[0].Placed() {
				gone(t, said.String())
			}
		})
	}
}

// TestFaultsOfServersThatAreTold, each with its own words, and no run hangs.
func TestFaultsOfServersThatAreTold(t *testing.T) {
	const (
		plain  = `exec "$0" "$1" {addr}`
		early  = "start x: it ended before it listened on 127.0.0.1:"
		late   = "start x: it does not listen after 300ms on 127.0.0.1:"
		behind = `trap 'kill $!; wait; exit 0' TERM; "$0" "$1" {addr} & while :; do wait; done`
	)
	for name, c := range map[string]struct{ kind, script, want string }{
		"no such command":        {"good", `/no/such/server {addr}`, early},
		"says why":               {"good", `echo dry >&2; exit 7 {addr}`, "status 7; it said: dry"},
		"ends and listens not":   {"good", `exit 0 {addr}`, early},
		"listens elsewhere":      {"good", `exec "$0" "$1" 127.0.0.1:0 {addr}`, late},
		"never listens":          {"mute", plain, "; it said: thinking"},
		"wrong bytes":            {"wrong", plain, "wrong byte in an answer"},
		"closes early":           {"closes", plain, "no connection is being served"},
		"crashes":                {"crashes", plain, "ended with exit status 3; it said: "},
		"leaves":                 {"leaves", plain, "no connection is being served"},
		"does not end":           {"stubborn", plain, "the server did not end in 300ms"},
		"its child does not end": {"stubborn", behind, "the server did not end in 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			cfg := small(placed(t, c.script, c.kind))
			cfg.Servers[0].Name, cfg.Reference, cfg.Stderr = "x", "x", &said
			if strings.Contains(name, "listens") {
				cfg.Start = 300 * time.Millisecond
			}
			if strings.Contains(name, "not end") {
				cfg.Stop = 300 * time.Millisecond
			}
			r, err := run(t, cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("the error is %v, want %q", err, c.want)
			}
			if row := r.Summaries()[0]; len(row.Errors) != 1 || row.Failed != 1 {
				t.Errorf("the row: %+v", row)
			}
			if wrong := errors.Is(err, load.ErrWrongByte); wrong != (c.kind == "wrong") {
				t.Errorf("a wrong byte: %v", wrong)
			}
			if strings.Contains(said.String(), "at ") {
				gone(t, said.String())
			}
		})
	}
}

// TestCancelledWhileAServerIsAwaited: the run ends at once, and nothing is left.
func TestCancelledWhileAServerIsAwaited(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := small(placed(t, `exec "$0" "$1" {addr}`, "mute"))
	cfg.Stderr = cancelling{cancel}
	began := time.Now()
	r, err := lab.Run(ctx, cfg)
	noneLeft(t)
	if !errors.Is(err, context.Canceled) || len(r.Visits) != 0 {
		t.Errorf("cancelled while it is awaited: %d visits, %v", len(r.Visits), err)
	}
	if took := time.Since(began); took > cfg.Start/2 {
		t.Errorf("it took %v to give up", took)
	}
}

// checkCalls checks that the system calls of a server are there where they can be counted, and that
// their kinds add up. In windows as short as those of tests they may be of few messages.
func checkCalls(t *testing.T, name string, f lab.Figures) {
	t.Helper()
	if f.CPU == nil {
		return // there was no message
	}
	if counted := lab.CallsCounted() == nil; counted != (f.Calls != nil && f.CallKinds != nil) {
		t.Errorf("%s: calls can be counted: %v; they are %v, %v", name, counted, f.Calls,
			f.CallKinds)
		return
	}
	if f.Calls == nil {
		return
	}
	if sum := f.CallKinds.Total(); *f.Calls < 0.999*sum || *f.Calls > 1.001*sum {
		t.Errorf("%s: %g calls, and by kind %v: %g", name, *f.Calls, f.CallKinds, sum)
	}
}

// TestWindowsThatAreAskedFor, and no other: each kind by itself, with idle connections beside.
func TestWindowsThatAreAskedFor(t *testing.T) {
	for kind, ask := range map[results.Kind]func(c *lab.Config){
		results.Saturated: func(c *lab.Config) { c.Saturate = 20 * time.Millisecond },
		results.Paced:     func(c *lab.Config) { c.Pace = 20 * time.Millisecond },
		results.Churned:   func(c *lab.Config) { c.Churn = 20 * time.Millisecond },
	} {
		cfg := small(servers(t, "good", "fine"))
		cfg.IdleConns, cfg.CountCalls = 12, true
		var kept []results.Record
		cfg.Record = func(r results.Record) error { kept = append(kept, r); return nil }
		cfg.Saturate, cfg.Pace, cfg.Idle = 0, 0, 0
		ask(&cfg)
		r, err := run(t, cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range r.Servers {
			for k := results.Saturated; k <= results.Churned; k++ {
				f := r.Figures(s, k)
				if measured := f.Rate != nil; measured != (k == kind) {
					t.Errorf("%s in a run of kind %d: %+v of kind %d", s.Name, kind, f, k)
				}
			}
			f := r.Figures(s, kind)
			if f.Latency == nil || f.Generator == nil {
				t.Errorf("%s, kind %d: %+v", s.Name, kind, f)
			}
			checkCalls(t, s.Name, f)
		}
		for _, record := range kept {
			if record.Visit != nil || record.Counted == nil {
				t.Errorf("a visit in which calls were counted is kept as %+v", record)
			}
		}
		row := r.Summaries()[0]
		if row.Served != 16 || row.Conns != 16 || row.Rounds != 1 || r.Visits[0].IdleCPU != nil {
			t.Errorf("the row: %+v", row)
		}
	}
}
