package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

func TestWrongUsage(t *testing.T) {
	for args, want := range map[string]string{
		"-workloads tea":               `unknown workload "tea": there is ping-1, `,
		"-servers Apache":              `unknown server "Apache": there is C epoll, `,
		"-server mine":                 "want NAME=COMMAND",
		"-server mine=":                "want NAME=COMMAND",
		"-server netpoll=./x":          `server "netpoll" is given twice`,
		"-rounds 0":                    "must be more than nothing",
		"-duration 0s":                 "must be more than nothing",
		"-rounds":                      "flag needs an argument",
		"-frobnicate":                  "flag provided but not defined",
		"more":                         `unexpected argument "more"`,
		"-server a=./x -server a=./y":  `server "a" is given twice`,
		"-workloads ping-1,ping-100,-": `unknown workload "-"`,
		"-client -workloads rate-5k":   "workload rate-5k: the client in C only saturates",
		"-client -workloads crowd":     "workload crowd: the client in C only saturates",
		"-client -servers netpoll":     "-client compares load generators",
		"-client -server a=./x":        "-client compares load generators",
	} {
		var out, said bytes.Buffer
		code := run(t.Context(), strings.Fields(args), &out, &said)
		if code != 2 || !strings.Contains(said.String(), want) || out.Len() > 0 {
			t.Errorf("bench %s: %d: %s; want %q", args, code, &said, want)
		}
	}
}

// TestEveryWorkloadIsPossible, at any length of its window.
func TestEveryWorkloadIsPossible(t *testing.T) {
	o, err := parse([]string{"-duration", "1ms", "-rounds", "3"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.workloads) != len(workloads()) || len(o.workloads) < 13 {
		t.Errorf("%d workloads of %d", len(o.workloads), len(workloads()))
	}
	servers := []lab.Server{{Name: "x", Command: []string{"x"}},
		{Name: reference, Command: []string{"y"}}}
	for _, w := range o.workloads {
		cfg := w.config(o, servers)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", w.name, err)
		}
		if cfg.Reference != reference || cfg.Rounds != 3 {
			t.Errorf("%s is compared with %s in %d rounds", w.name, cfg.Reference, cfg.Rounds)
		}
		if cfg = w.config(o, servers[:1]); cfg.Reference != "x" {
			t.Errorf("%s without the reference is compared with %s", w.name, cfg.Reference)
		}
	}
}

// TestAComparisonOfTwo runs all of it, in small: Go's net and a server that is given, and one that
// does not start.
func TestAComparisonOfTwo(t *testing.T) {
	testenv.NotShort(t)
	testenv.Need(t, testenv.Unix, testenv.GoCommand)
	w, err := newWorkshop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	mine, err := w.goBuild("bench/gonet", ".")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "results")
	args := []string{"-servers", "Go net,mine,broken", "-server", "mine=" + mine + " {addr}",
		"-server", "broken=" + mine, "-workloads", "ping-1,rate-5k", "-rounds", "2",
		"-duration", "20ms", "-json", file}
	var out, said bytes.Buffer
	if code := run(t.Context(), args, &out, &said); code != 1 {
		t.Errorf("it ended with %d, want 1, as a server is broken", code)
	}
	for _, want := range []string{"\nping-pong: 1 connection, 64 bytes (ping-1)\n", "\nGo net  ",
		"\nGo net again  ", "\nmine  ", "\nbroken  ", "broken: start broken: ",
		"CPU per message, as a ratio to Go net in the same round: medians\n", " in all\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, &out)
		}
	}
	if !strings.Contains(said.String(), "bench: ping-1: broken: start broken: ") {
		t.Errorf("what was wrong: %s", &said)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	set, err := results.Read(bytes.NewReader(text))
	if err != nil || len(set.Visits) != 2*2*4 || set.Visits[0].Workload != "ping-1" {
		t.Errorf("the results: %v\n%s", err, text)
	}
	out.Reset()
	code := run(t.Context(), append(args, "-list"), &out, &said)
	if code != 0 || !strings.Contains(out.String(), "  ping-1 ") ||
		!strings.Contains(out.String(), "\n  mine\n") {
		t.Errorf("the list: %d\n%s", code, &out)
	}
}

// TestWhatAToolSaysIsToldInALine: the one that has the error in it.
func TestWhatAToolSaysIsToldInALine(t *testing.T) {
	for text, want := range map[string]string{
		"In a file:\nx.c:1:10: fatal error: no uv.h\n  1 | #include\ndone\n": "" +
			"x.c:1:10: fatal error: no uv.h",
		"Traceback\n  line 1\nModuleNotFoundError: No module named 'uvloop'\n": "" +
			"ModuleNotFoundError: No module named 'uvloop'",
		"": "",
	} {
		if got := telling(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
