package models

import (
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/selectors"
)

// Coroutines: the event loop of the selectors model, and each client's code in sequence.
//
//	loop          select ─┐          ┌─ select ──────┐           ┌─ select ─
//	                      │resume 1  │               │ resume 1  │
//	coroutine 1           └▶ recv  await(read) ┄┄┄┄┄ └▶ recv, send, await(read) ┄┄
//
// A coroutine is a function that can be interrupted. Where a blocking server's call would make
// the thread wait, this one's registers what it waits for and switches away, to the loop. When
// the loop learns that it is ready it switches back, and the code goes on in the next line,
// with its variables as they were. There is one such place, await; recv, send and sleep are
// written in terms of it. A language with async and await has it as a keyword.
//
// Good for: what callbacks are good for, written the way one thinks. The price is a stack for
// each client and two switches in user space for each wait. A coroutine that computes, or
// calls something that blocks, stops everybody, as a callback does.
func coroutines() Model {
	return Model{
		Name:        "coroutines",
		Summary:     "the same loop; each connection a coroutine that reads as if it blocked",
		Synchronous: false,
		Blocking:    false,
		Threads:     "1 thread, 1 coroutine per connection",
		Waits:       "each coroutine is switched away; the loop, in epoll or kqueue, for all",
		Limits:      "one CPU; a small stack for each client; none may compute for long",
		Section:     "4.9",
		Backends:    true,
		files:       []string{"coroutines.go", "selecting.go", "conn.go", "single.go"},
		serve:       serveCoroutines,
	}
}

func serveCoroutines(s *server) error {
	single, err := s.newSingle()
	if err != nil {
		return err
	}
	loop, err := single.newEventLoop()
	if err != nil {
		return err
	}
	l := &coroutineLoop{eventLoop: loop}
	defer l.close()
	defer l.stopTasks()
	for {
		if l.look(); l.stage == dropping {
			l.stopTasks()
		}
		if err := l.watchListener(l.acceptTasks); err != nil || l.done() {
			return err
		}
		if _, err := l.sel.Select(l.timeout()); err != nil {
			return err
		}
		for key, events := range l.sel.Ready() {
			switch data := key.Data.(type) {
			case *task:
				data.ready(events)
			case callback:
				data()
			}
		}
		for c := l.waits.take(); c != nil; c = l.waits.take() {
			c.task.resume()
		}
		for i := len(l.conns) - 1; i >= 0 && l.draining(); i-- {
			if c := l.conns[i]; l.unasked(c) {
				c.task.resume()
			}
		}
	}
}

// coroutineLoop is an eventLoop that resumes coroutines.
type coroutineLoop struct {
	*eventLoop
	buffers buffers
}

// task is a client and its coroutine. conn.want says what it waits for.
type task struct {
	*conn
	loop    *coroutineLoop
	co      *coro.Coro
	watched selectors.Events // what the selector watches for
}

func (l *coroutineLoop) acceptTasks() {
	for c := range l.newcomers() {
		t := &task{conn: c, loop: l}
		c.task = t
		t.co = coro.New(func(*coro.Coro) { l.lost(c.peer, t.converse()) })
		t.resume()
	}
}

// converse is the code of a client: the blocking model's, but that the buffer is taken when
// there is something to receive, so that a client that is silent holds none.
func (t *task) converse() error {
	l := t.loop
	for {
		if err := t.await(wantRead); err != nil {
			return err
		}
		buf := l.buffers.take()
		n, err := sys.TryRecv(t.fd, buf)
		switch {
		case sys.WouldBlock(err) && !l.draining():
			l.buffers.give(buf)
			continue // somebody else was faster, or it was a false alarm
		case sys.WouldBlock(err):
			return nil // everything that has arrived is answered
		case n == 0 || err != nil:
			return err
		}
		l.request(t.peer, buf[:n])
		l.service(buf[:n])
		if err := t.sleep(l.Wait); err != nil {
			return err
		}
		if err := t.send(buf[:n]); err != nil {
			return err
		}
		l.buffers.give(buf)
	}
}

// send sends all of p; the coroutine waits as often as the client has to catch up.
func (t *task) send(p []byte) error {
	for len(p) > 0 {
		n, err := sys.TrySend(t.fd, p)
		if sys.WouldBlock(err) {
			err = t.await(wantWrite)
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// sleep waits until d has passed.
func (t *task) sleep(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t.loop.waits.add(t.conn, time.Now().Add(d))
	return t.await(wantNothing)
}

// await is where a coroutine switches away, and where it comes back when what it wants has
// happened. A descriptor that the selector watches already costs no system call.
func (t *task) await(what want) (err error) {
	t.want = what
	if events := what.events(); events != 0 && events != t.watched {
		if t.watched == 0 {
			_, err = t.loop.sel.Register(t, events, t)
		} else {
			_, err = t.loop.sel.Modify(t, events, t)
		}
		if err != nil {
			return err
		}
		t.watched = events
	}
	if !t.co.Yield() {
		return errGrace
	}
	return nil
}

// ready is called when the selector has an event. If the coroutine waits for something else,
// the event is not wanted for now, and would come again with every wait: the descriptor is
// taken out, until the coroutine asks for it.
func (t *task) ready(events selectors.Events) {
	if t.want.events()&events != 0 {
		t.resume()
		return
	}
	t.loop.unwatch(t)
}

// resume lets the coroutine run until it waits again, or ends.
func (t *task) resume() {
	if !t.co.Resume() {
		if failure := t.co.Failure(); failure != nil {
			panic(failure)
		}
		t.loop.unwatch(t)
		t.loop.forget(t.conn)
	}
}

func (l *coroutineLoop) unwatch(t *task) {
	if t.watched != 0 {
		l.sel.Unregister(t)
		t.watched = 0
	}
}

// stopTasks ends the coroutines that are left. One that is not ended would never be
// collected.
func (l *coroutineLoop) stopTasks() {
	for len(l.conns) > 0 {
		t := l.conns[0].task
		t.co.Stop()
		l.unwatch(t)
		l.forget(t.conn)
	}
}

// buffers are receive buffers that nobody holds at present.
type buffers struct{ free [][]byte }

// maxFree is how many are kept: more are in use only while many clients do not read.
const maxFree = 64

func (b *buffers) take() []byte {
	last := len(b.free) - 1
	if last < 0 {
		return make([]byte, chunkSize)
	}
	buf := b.free[last]
	b.free = b.free[:last]
	return buf
}

func (b *buffers) give(buf []byte) {
	if len(b.free) < maxFree {
		b.free = append(b.free, buf)
	}
}
