package lab_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
	"github.com/kettle-go/kettle/lab/results"
)

// generated is a run in which a shell script is the load generator of a good server, which comes a
// second time with the lab's own. The script's arguments are all that can be asked.
func generated(t *testing.T, script string) lab.Config {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	cfg := small(servers(t, "good"))
	cfg.Pace, cfg.Idle = 0, 0
	own := cfg.Servers[0]
	own.Name = "own"
	cfg.Servers[0].Client = []string{"/bin/sh", "-c", script, "sh", "{addr}", "{conns}", "{size}",
		"{depth}", "{warmup}", "{window}"}
	cfg.Servers = append(cfg.Servers, own)
	return cfg
}

// TestAnotherGeneratorsFigures are those that it tells, and compared with the lab's own.
func TestAnotherGeneratorsFigures(t *testing.T) {
	var said strings.Builder
	cfg := generated(t, `echo "asked for $1 $2 $3 $4 $5 $6" >&2
		echo "answered 5000 messages in 0.250000 s with 0.100000 s of CPU"`)
	cfg.Stderr, cfg.Rounds = &said, 2
	r, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(said.String(), "asked for 127.0.0.1:") ||
		!strings.Contains(said.String(), " 4 32 1 5 40\n") {
		t.Errorf("it was asked: %q", &said)
	}
	f := r.Figures(r.Servers[0], results.Saturated)
	if f.Rate == nil || *f.Rate != 20_000 || f.Generator == nil || *f.Generator != 0.4 ||
		f.CPU != nil || f.Latency != nil || f.RateRatio != nil {
		t.Errorf("the figures are %+v", f)
	}
	f = r.Figures(r.Servers[1], results.Saturated)
	if f.RateRatio == nil || f.RateRatio.N != 2 || f.RateRatio.Median <= 0 {
		t.Errorf("the lab's own: the ratio of the rates is %+v", f.RateRatio)
	}
	again := r.Figures(r.Servers[2], results.Saturated)
	if again.RateRatio == nil || again.RateRatio.Low != 1 || again.RateRatio.High != 1 {
		t.Errorf("against itself the ratio of the rates is %+v", again.RateRatio)
	}
}

// TestAnotherGeneratorThatFails has a row with the reason, and the run goes on.
func TestAnotherGeneratorThatFails(t *testing.T) {
	const good = `echo "answered 1 messages in 1.0 s with 1.0 s of CPU"`
	for script, want := range map[string]string{
		"echo a wrong byte >&2; exit 1": "load by /bin/sh: exit status 1; it said: a wrong byte",
		good + "; exit 3":               "load by /bin/sh: exit status 3",
		"kill -KILL $$":                 "load by /bin/sh: signal: killed",
		"echo enough":                   `load by /bin/sh: it says "enough", not "answered N me`,
		"true":                          `load by /bin/sh: it says "", not "answered N messages`,
		"echo answered 1 messages in 0.0 s with 0 s of CPU": `it says "answered 1 messages in 0`,
		"echo answered 1 messages in Inf s with 0 s of CPU": `it says "answered 1 messages in I`,
	} {
		r, err := run(t, generated(t, script))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
		rows := r.Summaries()
		if len(rows[0].Errors) != 1 || len(rows[1].Errors) != 0 || rows[1].Rate == nil {
			t.Errorf("%s: the rows are %+v", script, rows)
		}
	}
}

func TestAnotherGeneratorIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := generated(t, "echo begun >&2; exec sleep 60")
	cfg.Servers, cfg.Stderr = cfg.Servers[:1], cancelling{cancel}
	began := time.Now()
	r, err := lab.Run(ctx, cfg)
	noneLeft(t)
	took := time.Since(began)
	if !errors.Is(err, context.Canceled) || len(r.Visits) != 0 || took > time.Minute/2 {
		t.Errorf("%d visits after %v: %v", len(r.Visits), took, err)
	}
}

// TestAnotherGeneratorOnlySaturates: what it cannot be asked for is wrong usage.
func TestAnotherGeneratorOnlySaturates(t *testing.T) {
	for name, change := range map[string]func(*lab.Config){
		"no window": func(c *lab.Config) { c.Saturate, c.Churn = 0, time.Second },
		"pace":      func(c *lab.Config) { c.Pace = time.Second },
		"churn":     func(c *lab.Config) { c.Churn = time.Second },
		"silence":   func(c *lab.Config) { c.Idle = time.Second },
		"idle ones": func(c *lab.Config) { c.IdleConns = 1 },
	} {
		cfg := generated(t, "true")
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if err := cfg.Validate(); err == nil ||
			!strings.Contains(err.Error(), "has a load generator of its own") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
