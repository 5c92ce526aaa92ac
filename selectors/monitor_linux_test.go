package selectors_test

import (
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/selectors"
)

// S37: even if nothing else runs, and everything was idle before. Both events come from another
// process, as whatever this one did would wake Go's monitor.
func TestBusySelectorLetsOthersBeWoken(t *testing.T) {
	for _, name := range []string{"epoll", "io_uring"} {
		t.Run(name, func(t *testing.T) {
			needRings(t, name)
			busyBesideOther(t, name, selectUntil)
		})
		t.Run(name+"/Dispatch", func(t *testing.T) {
			needRings(t, name)
			busyBesideOther(t, name, dispatchUntil)
		})
	}
}

// selectUntil selects, without handling what is ready, until done. It returns when it began to find
// something.
func selectUntil(s *selectors.Selector, done *atomic.Bool) (began time.Time, err error) {
	for !done.Load() && err == nil {
		_, err = s.Select(selectors.Forever)
		if began.IsZero() {
			began = time.Now()
		}
	}
	return began, err
}

// dispatchUntil is selectUntil in one Dispatch.
func dispatchUntil(s *selectors.Selector, done *atomic.Bool) (began time.Time, err error) {
	turns := busyTurns{done: done}
	err = s.Dispatch(&turns)
	return turns.began, err
}

type busyTurns struct {
	done  *atomic.Bool
	began time.Time
}

func (b *busyTurns) Next(found int) (time.Duration, bool) {
	if b.began.IsZero() && found > 0 {
		b.began = time.Now()
	}
	return selectors.Forever, !b.done.Load()
}

func (b *busyTurns) Drained(int) bool { return false }

func busyBesideOther(t *testing.T, name string,
	until func(*selectors.Selector, *atomic.Bool) (time.Time, error)) {
	child := exec.Command("sh", "-c", "sleep 0.2; printf x >&3; sleep 0.2; printf x >&4")
	busy, other := selectorOnPipe(t, name, child), selectorOnPipe(t, name, child)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range child.ExtraFiles {
		f.Close()
	}
	var done atomic.Bool
	woken := make(chan error, 1)
	go func() {
		_, err := other.Select(selectors.Forever)
		done.Store(true)
		woken <- err
	}()
	began, err := until(busy, &done)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("beside a busy selector, another one was woken after %v", took)
	}
	if err := <-woken; err != nil {
		t.Error(err)
	}
	if err := child.Wait(); err != nil {
		t.Error(err)
	}
}

// selectorOnPipe returns a selector that watches a pipe, which the child writes to.
func selectorOnPipe(t *testing.T, name string, child *exec.Cmd) *selectors.Selector {
	t.Helper()
	s, err := selectors.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	child.ExtraFiles = append(child.ExtraFiles, w)
	if _, err := s.Register(r, selectors.Read, nil); err != nil {
		t.Fatal(err)
	}
	return s
}
