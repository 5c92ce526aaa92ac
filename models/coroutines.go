package models

import (
	"time"

	"github.com/kettle-go/kettle/internal/coro"
	"github.com/kettle-go/kettle/internal/sys"
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
		files: []string{"coroutines.go", "selectors.go", "selecting.go", "conn.go",
			"single.go"},
		serve: serveCoroutines,
	}
}

// The loop is that of the selectors model, run, which does not know what it calls. Here it calls
// one thing, for a client that is ready and for one whose time has come: a switch to its coroutine.
func serveCoroutines(s *server) error {
	l, err := s.newEventLoop()
	if err != nil {
		return err
	}
	return l.run(l.acceptTasks, l.resume)
}

// task is a client as its own code sees it: the methods of task run in its coroutine, those of
// eventLoop in the loop.
type task struct {
	*conn
	loop *eventLoop
	wake callback
}

func (l *eventLoop) acceptTasks() {
	for c := range l.newcomers() {
		t := &task{conn: c, loop: l, wake: func() { l.ready(c) }}
		c.co = coro.New(func(*coro.Coro) { l.lost(c.peer, t.converse()) })
		l.resume(c)
	}
}

// converse is the code of a client, and it is the blocking model's. What it has received is held
// by its own variable, across every wait, until it is answered.
func (t *task) converse() error {
	l := t.loop
	reply := l.newReply()
	for {
		chunk, err := t.recv()
		if len(chunk) == 0 {
			return err
		}
		l.request(t.peer, chunk)
		l.compute(chunk)
		if err := t.sleep(l.Wait); err != nil {
			return err
		}
		for rest := chunk; len(rest) > 0; {
			var answer []byte
			answer, rest = reply(rest)
			if err := t.send(answer); err != nil {
				return err
			}
		}
		l.buffers.give(chunk)
	}
}

// recv waits until the client has sent something; nothing is the end of the stream. It waits
// first and asks afterwards: who has just been answered has commonly nothing more to say.
func (t *task) recv() ([]byte, error) {
	for {
		if err := t.await(wantRead); err != nil {
			return nil, err
		}
		chunk, err := t.loop.takeChunk(t.conn)
		if !sys.WouldBlock(err) { // else it was a false alarm
			return chunk, err
		}
	}
}

// send sends all of p; it waits as often as the client has to catch up.
func (t *task) send(p []byte) error {
	for len(p) > 0 {
		n, err := t.loop.trySend(t.conn, p)
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
// happened: it registers that, unless it is registered already, and yields to the loop.
func (t *task) await(what want) error {
	t.want = what
	if err := t.loop.watchFor(t.conn, what, t.wake); err != nil {
		return err
	}
	if !t.co.Yield() { // nobody will come back again
		return errGrace
	}
	return nil
}

// ready is the callback of every client: its descriptor is ready. Who sleeps is not interrupted
// by that. What has arrived would be told in every turn, so the selector no longer watches it;
// that costs nothing where the client is silent, and the next await registers it again.
func (l *eventLoop) ready(c *conn) {
	if c.want == wantNothing {
		l.unwatch(c)
	} else {
		l.resume(c)
	}
}

// resume is where the loop switches to the coroutine of c, which goes on behind its await. It
// comes back when the coroutine waits again, or has ended.
func (l *eventLoop) resume(c *conn) {
	began := l.trace.Now()
	alive := c.co.Resume()
	if l.ran(c.peer, began); !alive {
		l.ended(c)
	}
}
