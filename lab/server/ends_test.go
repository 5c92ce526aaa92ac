package server

import (
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
)

// TestServerThatEndsByItself has failed, whatever its exit status says.
func TestServerThatEndsByItself(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	for script, want := range map[string]string{
		"echo enough >&2; exit 0": "the server ended by itself, with exit status 0; it said: enou",
		"exit 6":                  "the server ended with exit status 6",
		"kill -TERM $$":           "the server ended with signal: terminated",
		"sleep 9 &":               "the server left a process behind",
	} {
		p, _, err := launch([]string{"/bin/sh", "-c", script}, Config{})
		if err != nil {
			t.Fatal(err)
		}
		<-p.ended
		if err := p.End(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
		if err := p.End(); err == nil {
			t.Errorf("%s: at the second look nothing is wrong", script)
		}
	}
}

// TestEndedWaits for a server that is about to end, and not longer for one that stays.
func TestEndedWaits(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	p, out, err := launch([]string{"/bin/sh", "-c", "read line; exit 0"}, Config{})
	if err != nil {
		t.Fatal(err)
	}
	watch(out)
	if p.Ended(time.Millisecond) {
		t.Error("a server that waits has ended")
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if !p.Ended(time.Minute) {
		t.Error("a server that was killed has not ended")
	}
	if err := p.End(); err == nil || !strings.Contains(err.Error(), "ended with signal: killed") {
		t.Errorf("%v", err)
	}
}
