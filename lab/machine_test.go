package lab_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// bindings returns the CPUs that the threads of this process may run on, each set once.
func bindings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(files) == 0 {
		t.Fatalf("the threads of this process: %v, %v", files, err)
	}
	var sets []string
	for _, file := range files {
		text := allowed(file)
		if _, set, ok := strings.Cut(text, ":"); ok && !strings.Contains(text, "no such") {
			sets = append(sets, strings.TrimSpace(set))
		}
	}
	slices.Sort(sets)
	return slices.Compact(sets)
}

// cpus parses "0-2,5".
func cpus(t *testing.T, set string) []int {
	t.Helper()
	var all []int
	for part := range strings.SplitSeq(set, ",") {
		low, high, ranged := strings.Cut(part, "-")
		if !ranged {
			high = low
		}
		from, err := strconv.Atoi(low)
		to, toErr := strconv.Atoi(high)
		if err = errors.Join(err, toErr); err != nil {
			t.Fatalf("the CPUs %q: %v", set, err)
		}
		for cpu := from; cpu <= to; cpu++ {
			all = append(all, cpu)
		}
	}
	return all
}

// TestServerAndLoadAreBoundToTheirCPUs while the run lasts, and not after it.
func TestServerAndLoadAreBoundToTheirCPUs(t *testing.T) {
	testenv.Need(t, testenv.Linux, testenv.Proc, testenv.TwoCPUs)
	before := bindings(t)
	var said strings.Builder
	cfg := small(servers(t, "scheduled"))
	cfg.Stderr = &said
	var during string
	cfg.Progress = func(results.Visit) { during = allowed("/proc/thread-self/status") }
	r, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Machine
	if len(m.ServerCPUs) != 1 || len(m.LoadCPUs) == 0 ||
		slices.Contains(m.LoadCPUs, m.ServerCPUs[0]) {
		t.Fatalf("servers on the CPUs %v, load on %v", m.ServerCPUs, m.LoadCPUs)
	}
	_, set, _ := strings.Cut(said.String(), ":")
	if got := cpus(t, strings.TrimSpace(set)); !slices.Equal(got, m.ServerCPUs) {
		t.Errorf("the server may run on %v, want %v", got, m.ServerCPUs)
	}
	_, during, _ = strings.Cut(during, ":")
	if !slices.Equal(cpus(t, strings.TrimSpace(during)), m.LoadCPUs) {
		t.Errorf("the load may run on %q, want %v", during, m.LoadCPUs)
	}
	if after := bindings(t); !slices.Equal(after, before) {
		t.Errorf("after the run the threads may run on %q, before on %q", after, before)
	}
}

// runLimited is a process that runs the lab itself, with a limit on its descriptors, and says
// what came of it.
func runLimited() int {
	program, err := os.Executable()
	if err != nil {
		return 5
	}
	cfg := small([]lab.Server{{Name: "good", Command: []string{program, "good"}}})
	cfg.Conns = 1000
	r, err := lab.Run(context.Background(), cfg)
	fmt.Println("error:", err)
	if r != nil {
		fmt.Println("conns:", r.Config.Conns)
		fmt.Println("served:", r.Summaries()[0].Served)
		fmt.Println(strings.Join(r.Machine.Notes, "\n"))
	}
	return 0
}

// limited runs the lab with so many descriptors.
func limited(t *testing.T, descriptors int) string {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	script := fmt.Sprintf("ulimit -n %d && exec \"$0\" limited", descriptors)
	cmd := exec.Command("/bin/sh", "-c", script, servers(t, "good")[0].Command[0])
	cmd.Env = append(os.Environ(), fakeVariable+"=1", "GORACE=atexit_sleep_ms=0")
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(text)
}

func TestConnectionsAreScaledToTheDescriptors(t *testing.T) {
	const limit = 120
	text := limited(t, limit)
	var conns, served int
	for line := range strings.Lines(text) {
		fmt.Sscanf(line, "conns: %d", &conns)
		fmt.Sscanf(line, "served: %d", &served)
	}
	if conns < limit/3 || conns >= limit || served != conns {
		t.Errorf("with %d descriptors %d connections, of which %d served", limit, conns, served)
	}
	note := fmt.Sprintf("connections: %d instead of 1000, as this process may hold no more", conns)
	if !strings.Contains(text, note) || !strings.Contains(text, "error: <nil>") {
		t.Errorf("the run says nothing like %q:\n%s", note, text)
	}
}

func TestTooFewDescriptors(t *testing.T) {
	const want = "error: lab: the limit on descriptors leaves room for no connection"
	if text := limited(t, 24); !strings.Contains(text, want) {
		t.Errorf("with hardly a descriptor: %q, want %q", text, want)
	}
}

func TestImpossibleConfigurations(t *testing.T) {
	good := func() lab.Config { return small(servers(t, "good", "fine")) }
	if err := good().Validate(); err != nil {
		t.Errorf("a possible one: %v", err)
	}
	for want, spoil := range map[string]func(*lab.Config){
		"no server to measure":         func(c *lab.Config) { c.Servers = nil },
		"a server has no name":         func(c *lab.Config) { c.Servers[1].Name = "" },
		"server fine has no command":   func(c *lab.Config) { c.Servers[1].Command = nil },
		"server good is given twice":   func(c *lab.Config) { c.Servers[1].Name = "good" },
		"reference tea is not among":   func(c *lab.Config) { c.Reference = "tea" },
		"0 rounds":                     func(c *lab.Config) { c.Rounds = 0 },
		"a rate of 0 ":                 func(c *lab.Config) { c.Rate = 0 },
		"a rate of NaN ":               func(c *lab.Config) { c.Rate = math.NaN() },
		"a rate of 1e+08 ":             func(c *lab.Config) { c.Rate = 1e8 },
		"0 connections":                func(c *lab.Config) { c.Conns = 0 },
		"messages of 0 bytes":          func(c *lab.Config) { c.Size = 0 },
		"requests of 1073741824 bytes": func(c *lab.Config) { c.Size = 1 << 30 },
		"-1 idle connections":          func(c *lab.Config) { c.IdleConns = -1 },
		"0 messages in flight":         func(c *lab.Config) { c.Depth = 0 },
		"a measured window must have": func(c *lab.Config) {
			c.Pace, c.Saturate, c.Idle = 0, 0, 0
		},
		"a time cannot be negative":        func(c *lab.Config) { c.Stop = -1 },
		"1000000 requests in flight: 1 to": func(c *lab.Config) { c.Depth = 1e6 },
	} {
		cfg := good()
		spoil(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate: %v, want %q", err, want)
		}
		if r, err := lab.Run(t.Context(), cfg); err == nil || r != nil {
			t.Errorf("it was run, with %q: %v", want, err)
		}
	}
	for _, cfg := range []lab.Config{lab.Normal(), lab.Quick()} {
		cfg.Servers = good().Servers
		if err := cfg.Validate(); err != nil {
			t.Errorf("the sizes of an ordinary run: %v", err)
		}
	}
}
