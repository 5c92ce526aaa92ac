package stream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
)

// How ordinary goroutines use a connection that lives on a loop. Nothing but the loop touches the
// Conn. Between it and the goroutines stand two places for bytes, behind a lock that is held for
// as long as a copy takes:
//
//	goroutines                      the lock                           the loop
//	Read  ◀── wake-up ─── into, or ahead: a chunk of Next ◀─── Conn.Next, in the task "reader"
//	Write ─── copy ─────▶ out: at most 64 KiB ─── post ──────▶ Conn.TryWrite; while the peer is
//	                                                           slow Conn.Write, in a task "writer"
//
// A Read that waits gets its bytes from the reader, straight from the chunk that Next has returned,
// and the reader waits for more at once: so a Read costs one wake-up, and no post. What does not
// fit stays where it is, in the connection's buffer, and Reads take it without the loop; the one
// that takes the last of it posts that the reader may go on. A Write copies, posts if nobody has
// yet, and does not wait for the loop unless there is no room. An idle connection holds no buffer:
// its reader waits in Next.
//
// The reader is the connection's keeper, too. Its end, however it comes about, is that of the
// connection, and all who wait learn of it.

// NetConn returns c for use by ordinary goroutines, with all that net.Conn promises: any number may
// call any of its methods at a time, Reads and Writes queue among themselves, deadlines may be set
// in the midst of them, and Close ends those that wait. It also has CloseWrite. It is loop only;
// from then on nothing else may use c.
//
// The connection lives in the group, which does not end before it is closed; where the group is
// cancelled, or the loop has ended, every method returns an error, which is net.ErrClosed and, if
// there is one, the cause.
//
// A Write returns when a copy is made, and waits only while too much is pending: that the
// connection broke meanwhile is told by the next one, as it is by the system itself. Close sends
// what is pending first, and does not wait for it. Deadlines go by the system's clock. A task of
// the loop must not use it, as it would wait for itself: Read and Write return
// kettle.ErrWrongGoroutine.
func NetConn(g *kettle.Group, c *Conn) net.Conn { return newOutside(g, c, nil) }

// newOutside returns c for goroutines; with a config, after a handshake as the server.
func newOutside(g *kettle.Group, c *Conn, config *tls.Config) *outside {
	g.Handle() // tells the loop that others may have something for it
	l := c.t.Loop()
	o := &outside{conn: c, group: g, loop: l, shared: outsidersOf(l),
		local: c.LocalAddr(), remote: c.RemoteAddr(), config: config}
	if c.times() != nil { // those of the goroutines are not the connection's
		_ = c.SetDeadline(time.Time{})
	}
	o.read.init(o)
	o.write.init(o)
	o.wanted = c.reading.Sibling()
	o.shared.all[o] = struct{}{}
	if err := g.Go("reader of "+o.remote.String(), o.keep); err != nil {
		o.over(err)
	}
	return o
}

// outside is a connection as goroutines have it.
type outside struct {
	conn   *Conn
	group  *kettle.Group
	loop   *loop.Loop
	shared *outsiders
	local  net.Addr
	remote net.Addr

	// Loop only.
	wanted  kettle.WaitQueue // the reader waits for that
	config  *tls.Config      // of a handshake that is not over
	slow    bool             // there is a writer
	settled bool             // the connection is closed, after all that was written
	gone    bool             // see over

	mu     sync.Mutex
	state  outsideState
	posted bool  // the loop will come
	ended  error // why nothing can be done any more, if it was not closed
	read   direction
	write  direction
	into   []byte // of a Read that waits
	got    int    // what it was given
	ahead  []byte // received, and not read: of a chunk of the connection's
	out    *batch // written, and not taken by the loop
}

// outsideState is how far the sending side, or all of it, has ended.
type outsideState uint8

const (
	outsideOpen     outsideState = iota
	outsideFinished              // by CloseWrite
	outsideClosed                // by Close
)

// direction is what reads have, and writes.
type direction struct {
	turn  sync.Mutex // of the goroutine that reads, or writes
	event sync.Cond  // it is to look again
	limit outsideDeadline
	err   error // every further one fails with
}

func (d *direction) init(o *outside) {
	d.event.L = &o.mu
	d.limit.owner, d.limit.event = o, &d.event
}

// LocalAddr returns the address of this side.
func (o *outside) LocalAddr() net.Addr { return o.local }

// RemoteAddr returns the address of the peer.
func (o *outside) RemoteAddr() net.Addr { return o.remote }

// failure returns an error as those of package net are.
func (o *outside) failure(op string, err error) error {
	return &net.OpError{Op: op, Net: o.local.Network(), Source: o.local, Addr: o.remote, Err: err}
}

