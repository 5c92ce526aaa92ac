package stream_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/stream"
)

// turmoil is a connection in memory of which both sides are used by several tasks, in every way and
// in random order, while its deadlines are moved, its marks changed, and its tasks cancelled.
type turmoil struct {
	testing.TB
	*kettle.Group
	random *rand.Rand
	sides  [2]*stream.Conn
	scopes []*kettle.Task
	log    []string
}

var errTurmoil = errors.New("it was cancelled for a moment")

// TestNobodyIsLeftWaiting: whatever was done to a connection, when one of its sides is closed, or
// aborted, everybody who waits for it is told, on either side.
func TestNobodyIsLeftWaiting(t *testing.T) {
	seed := looptest.Seed(t)
	for round := range uint64(60) {
		m := &turmoil{TB: t, random: rand.New(rand.NewPCG(uint64(seed), round))}
		runQuietly(t, func(task *kettle.Task) error { return task.Group(m.play) },
			kettle.Clock(jumping), kettle.Seed(seed+round))
		if t.Failed() {
			t.Fatalf("round %d: %s", round, strings.Join(m.log, ", "))
		}
	}
}

func (m *turmoil) play(g *kettle.Group) error {
	m.Group = g
	m.sides[0], m.sides[1] = stream.Pipe(m.Task)
	for _, c := range m.sides {
		for _, use := range []func(*stream.Conn) error{m.read, m.write, m.write,
			(*stream.Conn).Flush} {
			err := m.Go("user", func(t *kettle.Task) error { return m.use(t, c, use) })
			if err != nil {
				return err
			}
		}
	}
	for range 30 {
		if err := m.disturb(); err != nil {
			return err
		}
	}
	m.end()
	return nil
}

// use does the same again and again, until the connection is no more.
func (m *turmoil) use(t *kettle.Task, c *stream.Conn, use func(*stream.Conn) error) error {
	for {
		err := t.WithTimeout(time.Hour, func(t *kettle.Task) error {
			return t.WithCancel(func(t *kettle.Task) error {
				m.scopes = append(m.scopes, t)
				return use(c)
			})
		})
		var late *kettle.TimeoutError
		switch {
		case errors.As(err, &late):
			m.Errorf("somebody was told nothing")
			return nil
		case err == nil, errors.Is(err, errTurmoil), errors.Is(err, stream.ErrBusy):
		case errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
			errors.Is(err, net.ErrClosed), errors.Is(err, syscall.ECONNRESET),
			errors.Is(err, syscall.EPIPE):
			return nil
		default:
			return err
		}
		if err := t.Sleep(1); err != nil {
			return err
		}
	}
}

func (m *turmoil) read(c *stream.Conn) (err error) {
	n := m.random.IntN(200 << 10)
	switch m.random.IntN(8) {
	case 0:
		_, err = c.Next()
	case 1:
		_, err = c.Read(make([]byte, n+1))
	case 2:
		_, err = c.ReadFull(make([]byte, n))
	case 3:
		_, err = c.Peek(n % stream.DefaultLimit)
	case 4:
		_, err = c.Discard(n)
	case 5:
		_, err = c.ReadLine()
	case 6:
		_, err = c.ReadUntil([]byte{1, 2}, []byte{200})
	case 7:
		if _, err = c.WriteTo(io.Discard); err == nil {
			err = io.EOF
		}
	}
	var limit *stream.LimitError
	if errors.As(err, &limit) {
		_, err = c.Next()
	}
	return err
}

func (m *turmoil) write(c *stream.Conn) (err error) {
	p := make([]byte, m.random.IntN(1<<m.random.IntN(18)))
	for i := range p {
		p[i] = byte(i)
	}
	switch m.random.IntN(3) {
	case 0:
		_, err = c.Write(p)
	case 1:
		_, err = c.Writev([][]byte{p, nil, p})
	case 2:
		if err = c.TryWrite(p); err == stream.ErrFull {
			_, err = c.Write(p)
		}
	}
	return err
}

// disturb does something to one of the sides.
func (m *turmoil) disturb() error {
	c := m.sides[m.random.IntN(2)]
	at := []time.Time{{}, m.EventLoop().Wall(), m.EventLoop().Wall().Add(5)}[m.random.IntN(3)]
	switch m.random.IntN(6) {
	case 0:
		m.log = append(m.log, "cancel")
		if n := len(m.scopes); n > 0 {
			m.scopes[n-1-m.random.IntN(min(n, 8))].Cancel(errTurmoil)
		}
	case 1:
		m.log = append(m.log, "read deadline")
		return errors.Join(c.SetReadDeadline(at), m.Sleep(1), c.SetReadDeadline(time.Time{}))
	case 2:
		m.log = append(m.log, "write deadline")
		return errors.Join(c.SetWriteDeadline(at), m.Sleep(1), c.SetWriteDeadline(time.Time{}))
	case 3:
		m.log = append(m.log, "marks")
		high := m.random.IntN(1 << m.random.IntN(18))
		return c.SetWriteMarks(high, m.random.IntN(high+1))
	case 4:
		return m.Sleep(time.Duration(m.random.IntN(5)))
	}
	return m.Yield()
}

// end ends one of the sides, or both.
func (m *turmoil) end() {
	a, b := m.sides[0], m.sides[1]
	switch m.random.IntN(5) {
	case 0:
		m.log = append(m.log, "Close")
		_ = a.Close()
	case 1:
		m.log = append(m.log, "Abort")
		a.Abort()
	case 2:
		m.log = append(m.log, "Close both")
		_, _ = a.Close(), b.Close()
	case 3:
		m.log = append(m.log, "CloseWrite, Close")
		_ = a.CloseWrite()
		_ = m.Sleep(3)
		_ = a.Close()
	case 4:
		m.log = append(m.log, "Close, Abort")
		_ = a.Close()
		_ = m.Sleep(3)
		a.Abort()
	}
}

// TestFlushEndsWithTheLastWrite, whether who flushes or who writes has the turn first where there
// is room again.
func TestFlushEndsWithTheLastWrite(t *testing.T) {
	seed := looptest.Seed(t)
	for round := range uint64(30) {
		runQuietly(t, func(task *kettle.Task) error {
			a, b := stream.Pipe(task)
			defer a.Abort()
			return task.Group(func(g *kettle.Group) error {
				write := func(*kettle.Task) error {
					_, err := a.Write(make([]byte, 200<<10))
					return err
				}
				flush := func(*kettle.Task) error { return a.Flush() }
				if err := errors.Join(a.SetWriteMarks(0, 0), g.Go("writes", write),
					g.Yield(), g.Go("flushes", flush), g.Yield()); err != nil {
					return err
				}
				_, err := b.ReadFull(make([]byte, 200<<10))
				return err
			})
		}, kettle.Clock(jumping), kettle.Seed(seed+round))
	}
}
