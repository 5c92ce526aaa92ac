package kettle

// Receive receives from a channel, and suspends the task until there is something: what v, ok :=
// <-ch does to a goroutine. It is for what other goroutines send. Ok is false if the channel is
// closed; from a nil channel there never is anything.
//
// No value is lost: if one was received when the cancellation came, Receive returns it, and the
// next wait fails. After an error nothing was received.
//
// If there is something at once it costs what the receive does. Otherwise a goroutine waits in
// place of the task, which must not block its loop, and posts what it has to the loop: a
// microsecond or two, some allocations, and the memory of a goroutine while it lasts; it ends with
// the wait. For values by the hundred thousand let a goroutine collect them and send them in
// slices; between tasks of one loop use a Queue.
//
// A Race of two Receives drops a value if both have one at once. To wait for several channels have
// a task of a Group receive from each.
//
// A virtual clock goes by what its loop knows: it jumps while a task is in Receive, and Run ends
// with ErrStuck if that is all that is left. A Handle (see Clock) tells it of somebody outside.
func Receive[T any](t *Task, ch <-chan T) (v T, ok bool, err error) {
	f, err := t.enter()
	if err != nil {
		return v, false, err
	}
	select {
	case v, ok = <-ch:
		f.pass()
		return v, ok, nil
	default:
	}
	if ch == nil {
		return v, false, f.park("Receive from a nil channel", never{})
	}
	return receive(f, ch)
}

// receive is Receive where there is nothing yet. It is a function of its own because what another
// goroutine writes is allocated.
func receive[T any](f *fiber, ch <-chan T) (v T, ok bool, err error) {
	err = f.delegate("Receive", func(stop <-chan struct{}) bool {
		select {
		case v, ok = <-ch:
			return true
		case <-stop:
			return false
		}
	})
	return v, ok, err
}

// Send sends v on a channel, and suspends the task until it is received, or there is room for it:
// what ch <- v does to a goroutine. To a nil channel that never is. If the channel is closed, or
// is while it waits, it panics.
//
// After an error v was not sent; if it was sent when the cancellation came, there is no error, and
// the next wait fails. The cost is that of Receive, and so is what a virtual clock does.
func Send[T any](t *Task, ch chan<- T, v T) error {
	f, err := t.enter()
	if err != nil {
		return err
	}
	select {
	case ch <- v:
		f.pass()
		return nil
	default:
	}
	if ch == nil {
		return f.park("Send to a nil channel", never{})
	}
	return f.delegate("Send", func(stop <-chan struct{}) bool {
		select {
		case ch <- v:
			return true
		case <-stop:
			return false
		}
	})
}

// never is what does not come.
type never struct{}

func (never) abandon(*fiber) {}

// delegate is a goroutine that waits in place of a task. What it waits for happens or does not,
// and both sides must know it in the same way, whatever comes at the same time. So the task does
// not tell it to stop, but offers it to stop: that offer is one case of the select that the
// goroutine waits in, and the other case is what it waits for. It takes exactly one of them.
//
//	task       park ─────────▶ woken by the post          it has happened
//	             └───────────▶ cancelled ─▶ offers ─┬───▶ taken: it has not
//	                                                └───▶ done:  it has, and so the value wins
type delegate struct {
	fiber    *fiber
	stop     chan struct{}
	done     chan struct{} // closed when it has happened, and the post is made
	panicked any           // with what it has instead
}

// delegate suspends the task until op has returned, on another goroutine. Op returns true if what
// it waits for has happened, and false if it could receive from stop. An error says that it has
// not. A panic in op becomes one of the task.
func (f *fiber) delegate(what string, op func(stop <-chan struct{}) bool) error {
	d := &delegate{fiber: f, stop: make(chan struct{}), done: make(chan struct{})}
	l := f.runtime.loop
	l.Offer(1)
	go d.do(op)
	err := f.park(what, d)
	l.Offer(-1)
	if err != nil {
		// Op waits in its select, or is about to, or is through: nobody keeps it from that.
		select {
		case d.stop <- struct{}{}:
			return err
		case <-d.done:
		}
	}
	if d.panicked != nil {
		panic(d.panicked)
	}
	return nil
}

// do runs op, on the goroutine.
func (d *delegate) do(op func(stop <-chan struct{}) bool) {
	if d.happens(op) {
		_ = d.fiber.runtime.loop.PostRunner(d) // a loop that is closed has no task that waits
		close(d.done)
	}
}

// happens runs op, which panics where it sends on a channel that is closed.
func (d *delegate) happens(op func(stop <-chan struct{}) bool) (happened bool) {
	defer func() {
		if v := recover(); v != nil {
			d.panicked, happened = v, true
		}
	}()
	return op(d.stop)
}

// Run is called by the loop when it has happened. The task may not wait for that any more: it was
// cancelled, and found out for itself.
func (d *delegate) Run() {
	if f := d.fiber; f.state == parked && f.waiting == waiting(d) {
		f.wake(nil)
	}
}

func (d *delegate) abandon(*fiber) {}
