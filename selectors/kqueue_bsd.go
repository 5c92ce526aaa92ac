//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package selectors

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ backend = (*kqueue)(nil)

// kqueue is the backend on the BSDs' kqueue(2), level-triggered. Read and Write are two
// filters of a descriptor, added and deleted one by one.
type kqueue struct {
	queue   *sys.Kqueue
	parker  *parker
	tokens  []token // by descriptor
	watched int

	// The arguments and results of collect, which is made once, as a closure for each wait
	// would be an allocation for each wait.
	collect func(fd uintptr) bool
	batch   []event
	err     error
}

func newKqueue() (backend, error) {
	queue, err := sys.NewKqueue()
	if err != nil {
		return nil, err
	}
	p, err := newParker(queue.FD(), "kqueue")
	if err != nil {
		return nil, err
	}
	k := &kqueue{queue: queue, parker: p}
	k.collect = func(uintptr) bool { return k.poll() }
	return k, nil
}

func (k *kqueue) add(fd int, events Events, tok token) error {
	k.watched++
	if err := k.modify(fd, 0, events, tok); err != nil {
		_ = k.remove(fd, events) // a first filter may have been added
		return err
	}
	for fd >= len(k.tokens) {
		k.tokens = append(k.tokens, make([]token, max(64, len(k.tokens)))...)
	}
	k.tokens[fd] = tok
	return nil
}

func (k *kqueue) modify(fd int, old, events Events, _ token) error {
	for _, filter := range [...]Events{Read, Write} {
		if (old^events)&filter == 0 {
			continue
		}
		if err := k.queue.Watch(fd, filter == Write, events&filter != 0); err != nil {
			return err
		}
	}
	return nil
}

func (k *kqueue) remove(fd int, events Events) error {
	k.watched--
	var first error
	for _, filter := range [...]Events{Read, Write} {
		if events&filter == 0 {
			continue
		}
		if err := k.queue.Watch(fd, filter == Write, false); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (k *kqueue) wait(batch []event, timeout time.Duration) ([]event, bool, error) {
	k.batch, k.err = batch, nil
	woken, err := k.parker.park(k.collect, timeout)
	if err == nil {
		err = k.err
	}
	batch, k.batch = k.batch, nil
	return batch, woken, err
}

// poll takes what is ready out of the kernel and reports whether there is no need to wait.
func (k *kqueue) poll() bool {
	n, err := k.queue.Wait(max(64, 2*k.watched), 0)
	for i := range n {
		ev := k.queue.Event(i)
		ready := Read
		if ev.Write {
			ready = Write
		}
		k.batch = append(k.batch, event{k.tokens[ev.FD], ready})
	}
	k.err = err
	return n > 0 || err != nil
}

func (k *kqueue) fd() int      { return k.queue.FD() }
func (k *kqueue) wake() error  { return k.parker.wake() }
func (k *kqueue) close() error { return k.parker.file.Close() }
