package kettle_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/looptest"
)

// TestDrainAsks, and does not make: those who wait for it go on, the others finish what they do.
func TestDrainAsks(t *testing.T) {
	inAnyOrder(t, func(task *kettle.Task, clock *looptest.Clock) error {
		finished := 0
		return task.Group(func(g *kettle.Group) error {
			server := func(task *kettle.Task) error {
				err := task.AwaitDrain()
				return errors.Join(err, want("time", clock.Now(), time.Minute), task.AwaitDrain())
			}
			worker := func(task *kettle.Task) error {
				err := task.Sleep(time.Hour)
				finished++
				return err
			}
			err := errors.Join(start(g, server, server, worker), g.Sleep(time.Minute))
			if g.Draining() {
				t.Error("it drains before it is asked to")
			}
			g.Drain(2 * time.Hour)
			g.Drain(time.Second) // only the first time counts
			err = errors.Join(err, g.AwaitDrain(), want("draining", g.Draining(), true))
			return errors.Join(err, g.Sleep(time.Hour), want("finished", finished, 1))
		})
	})
}

// TestGraceIsOver: what has not ended by then is cancelled.
func TestGraceIsOver(t *testing.T) {
	for _, grace := range []time.Duration{time.Minute, 0, -time.Second} {
		clock := looptest.NewClock()
		err := kettle.Run(func(task *kettle.Task) error {
			task.Drain(grace)
			return task.Group(func(g *kettle.Group) error { return start(g, sleepLong) })
		}, kettle.Clock(clockOf(clock)))
		if !errors.Is(err, kettle.ErrGrace) || !errors.Is(err, context.Canceled) ||
			clock.Now() != max(grace, 0) {
			t.Errorf("after %v Run returns %v", clock.Now(), err)
		}
	}
}

// TestEndBeforeTheGraceIsOver: nobody waits for the rest of it.
func TestEndBeforeTheGraceIsOver(t *testing.T) {
	clock := looptest.NewClock()
	err := kettle.Run(func(task *kettle.Task) error {
		task.Drain(time.Hour)
		return task.AwaitDrain()
	}, kettle.Clock(clockOf(clock)))
	if err != nil || clock.Now() != 0 {
		t.Errorf("after %v Run returns %v", clock.Now(), err)
	}
}

// TestAwaitDrainIsCancelled, as every wait is.
func TestAwaitDrainIsCancelled(t *testing.T) {
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		err := task.WithTimeout(time.Minute, (*kettle.Task).AwaitDrain)
		task.Drain(time.Hour)
		return errors.Join(want("timed out", timedOut(err, time.Minute), true), task.AwaitDrain())
	})
}

// TestDrainOfAllLoops, whichever it was begun on.
func TestDrainOfAllLoops(t *testing.T) {
	var ready sync.WaitGroup
	ready.Add(3)
	err := kettle.Run(func(task *kettle.Task) error {
		if err := task.Blocking(func(context.Context) error {
			ready.Done()
			ready.Wait()
			return nil
		}); err != nil {
			return err
		}
		if task.Loop() == 1 {
			task.Drain(time.Hour)
		}
		return task.AwaitDrain()
	}, kettle.Loops(3))
	if err != nil {
		t.Error(err)
	}
}

// raise sends this process a signal.
func raise(signal syscall.Signal) error {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(signal)
	}
	return err
}

// K15: the first signal begins the drain, and nothing is cancelled; the second one cancels.
func TestDrainOnASignal(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	for _, loops := range []int{1, 2} {
		var told sync.WaitGroup // of the first signal
		told.Add(loops)
		err := kettle.Run(func(task *kettle.Task) error {
			if task.Loop() == 0 {
				if err := raise(syscall.SIGALRM); err != nil {
					return err
				}
			}
			if err := errors.Join(task.AwaitDrain(), task.Yield()); err != nil {
				return errors.Join(errors.New("the first signal has cancelled"), err)
			}
			told.Done()
			if task.Loop() == 0 {
				told.Wait()
				if err := raise(syscall.SIGALRM); err != nil {
					return err
				}
			}
			return task.Sleep(time.Hour)
		}, kettle.DrainOn(time.Hour, syscall.SIGALRM), kettle.Loops(loops))
		var cancelled *kettle.CancelError
		if !errors.As(err, &cancelled) || !errors.Is(err, kettle.ErrGrace) ||
			strings.Contains(err.Error(), "first") {
			t.Errorf("on %d loops Run returns %v", loops, err)
		}
	}
}

// TestDrainOnIsOutside: with it nothing is stuck, as a signal may come, though the clock jumps.
func TestDrainOnIsOutside(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	simulated(t, func(task *kettle.Task, _ *looptest.Clock) error {
		go func() { _ = raise(syscall.SIGHUP) }()
		return task.AwaitDrain()
	}, kettle.DrainOn(time.Hour, syscall.SIGHUP))
}

// TestDumpOnASignal writes the tasks of all loops to standard error.
func TestDumpOnASignal(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer func(before *os.File) { os.Stderr = before }(os.Stderr)
	os.Stderr = write
	err = kettle.Run(func(task *kettle.Task) error {
		if task.Loop() == 1 {
			return task.AwaitDrain()
		}
		var text strings.Builder
		err := task.Blocking(func(context.Context) error {
			if err := raise(syscall.SIGALRM); err != nil {
				return err
			}
			one := make([]byte, 1)
			for strings.Count(text.String(), "\n") < 4 {
				if _, err := io.ReadFull(read, one); err != nil {
					return err
				}
				text.Write(one)
			}
			return nil
		})
		task.Drain(time.Hour)
		for _, line := range []string{"loop 0, tasks: 1", "  main: waits for Blocking",
			"loop 1, tasks: 1", "  main: waits for drain"} {
			if !strings.Contains(text.String(), line+"\n") {
				t.Errorf("it has written %q, without %q", text.String(), line)
			}
		}
		return err
	}, kettle.DumpOn(syscall.SIGALRM), kettle.Loops(2))
	if err := errors.Join(err, write.Close()); err != nil {
		t.Error(err)
	}
}

// TestDumpOnShowsWhoHoldsTheLoop, which cannot answer then.
func TestDumpOnShowsWhoHoldsTheLoop(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	testenv.NotShort(t) // it takes a second until the loop is taken for held up
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	defer func(before *os.File) { os.Stderr = before }(os.Stderr)
	os.Stderr = write
	text := ""
	err = kettle.Run(func(task *kettle.Task) error {
		text = holdUp(read)
		return nil
	}, kettle.DumpOn(syscall.SIGALRM), kettle.OnStall(0, nil))
	if err := errors.Join(err, write.Close()); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(text, "loop 0 is held up by main\n") {
		t.Errorf("it has written %q", text)
	}
}

// holdUp holds the loop until the dump says so.
func holdUp(read io.Reader) string {
	if err := raise(syscall.SIGALRM); err != nil {
		return err.Error()
	}
	buffer := make([]byte, 4096)
	n, _ := read.Read(buffer)
	return string(buffer[:n])
}

// TestDrainFromOtherGoroutines: who has a Handle can begin it, and nothing happens after the end.
func TestDrainFromOtherGoroutines(t *testing.T) {
	var h kettle.Handle
	err := kettle.Run(func(task *kettle.Task) error {
		h = task.Handle()
		drained := make(chan struct{})
		go func() { defer close(drained); h.Drain(time.Hour) }()
		err := task.AwaitDrain()
		_, _, receiving := kettle.Receive(task, drained)
		return errors.Join(err, receiving, want("draining", task.Draining(), true))
	})
	if err != nil {
		t.Error(err)
	}
	h.Drain(0)
}
