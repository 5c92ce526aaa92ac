package stream_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/selectors"
	"github.com/kettle-go/kettle/stream"
)

// outside is a loop beside a test, which is an ordinary goroutine and has a listener of it.
type outside struct {
	net.Listener
	handle kettle.Handle
	group  *kettle.Group
	cancel context.CancelFunc
	leave  func()       // has the group end when all its connections are closed
	ended  <-chan error // what Run returned
}

// newOutside starts a loop, which ends with the test, when all its connections are closed.
func newOutside(t testing.TB, config stream.ListenConfig, options ...kettle.Option) *outside {
	t.Helper()
	o := startOutside(t, config, options...)
	t.Cleanup(func() {
		o.Close()
		o.leave()
		if err := <-o.ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		o.cancel()
	})
	return o
}

// newOutsideThatEnds starts a loop that the test has to end.
func newOutsideThatEnds(t testing.TB) *outside {
	t.Helper()
	o := startOutside(t, stream.ListenConfig{})
	t.Cleanup(func() { o.leave(); o.cancel() })
	return o
}

func startOutside(t testing.TB, config stream.ListenConfig, options ...kettle.Option) *outside {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	left, leave := context.WithCancel(context.Background())
	ready, ended := make(chan *outside, 1), make(chan error, 1)
	go func() {
		defer close(ready)
		ended <- kettle.Run(func(task *kettle.Task) error {
			ln, err := config.Listen(task, "tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			return task.Group(func(g *kettle.Group) error {
				ready <- &outside{Listener: stream.NetListener(g, ln), group: g,
					handle: g.Handle(), cancel: cancel, leave: leave, ended: ended}
				_, err := kettle.Blocking(g.Task, func(ctx context.Context) (bool, error) {
					select {
					case <-left.Done():
					case <-ctx.Done():
					}
					return true, nil
				})
				return err
			})
		}, append(options, kettle.Context(ctx))...)
	}()
	o, is := <-ready
	if !is {
		t.Fatal(<-ended)
	}
	return o
}

// outsideOnEverySelector runs f with an option for each selector that opens here.
func outsideOnEverySelector(t *testing.T, f func(t *testing.T, backend kettle.Option)) {
	t.Helper()
	for _, name := range selectors.Candidates() {
		s, err := selectors.Open(name)
		if err != nil {
			continue
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) { f(t, kettle.Backend(name)) })
	}
}

// pair returns both sides of a connection: one on the loop, and one of package net.
func (o *outside) pair(t testing.TB) (here, there net.Conn) {
	t.Helper()
	there, err := net.Dial("tcp", o.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	here, err = o.Accept()
	if err != nil {
		there.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() { here.Close(); there.Close() })
	return here, there
}

// dial connects by the loop, for goroutines.
func (o *outside) dial(ctx context.Context, d *stream.Dialer, address string) (net.Conn, error) {
	return kettle.Submit(ctx, o.handle, "dial "+address, func(t *kettle.Task) (net.Conn, error) {
		c, err := d.Dial(t, "tcp", address)
		if err != nil {
			return nil, err
		}
		return stream.NetConn(o.group, c), nil
	})
}
