//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package selectors

import (
	"time"

	"github.com/kettle-go/kettle/internal/sys"
)

var _ backend = (*kqueue)(nil)

// kqueue is the backend on the BSDs' kqueue(2), level-triggered. Read and Write are two
// filters of a descriptor, added and deleted one by one.
//
// Not every BSD lets a kqueue be non-blocking, which Go's poller asks for. Where it does not,
// a wait blocks its thread, as in poll, and an alarm among the descriptors ends it.
type kqueue struct {
	queue   *sys.Kqueue
	parker  *parker // nil: a wait blocks
	alarm   *alarm  // nil: a wait parks
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
		return newBlockingKqueue()
	}
	k := &kqueue{queue: queue, parker: p}
	k.collect = func(uintptr) bool { return k.poll(0) }
	return k, nil
}

func newBlockingKqueue() (backend, error) {
	queue, err := sys.NewKqueue()
	if err != nil {
		return nil, err
	}
	a, err := newAlarm()
	if err != nil {
		sys.Close(queue.FD())
		return nil, err
	}
	k := &kqueue{queue: queue, alarm: a}
	if err := k.add(a.FD(), Read, newToken(a.FD(), 0)); err != nil {
		k.close()
		return nil, err
	}
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
	var woken bool
	var err error
	if k.parker != nil {
		woken, err = k.parker.park(k.collect, timeout)
	} else {
		k.poll(kernelTimeout(timeout))
		woken = k.answerAlarm()
	}
	if err == nil {
		err = k.err
	}
	batch, k.batch = k.batch, nil
	return batch, woken, err
}

// poll takes what is ready out of the kernel, waits for it if it may, and reports whether
// there is no need to wait any more.
func (k *kqueue) poll(timeout time.Duration) bool {
	n, err := k.queue.Wait(max(64, 2*k.watched), timeout)
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

// answerAlarm reports whether the alarm is among what is ready. Its event stays there: it
// belongs to no registration, so nobody is told of it.
func (k *kqueue) answerAlarm() bool {
	for _, ev := range k.batch {
		if ev.token == newToken(k.alarm.FD(), 0) {
			k.alarm.answer()
			return true
		}
	}
	return false
}

func (k *kqueue) fd() int { return k.queue.FD() }

func (k *kqueue) wake() error {
	if k.parker != nil {
		return k.parker.wake()
	}
	return k.alarm.wake()
}

func (k *kqueue) close() error {
	if k.parker != nil {
		return k.parker.file.Close()
	}
	k.alarm.Close()
	return sys.Close(k.queue.FD())
}
