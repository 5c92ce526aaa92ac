package stream_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"weak"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/stream"
)

// TestHappyEyeballs: an address that does not answer costs the delay, one that refuses nothing.
func TestHappyEyeballs(t *testing.T) {
	testenv.Need(t, testenv.Linux)
	for name, test := range map[string]struct {
		ips   []string // s is silent, r refuses, o is open
		delay time.Duration
		took  time.Duration
	}{
		"the first":           {[]string{"127.0.0.9", "127.0.0.1"}, 0, 0},
		"after the delay":     {[]string{"127.0.0.1", "127.0.0.9"}, 0, 250 * time.Millisecond},
		"after another delay": {[]string{"127.0.0.1", "127.0.0.9"}, time.Second, time.Second},
		"at once after one that fails": {[]string{"127.0.0.5", "127.0.0.6", "127.0.0.9"},
			0, 0},
		"after one that fails and one silent": {[]string{"127.0.0.5", "127.0.0.1", "127.0.0.9"},
			0, 250 * time.Millisecond},
		"no delay is left when one fails": {[]string{"127.0.0.1", "127.0.0.5", "127.0.0.9"},
			0, 250 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSilent(t)
			clock, jumps := clockThatJumps()
			runQuietly(t, func(task *kettle.Task) error {
				ln, err := s.beside(task, "127.0.0.9")
				if err != nil {
					return err
				}
				d := &stream.Dialer{LookUp: names(test.ips...), FallbackDelay: test.delay}
				var c *stream.Conn
				took := elapsed(clock, func() {
					c, err = d.Dial(task, "tcp", s.dialTo("kettle.example"))
				})
				if err != nil {
					return err
				}
				if took != test.took {
					t.Errorf("it took %v, want %v", took, test.took)
				}
				if remote := c.RemoteAddr().String(); remote != ln.Addr().String() {
					t.Errorf("connected to %s, want %v", remote, ln.Addr())
				}
				return c.Close()
			}, jumps)
		})
	}
}

// TestTwoThatStandAtOnce: one of them is taken, and the other closed.
func TestTwoThatStandAtOnce(t *testing.T) {
	s := newSilent(t) // for a port that several addresses can have
	runQuietly(t, func(task *kettle.Task) error {
		for _, host := range []string{"127.0.0.8", "127.0.0.9"} {
			if _, err := s.beside(task, host); err != nil {
				return err
			}
		}
		// That the first is refused begins the third, and the delay is over in the same turn, and
		// begins the fourth.
		d := &stream.Dialer{LookUp: names("127.0.0.5", "127.0.0.6", "127.0.0.8", "127.0.0.9"),
			FallbackDelay: time.Nanosecond}
		before := openDescriptors(t)
		c, err := d.Dial(task, "tcp", s.dialTo("kettle.example"))
		if err != nil {
			return err
		}
		c.Abort()
		if after := openDescriptors(t); after != before {
			t.Errorf("%d descriptors are open, and there were %d", after, before)
		}
		return nil
	})
}

// TestOneAfterTheOther is what a delay below zero asks for.
func TestOneAfterTheOther(t *testing.T) {
	s := newSilent(t)
	_, jumps := clockThatJumps()
	runQuietly(t, func(task *kettle.Task) error {
		if _, err := s.beside(task, "127.0.0.9"); err != nil {
			return err
		}
		d := &stream.Dialer{LookUp: names("127.0.0.1", "127.0.0.9"), FallbackDelay: -1,
			Timeout: time.Minute}
		c, err := d.Dial(task, "tcp", s.dialTo("kettle.example"))
		if c != nil {
			t.Errorf("connected to %v beside one that may yet answer", c.RemoteAddr())
		}
		wantErrors(t, err, os.ErrDeadlineExceeded)
		return nil
	}, jumps)
}

