package streamtest_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/streamtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func pipe(t *kettle.Task) (a, b *stream.Conn, err error) {
	a, b = stream.Pipe(t)
	return a, b, nil
}

// TestInMemory: with a clock that jumps, and what is ready at once in a shuffled order; and with an
// ordinary clock.
func TestInMemory(t *testing.T) {
	clock := kettle.Clock(func() loop.Clock { return looptest.NewClock() })
	t.Run("in order", func(t *testing.T) { streamtest.Run(t, pipe, clock) })
	t.Run("shuffled", func(t *testing.T) {
		streamtest.Run(t, pipe, clock, kettle.Seed(looptest.Seed(t)))
	})
	t.Run("real time", func(t *testing.T) { streamtest.Run(t, pipe) })
}

// connect returns both sides of a connection to a listener of its own: who has dialled is first.
func connect(t *kettle.Task, network, address string) (a, b *stream.Conn, err error) {
	ln, err := stream.Listen(t, network, address)
	if err != nil {
		return nil, nil, err
	}
	defer ln.Close()
	if a, err = stream.Dial(t, network, ln.Addr().String()); err != nil {
		return nil, nil, err
	}
	if b, err = ln.Accept(); err != nil {
		a.Abort()
	}
	return a, b, err
}

// N17: the same with each selector; with the best one alone under -short, and with one of each
// driver under the race detector.
func eachSelector(t *testing.T, make streamtest.Make) {
	names := selectors.Candidates()
	if testing.Short() {
		names = names[:1]
	}
	if race.Detector() { // which is for goroutines, and each driver has them in its own way
		names = []string{names[0], "io_uring"}
	}
	for _, name := range names {
		s, err := selectors.Open(name)
		if err != nil {
			t.Logf("without %s, which does not work here: %v", name, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			streamtest.Run(t, make, kettle.Backend(name), kettle.Seed(looptest.Seed(t)))
		})
	}
}

func TestTCP(t *testing.T) {
	eachSelector(t, func(t *kettle.Task) (a, b *stream.Conn, err error) {
		return connect(t, "tcp", "127.0.0.1:0")
	})
}

func TestUnixSockets(t *testing.T) {
	dir := t.TempDir()
	eachSelector(t, func(t *kettle.Task) (a, b *stream.Conn, err error) {
		return connect(t, "unix", filepath.Join(dir, "s"))
	})
}

// TestAcceptedSide: the side that was accepted is the first one here, which most checks look at.
func TestAcceptedSide(t *testing.T) {
	eachSelector(t, func(t *kettle.Task) (a, b *stream.Conn, err error) {
		b, a, err = connect(t, "tcp", "127.0.0.1:0")
		return a, b, err
	})
}
