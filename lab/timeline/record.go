package timeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kettle-go/kettle/internal/trace"
	"github.com/kettle-go/kettle/lab/server"
)

// MostClients is how many clients can be told apart in a picture.
const MostClients = 9

// Config says what is recorded.
type Config struct {
	Name    string        // of the server
	Command []string      // as package server has it; {trace} stands for the file for its events
	Wait    time.Duration // that the server was told to wait for each request, for the record
	Clients int           // 1 to MostClients

	Gap   time.Duration // from one client's coming to the next one's; 0 is 4 ms
	Think time.Duration // for which a client pauses after each answer; 0 is 12 ms

	Stderr io.Writer // what the server says; may be nil
}

const (
	defaultGap   = 4 * time.Millisecond
	defaultThink = 12 * time.Millisecond
	requests     = 2                // of each client
	lead         = time.Millisecond // before the first client comes
	patience     = 15 * time.Second // beyond what the script takes one client after the other
)

// traceFile is what stands in a command for the file that the server writes its events to.
const traceFile = "{trace}"

// Validate returns an error that names the first value that is not possible.
func (c Config) Validate() error {
	switch {
	case c.Clients < 1 || c.Clients > MostClients:
		return fmt.Errorf("%d clients: 1 to %d are possible", c.Clients, MostClients)
	case min(c.Wait, c.Gap, c.Think) < 0:
		return errors.New("a time cannot be negative")
	case c.Wait > time.Second:
		return fmt.Errorf("a wait of %v: more than 1 s would be all that can be seen", c.Wait)
	case len(c.Command) == 0:
		return fmt.Errorf("server %s has no command", c.Name)
	case !strings.Contains(strings.Join(c.Command, " "), traceFile):
		return fmt.Errorf("server %s: its command has no place for %s", c.Name, traceFile)
	}
	return nil
}

// Record runs a server, has clients talk to it, and returns what happened. It takes as long as the
// clients and the server do, a second at the most for what is drawn best. The server must answer
// each byte in upper case.
func Record(ctx context.Context, cfg Config) (*Recording, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("timeline: %w", err)
	}
	cfg.Gap, cfg.Think = cmp.Or(cfg.Gap, defaultGap), cmp.Or(cfg.Think, defaultThink)
	rec, err := record(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("timeline of %s: %w", cfg.Name, err)
	}
	return rec, nil
}

func record(ctx context.Context, cfg Config) (*Recording, error) {
	dir, err := os.MkdirTemp("", "kettle-timeline-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "events")
	var command []string
	for _, word := range cfg.Command {
		command = append(command, strings.ReplaceAll(word, traceFile, file))
	}
	clock, err := trace.NewClock()
	if err != nil {
		return nil, err
	}
	p, err := server.Start(ctx, server.Config{Name: cfg.Name, Command: command,
		Stderr: cfg.Stderr})
	if err != nil {
		return nil, err
	}
	seen, err := play(ctx, cfg, clock, p.Addr())
	if err = errors.Join(err, p.End()); err != nil { // its events are written when it has ended
		return nil, err
	}
	events, err := trace.Load(file)
	if err != nil {
		return nil, err
	}
	rec := seen.recording(events)
	rec.Server, rec.Wait = cfg.Name, cfg.Wait
	for i := range rec.Clients {
		if _, ok := rec.accepted(i + 1); !ok {
			return nil, fmt.Errorf("its record does not say that client %d was accepted", i+1)
		}
	}
	return rec, nil
}