// TestTimeoutOfDial tells what had failed before, and leaves no attempt behind.
func TestTimeoutOfDial(t *testing.T) { // R58
	s := newSilent(t)
	clock, jumps := clockThatJumps()
	runQuietly(t, func(task *kettle.Task) error {
		d := &stream.Dialer{LookUp: names("127.0.0.5", "127.0.0.1", "127.0.0.6"),
			Timeout: 10 * time.Second}
		before := openDescriptors(t)
		var c *stream.Conn
		var err error
		took := elapsed(clock, func() {
			c, err = d.Dial(task, "tcp", s.dialTo("kettle.example"))
		})
		if c != nil || took != 10*time.Second {
			t.Errorf("%v after %v", c, took)
		}
		wantErrors(t, err, os.ErrDeadlineExceeded, context.DeadlineExceeded, syscall.ECONNREFUSED)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v is no time-out", err)
		}
		for _, part := range []string{"kettle.example", "127.0.0.5", "127.0.0.6"} {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not tell of %s: %v", part, err)
			}
		}
		if after := openDescriptors(t); after != before {
			t.Errorf("%d descriptors are open, and there were %d", after, before)
		}
		if task.Err() != nil {
			t.Errorf("the task around it is cancelled: %v", task.Err())
		}
		return nil
	}, jumps)
}

// TestFailedDialIsForgotten: the error, which the caller may keep for ever, holds nothing of what
// was tried.
func TestFailedDialIsForgotten(t *testing.T) { // R58
	s := newSilent(t)
	_, jumps := clockThatJumps()
	runQuietly(t, func(task *kettle.Task) error {
		var err error
		dialer := func() weak.Pointer[stream.Dialer] {
			d := &stream.Dialer{LookUp: names("127.0.0.5", "127.0.0.1"), Timeout: time.Second}
			_, err = d.Dial(task, "tcp", s.dialTo("kettle.example"))
			return weak.Make(d)
		}()
		for range 3 {
			runtime.GC()
		}
		if dialer.Value() != nil {
			t.Errorf("something still has the Dialer of %v", err)
		}
		runtime.KeepAlive(err)
		return nil
	}, jumps)
}

// TestTimeoutAround is that scope's, not Dial's.
func TestTimeoutAround(t *testing.T) {
	s := newSilent(t)
	_, jumps := clockThatJumps()
	runQuietly(t, func(task *kettle.Task) error {
		return task.WithTimeout(time.Second, func(inner *kettle.Task) error {
			for _, limit := range []time.Duration{0, time.Minute} {
				_, err := (&stream.Dialer{Timeout: limit}).Dial(task, "tcp", s.addr.String())
				if err == nil || !inner.Cancelled(err) {
					t.Errorf("with a limit of %v the error is %v", limit, err)
				}
			}
			return nil
		})
	}, jumps)
}

// TestCancelDial at each of its waits: in the resolver, and while attempts are under way.
func TestCancelDial(t *testing.T) { // T27
	s := newSilent(t)
	givenUp := errors.New("given up")
	asked := make(chan struct{}, 1)
	for name, d := range map[string]*stream.Dialer{
		"in the resolver": {LookUp: func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
			asked <- struct{}{}
			<-ctx.Done()
			return nil, &net.DNSError{Err: "operation was canceled", Name: "kettle.example"}
		}},
		"as it is resolved": {LookUp: func(ctx context.Context, _, _ string) ([]netip.Addr, error) {
			asked <- struct{}{}
			<-ctx.Done()
			return []netip.Addr{s.addr.Addr()}, nil
		}},
		"one attempt": {LookUp: names("127.0.0.1"), FallbackDelay: time.Nanosecond},
		"one under way, one refused": {LookUp: names("127.0.0.1", "127.0.0.5"),
			FallbackDelay: time.Nanosecond},
	} {
		t.Run(name, func(t *testing.T) {
			runQuietly(t, func(task *kettle.Task) error {
				return task.Group(func(g *kettle.Group) error {
					before := openDescriptors(t)
					var dialling *kettle.Task
					err := g.Start("dial", func(task *kettle.Task, ready func()) error {
						dialling = task
						ready()
						c, err := d.Dial(task, "tcp", s.dialTo("kettle.example"))
						if c != nil || !task.Cancelled(err) {
							t.Errorf("%v, %v", c, err)
						}
						return nil
					})
					if err != nil {
						return err
					}
					if strings.Contains(name, "resolve") {
						if _, _, err := kettle.Receive(task, asked); err != nil {
							return err
						}
					} else {
						for openDescriptors(t) == before {
							if err := task.Yield(); err != nil {
								return err
							}
						}
					}
					dialling.Cancel(givenUp)
					return nil
				})
			})
		})
	}
}

