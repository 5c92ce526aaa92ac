//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package load

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ poller = (*kqueue)(nil)

// kqueue waits with kqueue(2), level-triggered, to the nanosecond. Its events carry the
// descriptor, so it keeps a table of the indices. Reading and writing are two filters there,
// each added and deleted by itself, and each reported by an event of its own; an error or a
// hang-up is reported by the filters that are set, and what is tried next says which it was.
type kqueue struct {
	queue   *sys.Kqueue
	indices []int32 // by descriptor
}

func newKqueue(int) (poller, error) {
	queue, err := sys.NewKqueue()
	if err != nil {
		return nil, err
	}
	return &kqueue{queue: queue}, nil
}

func (k *kqueue) watch(index, fd int, was, want interest) error {
	for fd >= len(k.indices) {
		k.indices = append(k.indices, make([]int32, max(64, len(k.indices)))...)
	}
	k.indices[fd] = int32(index)
	for _, filter := range [...]interest{reading, writing} {
		if (was^want)&filter == 0 {
			continue
		}
		if err := k.queue.Watch(fd, filter == writing, want&filter != 0); err != nil {
			return err
		}
	}
	return nil
}

func (k *kqueue) wait(out []event, timeout time.Duration) ([]event, error) {
	n, err := k.queue.Wait(batch, timeout)
	out = out[:0]
	for i := range n {
		ev := k.queue.Event(i)
		ready := reading
		if ev.Write {
			ready = writing
		}
		out = append(out, event{int(k.indices[ev.FD]), ready})
	}
	return out, err
}

func (k *kqueue) close() error { return sys.Close(k.queue.FD()) }
