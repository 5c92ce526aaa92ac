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
			busyBesideOther(t, name)
		})
	}
}

func busyBesideOther(t *testing.T, name string) {
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
	began := time.Time{}
	for !done.Load() {
		if _, err := busy.Select(selectors.Forever); err != nil {
			t.Fatal(err)
		}
		if began.IsZero() {
			began = time.Now()
		}
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