// TestCancelAsItConnects: whether the connection or the cancellation is first, somebody has the
// connection, or it is closed.
func TestCancelAsItConnects(t *testing.T) { // T27
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			got, lost := 0, 0
			before := openDescriptors(t)
			for turns := range 8 {
				err := task.WithCancel(func(scope *kettle.Task) error {
					return scope.Group(func(g *kettle.Group) error {
						err := g.Go("cancel", func(task *kettle.Task) error {
							for range turns {
								if err := task.Yield(); err != nil {
									return nil
								}
							}
							scope.Cancel(nil)
							return nil
						})
						if err != nil {
							return err
						}
						c, err := stream.Dial(task, "tcp", ln.Addr().String())
						if c != nil {
							got++
							c.Abort()
							return err
						}
						lost++
						return nil
					})
				})
				if err != nil && !errors.Is(err, context.Canceled) {
					return err
				}
				if after := openDescriptors(t); after != before {
					t.Errorf("cancelled after %d turns: %d descriptors are open, and there were %d",
						turns, after, before)
				}
			}
			if got == 0 || lost == 0 {
				t.Errorf("%d connected and %d cancelled: there is no race", got, lost)
			}
			return nil
		}, backend)
	})
}

// TestLoopEndsDuringDial: the sockets that connect are closed with it.
func TestLoopEndsDuringDial(t *testing.T) { // N11
	s := newSilent(t)
	warmUp(t)
	before := openDescriptors(t)
	boom := errors.New("boom")
	err := kettle.Run(func(task *kettle.Task) error {
		return task.Group(func(g *kettle.Group) error {
			for range 3 {
				err := g.Go("dial", func(task *kettle.Task) error {
					_, err := stream.Dial(task, "tcp", s.addr.String())
					return err
				})
				if err != nil {
					return err
				}
			}
			if err := task.Yield(); err != nil {
				return err
			}
			return errors.Join(boom, task.Yield())
		})
	})
	wantErrors(t, err, boom)
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors are left, and there were %d", after, before)
	}
}

// TestSocketsAreReusedAtOnce: the numbers of descriptors that were cancelled in the midst of
// connecting go to others, which get none of their events.
func TestSocketsAreReusedAtOnce(t *testing.T) { // T28
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			for range 50 {
				err := task.WithTimeout(time.Hour, func(scope *kettle.Task) error {
					return scope.Group(func(g *kettle.Group) error {
						for range 4 {
							err := g.Go("dial", func(task *kettle.Task) error {
								_, err := stream.Dial(task, "tcp", ln.Addr().String())
								return err
							})
							if err != nil {
								return err
							}
						}
						err := task.Yield()
						g.Cancel(nil)
						return err
					})
				})
				if err != nil && !errors.Is(err, context.Canceled) {
					return err
				}
				c, err := stream.Dial(task, "tcp", ln.Addr().String())
				if err != nil {
					return err
				}
				if err := meet(ln, c); err != nil {
					return err
				}
			}
			return nil
		}, backend)
	})
}

// meet accepts until it is c's turn, and has c's word on the other side.
func meet(ln *stream.Listener, c *stream.Conn) error {
	if _, err := c.Write([]byte("x\n")); err != nil {
		return err
	}
	defer c.Close()
	for {
		other, err := ln.Accept()
		if err != nil {
			return err
		}
		defer other.Close()
		if other.RemoteAddr().String() == c.LocalAddr().String() {
			line, err := other.ReadLine()
			if err == nil && string(line) != "x" {
				err = errors.New("another one's bytes: " + string(line))
			}
			return err
		}
	}
}
