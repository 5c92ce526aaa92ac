package timeline_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/timeline"
)

// TestFaults of a server are said, and end the recording.
func TestFaults(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	for kind, want := range map[string]string{
		"wrong":     `timeline of wrong: client 1: wrong answer "request 1 of client 1", want "REQ`,
		"rude":      "timeline of rude: client 1: no answer: ",
		"silent":    "timeline of silent: read recorded events: open ",
		"garbage":   ": line 1: invalid character",
		"forgetful": "timeline of forgetful: its record does not say that client 1 was accepted",
	} {
		rec, err := timeline.Record(t.Context(), served(kind, 1))
		if rec != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", kind, rec, err, want)
		}
	}
	cfg := served("nothing", 1)
	cfg.Command = []string{"/no/such/server", "{trace}"}
	if _, err := timeline.Record(t.Context(), cfg); err == nil || !strings.HasPrefix(err.Error(),
		"timeline of nothing: start nothing: ") {
		t.Errorf("a server that does not exist: %v", err)
	}
}

// TestCancelledWhileClientsWait ends at once, and says why.
func TestCancelledWhileClientsWait(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	cfg := served("deaf", 2)
	cfg.Stderr = writerFunc(func(p []byte) (int, error) {
		cancel(enough) // the server has a request, and will not answer it
		return len(p), nil
	})
	if _, err := timeline.Record(ctx, cfg); !errors.Is(err, enough) {
		t.Errorf("cancelled, it returned %v", err)
	}
}

// writerFunc is a writer.
type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

var _ io.Writer = writerFunc(nil)

// TestImpossibleConfigurations are refused before anything is started.
func TestImpossibleConfigurations(t *testing.T) {
	good := timeline.Config{Name: "good", Command: []string{"good", "{trace}"}, Clients: 3}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*timeline.Config){
		"0 clients: 1 to 9 are possible":  func(c *timeline.Config) { c.Clients = 0 },
		"10 clients: 1 to 9 are possible": func(c *timeline.Config) { c.Clients = 10 },
		"a time cannot be negative":       func(c *timeline.Config) { c.Wait = -1 },
		"more than 1 s":                   func(c *timeline.Config) { c.Wait = 2 * time.Second },
		"server good has no command":      func(c *timeline.Config) { c.Command = nil },
		"has no place for {trace}":        func(c *timeline.Config) { c.Command = c.Command[:1] },
	} {
		cfg := good
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		_, err := timeline.Record(t.Context(), cfg)
		if err == nil || !strings.HasPrefix(err.Error(), "timeline: ") {
			t.Errorf("recorded although %s: %v", want, err)
		}
	}
}
