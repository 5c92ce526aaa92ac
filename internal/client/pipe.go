package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/kettle-go/kettle/internal/words"
)

// chunkSize is the size in bytes of the two buffers of a Pipe, which are all the memory it needs,
// however long the stream.
const chunkSize = 64 << 10

// Pipe sends everything that in gives to the server and writes everything that comes back to out,
// unchanged, over one connection. At the end of in it half-closes, and it returns nil if as many
// bytes came back as were sent and the server then closed.
//
//	in ── send ──▶ socket ──▶ server
//	                            │        two goroutines: neither ever waits for the other
//	out ◀─ receive ─ socket ◀───┘
//
// Otherwise it returns an error: the server closed early or reset (ErrLost, with how many bytes
// had come back), sent what nobody asked for (ErrSurplus), or moved no byte for o.Timeout although
// some were owed (os.ErrDeadlineExceeded); in or out failed; or ctx was cancelled. An input that
// is idle never times out, nor does an output that is slow: the server is owed that patience.
// When in fails, what it gave until then is still answered and written.
//
// Pipe blocks until one of these happens, and then returns at once. A Read of in or a Write to out
// that is under way then cannot be interrupted: its goroutine ends when the call returns.
func Pipe(ctx context.Context, o Options, in io.Reader, out io.Writer) error {
	return pipe(ctx, o, dialTCP, in, out)
}

func pipe(ctx context.Context, o Options, dial dialer, in io.Reader, out io.Writer) error {
	conns, err := o.connect(ctx, dial, 1)
	if err != nil {
		return err
	}
	d := &duplex{
		addr:     o.Addr,
		conn:     conns[0],
		in:       in,
		out:      out,
		start:    time.Now(),
		ended:    make(chan struct{}),
		sent:     make(chan error, 1), // room for the one result, so nobody waits to tell it
		received: make(chan error, 1),
	}
	defer d.conn.Close()
	defer close(d.ended)
	go d.send()
	go func() { d.received <- d.receive() }()
	return d.wait(ctx, o.Timeout)
}

// duplex is one Pipe under way: a goroutine that sends, one that receives, and the caller, who
// waits for their results and watches that bytes move.
type duplex struct {
	addr     string
	conn     conn
	in       io.Reader
	out      io.Writer
	start    time.Time
	ended    chan struct{} // closed when Pipe returns
	sent     chan error    // the result of send, told before it half-closes
	received chan error    // the result of receive

	owed      atomic.Int64 // bytes handed to the connection: each is owed an answer
	got       atomic.Int64 // bytes that came back
	inputDone atomic.Bool  // in has ended; the server should answer what it owes, then close
	writing   atomic.Bool  // receive is in out.Write, so it is not the server who is slow
	moved     atomic.Int64 // when a byte last moved, in nanoseconds since start
}

// touch notes that a byte moved.
func (d *duplex) touch() { d.moved.Store(int64(time.Since(d.start))) }

// send copies in to the connection until in ends or the connection fails.
func (d *duplex) send() {
	buf := make([]byte, chunkSize)
	for {
		n, err := d.in.Read(buf)
		if n > 0 {
			// Owed before it is sent: the answer may overtake the return of Write.
			d.touch()
			d.owed.Add(int64(n))
			if _, err := d.conn.Write(buf[:n]); err != nil {
				// A connection that cannot be written to soon fails for receive as well, which
				// first takes the answers that have already come.
				d.sent <- fmt.Errorf("sending to %s: %w: %w", d.addr, ErrLost, bare(err))
				return
			}
			d.touch()
		}
		if err != nil {
			// The order matters to wait: told, then marked, then visible to the server.
			d.sent <- inputError(err)
			d.touch()
			d.inputDone.Store(true)
			d.conn.CloseWrite() // fails only if the server has gone, which receive says
			return
		}
		select {
		case <-d.ended:
			return
		default:
		}
	}
}

// inputError says how the input ended; its end is not an error.
func inputError(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("reading the input: %w", err)
}

// receive copies the connection to out until the server closes, and judges how that ended.
func (d *duplex) receive() error {
	buf := make([]byte, chunkSize)
	for {
		n, err := d.conn.Read(buf)
		if n > 0 {
			d.writing.Store(true)
			d.got.Add(int64(n))
			_, err := d.out.Write(buf[:n])
			d.touch()
			d.writing.Store(false)
			if err != nil {
				return fmt.Errorf("writing the output: %w", err)
			}
			if got, owed := d.got.Load(), d.owed.Load(); got > owed {
				return fmt.Errorf("receiving from %s: %w: %d, not %d", d.addr, ErrSurplus,
					got, owed)
			}
		}
		if err != nil {
			return d.end(err)
		}
	}
}

// end judges the end of what the server sent: err is io.EOF or worse.
func (d *duplex) end(err error) error {
	// Loaded in this order: input that ends in between makes a lost connection, never a good one.
	done := d.inputDone.Load()
	got, owed := d.got.Load(), d.owed.Load()
	switch {
	case !errors.Is(err, io.EOF), got < owed:
		return fmt.Errorf("%w: %s: %s after %d of %d bytes", ErrLost, d.addr, why(err), got, owed)
	case !done:
		return fmt.Errorf("%w: %s: %s after %s, before the end of the input",
			ErrLost, d.addr, why(err), words.Count(int(got), "byte"))
	}
	return nil
}

// wait returns when the Pipe is over.
func (d *duplex) wait(ctx context.Context, timeout time.Duration) error {
	var sendErr error
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	for {
		select {
		case sendErr = <-d.sent:
			// All is sent, or the input or the connection failed; receive will see the end.
		case err := <-d.received:
			// send tells how the input ended before it half-closes, so if this end is the
			// server's reply to that, the input's error is already here.
			select {
			case sendErr = <-d.sent:
			default:
			}
			return judge(sendErr, err)
		case <-timer.C:
			left, owing := d.patience(timeout)
			if owing && left <= 0 {
				return d.stalled(timeout, sendErr)
			}
			timer.Reset(max(left, time.Millisecond))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// judge makes one error of the two directions' results. That a write failed says no more than
// that the server is gone, and the receiving side knows that better; an input error stands.
func judge(sendErr, receiveErr error) error {
	switch {
	case receiveErr == nil:
		return sendErr
	case sendErr == nil, errors.Is(sendErr, ErrLost):
		return receiveErr
	}
	return fmt.Errorf("%w; %w", sendErr, receiveErr)
}

// patience returns how much longer to wait for a byte to move, and whether the server owes us
// anything at all: an answer or, after all answers, the end.
func (d *duplex) patience(timeout time.Duration) (left time.Duration, owing bool) {
	owing = !d.writing.Load() && (d.inputDone.Load() || d.got.Load() < d.owed.Load())
	if !owing {
		return timeout, false
	}
	return timeout - (time.Since(d.start) - time.Duration(d.moved.Load())), true
}

// stalled says what the server still owes.
func (d *duplex) stalled(timeout time.Duration, sendErr error) error {
	got, owed := d.got.Load(), d.owed.Load()
	switch {
	case sendErr != nil:
		return sendErr
	case got < owed:
		return fmt.Errorf("waiting for %s: no byte moved in %s, after %d of %d bytes: %w",
			d.addr, seconds(timeout), got, owed, os.ErrDeadlineExceeded)
	}
	return fmt.Errorf("waiting for %s: not closed in %s, although all of %s came back: %w",
		d.addr, seconds(timeout), words.Count(int(got), "byte"), os.ErrDeadlineExceeded)
}