// failed returns what is to be told of an error of the connection's.
func (o *outside) failed(op string, err error) error {
	var known *net.OpError
	if err == nil || err == io.EOF || errors.As(err, &known) {
		return err
	}
	return o.failure(op, err)
}

// usable returns why nothing can be done; nil if it can.
func (o *outside) usable(op string) error {
	switch {
	case o.state == outsideClosed:
		return o.failure(op, net.ErrClosed)
	case o.ended != nil:
		return o.failure(op, o.ended)
	}
	return nil
}

// mustNotWait returns an error where to wait would be to wait for oneself.
func mustNotWait(l *loop.Loop) error {
	if sys.Goroutine() != 0 && l.Inside() { // 0: nobody can tell
		return kettle.ErrWrongGoroutine
	}
	return nil
}

// post has the loop come and look. The lock is held. A loop that is closed has told all.
func (o *outside) post() {
	if !o.posted {
		o.posted = true
		_ = o.loop.PostRunner((*visit)(o))
	}
}

// visit is an outside as what the loop runs when it was posted.
type visit outside

// Run is called by the loop.
func (v *visit) Run() {
	o := (*outside)(v)
	if !o.gone && !o.settled {
		o.send()
		o.wanted.Wake(nil)
	}
}

// keep is the reader, a task.
func (o *outside) keep(t *kettle.Task) error {
	var err error
	defer func() { o.over(err) }()
	hungry := true
	if o.config != nil {
		hungry = o.deliver(nil, o.shake(t))
		o.config = nil
		o.send()
	}
	for err = t.Cause(); err == nil && !o.settled; {
		if !hungry {
			if err = o.wanted.Enter(); err == nil {
				err = o.wanted.Wait("a Read on another goroutine")
			}
			hungry = o.isHungry()
			continue
		}
		chunk, failure := o.conn.Next()
		if err = t.Cause(); err == nil {
			hungry = o.deliver(chunk, failure)
		}
	}
	return nil
}

// shake does the handshake. That a callback of the configuration panics is the end of this
// connection, and not of the group.
func (o *outside) shake(t *kettle.Task) (err error) {
	defer func() {
		if value := recover(); value != nil {
			panicked := &kettle.PanicError{Value: value, Stack: debug.Stack()}
			t.Report("TLS handshake with "+o.remote.String(), panicked)
			err = panicked
		}
	}()
	return o.conn.StartTLSServer(o.config)
}

// Close ends the connection. What was written is sent first, but Close does not wait for that.
// Whoever reads or writes gets net.ErrClosed; so does who closes again.
func (o *outside) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.usable("close"); err != nil {
		return err
	}
	o.state = outsideClosed
	o.wakeAll()
	o.post()
	return nil
}

// wakeAll has all who wait look again, after the end. The lock is held.
func (o *outside) wakeAll() {
	o.into, o.ahead = nil, nil
	o.read.limit.stop()
	o.write.limit.stop()
	o.read.event.Broadcast()
	o.write.event.Broadcast()
}

// over ends the connection where nobody reads for it any more. Loop only.
func (o *outside) over(cause error) {
	if o.gone {
		return
	}
	if !o.settled && !o.slow { // the loop was perhaps about to come
		o.send()
	}
	o.gone = true
	delete(o.shared.all, o)
	o.mu.Lock()
	if o.ended = errOutsideEnded; cause != nil {
		o.ended = fmt.Errorf("%w: %w", errOutsideEnded, cause)
	}
	cut := o.out != nil || o.slow
	o.out = nil
	o.wakeAll()
	o.mu.Unlock()
	if cut {
		o.conn.Abort() // not to pass off as all what is only a part
	}
	_ = o.conn.Close()
}

// errOutsideEnded is why nothing can be done where nobody has called Close.
var errOutsideEnded = fmt.Errorf("its group or its loop has ended: %w", net.ErrClosed)

// outsiders are the connections and listeners of a loop that goroutines have: what they are told
// of where the loop ends without its tasks.
type outsiders struct {
	all     map[interface{ over(cause error) }]struct{}
	batches sync.Pool // of *batch; any goroutine may use it
}

// outsidersKey is by which a loop has its outsiders.
type outsidersKey struct{}

func outsidersOf(l *loop.Loop) *outsiders {
	return l.Local(outsidersKey{}, func() any {
		return &outsiders{all: map[interface{ over(cause error) }]struct{}{}}
	}).(*outsiders)
}

// LoopClosed is called when the loop is closed.
func (s *outsiders) LoopClosed() {
	for o := range s.all {
		o.over(kettle.ErrClosed)
	}
}
