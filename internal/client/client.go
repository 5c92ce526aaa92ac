// Package client talks to a server that answers every byte with one byte, as all of kettle's
// models do. It comes in two forms, and [Run] picks the right one:
//
//   - [Pipe], for standard input that is a file or another program: one connection, everything
//     read goes out, everything that comes back is written, and both happen at the same time;
//   - [Prompt], for a person: several connections, a prompt, each line to the next connection in
//     turn, each answer printed when it comes.
//
// # What is one answer?
//
// TCP carries a stream of bytes, not messages. One Read may return half an answer, or three
// answers and a piece of the fourth. A client that takes what one Read gives for one answer works
// on its author's machine and fails elsewhere. This service answers every byte with exactly one
// byte, so the length frames the answer: a line of n bytes, its newline included, is answered when
// n bytes have come back. The type answers holds that rule, and nothing else does.
//
// # Who waits for whom?
//
// Nobody waits for somebody else's turn. Each connection has a goroutine that reads and another
// that writes, so a server that is slow to read cannot keep us from reading its answers: if both
// sides only wrote, the buffers between them would fill and both would wait for ever. The terminal
// has one owner, a goroutine that is told of keys and of answers through channels, and that waits
// for neither, so the prompt is always there and which connection a line goes to is certain.
//
// # When does it end?
//
// At the end of the input the client half-closes: it sends no more, but still reads. The server
// sees the end, finishes its answers and closes. If it closes before that, or resets, it has gone,
// and every function here then returns an error that matches [ErrLost].
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"
)

// The errors a caller may want to tell apart, with errors.Is. A time-out matches
// os.ErrDeadlineExceeded, a cancelled context the context's cause.
var (
	// ErrLost matches every error that says that the server went away before all was answered.
	ErrLost = errors.New("connection lost")

	// ErrInterrupted is what Prompt returns when the user pressed Ctrl-C.
	ErrInterrupted = errors.New("interrupted")

	// ErrSurplus matches the error for bytes that came back although none were owed: what
	// answers is not a server of this kind.
	ErrSurplus = errors.New("more bytes came back than were sent")
)

// Options say where the server is and how patient to be.
type Options struct {
	// Addr is the server's host:port.
	Addr string

	// Conns is the number of connections that Prompt opens. Pipe uses one, whatever it says.
	Conns int

	// Timeout bounds connecting, and how long an answer may take. It must be positive.
	Timeout time.Duration
}

// Run is Prompt if both files are terminals, and Pipe otherwise. It blocks until the input has
// ended and all is answered, or until something went wrong.
func Run(ctx context.Context, o Options, in, out *os.File) error {
	if term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd())) {
		return Prompt(ctx, o, TerminalOf(in, out))
	}
	return Pipe(ctx, o, in, out)
}

// check rejects options that could not work.
func (o Options) check(conns int) error {
	if conns < 1 {
		return fmt.Errorf("connecting to %s: at least one connection is needed, not %d",
			o.Addr, conns)
	}
	if o.Timeout <= 0 {
		return fmt.Errorf("connecting to %s: the time-out must be positive, not %v",
			o.Addr, o.Timeout)
	}
	return nil
}

// conn is what a client needs of a connection. *net.TCPConn is one; tests use one in memory.
type conn interface {
	io.ReadWriteCloser

	// CloseWrite ends our half of the connection: the peer reads the end, we still read.
	CloseWrite() error
}

// dialer opens one connection.
type dialer func(ctx context.Context, addr string) (conn, error)

// dialTCP is the dialer outside tests.
func dialTCP(ctx context.Context, addr string) (conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil // "tcp" gives nothing else
}

// connect opens n connections one after the other, each within the time-out. It is all or
// nothing: after an error none is left open.
func (o Options) connect(ctx context.Context, dial dialer, n int) ([]conn, error) {
	if err := o.check(n); err != nil {
		return nil, err
	}
	conns := make([]conn, 0, n)
	for i := range n {
		c, err := o.connectOne(ctx, dial)
		if err != nil {
			for _, c := range conns {
				c.Close()
			}
			if n > 1 {
				err = fmt.Errorf("connection %d of %d: %w", i+1, n, err)
			}
			return nil, err
		}
		conns = append(conns, c)
	}
	return conns, nil
}

// connectOne opens one connection within the time-out.
func (o Options) connectOne(ctx context.Context, dial dialer) (conn, error) {
	limited, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	c, err := dial(limited, o.Addr)
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("connecting to %s: not connected in %s: %w",
			o.Addr, seconds(o.Timeout), os.ErrDeadlineExceeded)
	}
	return nil, fmt.Errorf("connecting to %s: %w", o.Addr, bare(err))
}

// bare takes from a network error the addresses that our own messages already name.
func bare(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// why says in words how a read from the server ended.
func why(err error) string {
	if errors.Is(err, io.EOF) {
		return "closed by the server"
	}
	return bare(err).Error()
}

// seconds prints a time-out as people write it: "10 s", "0.25 s".
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}
