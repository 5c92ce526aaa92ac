package switching_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab/switching"
)

// TestOtherProcessThatIsWrong gives an error that says how, and neither a hang nor a figure.
func TestOtherProcessThatIsWrong(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	const briefly = 300 * time.Millisecond
	for _, c := range []struct {
		what       string
		d          time.Duration
		begin, end time.Duration
		want       string
	}{
		{"exits", time.Hour, time.Minute, time.Minute,
			"the other process has ended: exit status 4; it said: no token here"},
		{"dies", time.Hour, time.Minute, time.Minute,
			"the other process has ended: exit status 3; it said: out of breath"},
		{"ends", time.Hour, time.Minute, time.Minute,
			"the other process has ended: exit status 0"},
		{"silent", time.Hour, briefly, time.Minute,
			"the other process does not answer in 300ms"},
		{"stays", short, time.Minute, briefly,
			"the other process has not ended in 300ms"},
		{"miscounts", time.Hour, time.Minute, time.Minute,
			"the token has been passed 2 times, and says 3: "},
	} {
		t.Run(c.what, func(t *testing.T) {
			fake(t, c.what)
			_, err := switching.MeasureProcesses(t.Context(), c.d, c.begin, c.end)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("the error is %v, want %s", err, c.want)
			}
		})
	}
}

// TestOtherProcessThatDoesNotAnswerIsCancelled at once.
func TestOtherProcessThatDoesNotAnswerIsCancelled(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	fake(t, "silent")
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := time.AfterFunc(short, func() { cancel(enough) })
	defer stop.Stop()
	if _, err := switching.Measure(ctx, switching.Processes, short); !errors.Is(err, enough) {
		t.Errorf("the error is %v", err)
	}
}

// TestProgramThatDoesNotKnowThatItIsThePartner would start itself without end.
func TestProgramThatDoesNotKnowThatItIsThePartner(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	t.Setenv(switching.PartnerVariable, "1")
	_, err := switching.Measure(t.Context(), switching.Processes, short)
	if err == nil || !strings.Contains(err.Error(), "main has not called RunPartner") {
		t.Errorf("the error is %v", err)
	}
}
