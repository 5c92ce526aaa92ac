package stream_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/stream"
	"github.com/kettle-go/kettle/transport"
)

// TestLimit has clients wait in the backlog until another one has gone.
func TestLimit(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			limit := transport.NewLimit(2)
			ln, err := listening(task, stream.ListenConfig{Limit: limit})
			if err != nil {
				return err
			}
			clients, err := dialN(task, ln, 5)
			if err != nil {
				return err
			}
			var accepted []*stream.Conn
			return task.Group(func(g *kettle.Group) error {
				err := g.Go("accept", func(*kettle.Task) error {
					for range clients {
						c, err := ln.Accept()
						if err != nil {
							return err
						}
						accepted = append(accepted, c)
					}
					return nil
				})
				for i := 0; err == nil && i < len(clients)-2; i++ {
					err = yieldN(task, 5)
					if len(accepted) != i+2 || limit.Open() != 2 {
						t.Errorf("%d accepted and %d open after %d have gone", len(accepted),
							limit.Open(), i)
					}
					accepted[i].Abort()
				}
				err = errors.Join(err, yieldN(task, 5))
				wantPeers(t, accepted, clients)
				return err
			})
		}, backend)
	})
}

// TestLimitThatRefuses closes what is too much at once, and tells of it.
func TestLimitThatRefuses(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		var refused []string
		limit := transport.NewLimit(1)
		ln, err := listening(task, stream.ListenConfig{Limit: limit,
			Refused: func(peer net.Addr) { refused = append(refused, peer.String()) }})
		if err != nil {
			return err
		}
		return task.Group(func(g *kettle.Group) error {
			var accepted []*stream.Conn
			err := g.Go("accept", func(*kettle.Task) error {
				for range 2 {
					c, err := ln.Accept()
					if err != nil {
						return err
					}
					accepted = append(accepted, c)
				}
				return nil
			})
			if err != nil {
				return err
			}
			clients, err := dialN(task, ln, 3)
			if err != nil {
				return err
			}
			var want []string
			for _, c := range clients[1:] {
				if chunk, err := c.Next(); len(chunk) > 0 || err == nil {
					t.Errorf("a client that is refused has received %q, %v", chunk, err)
				}
				want = append(want, c.LocalAddr().String())
			}
			if !slices.Equal(refused, want) {
				t.Errorf("%v were refused, want %v", refused, want)
			}
			accepted[0].Abort()
			_, err = dialN(task, ln, 1)
			return err
		})
	})
}

// TestLimitOfTwoLoops: a place that one of them gives back is the other's.
func TestLimitOfTwoLoops(t *testing.T) {
	limit := transport.NewLimit(3)
	most := 0
	open := make(chan int, 1)
	open <- 0
	count := func(change int) {
		n := <-open + change
		most = max(most, n)
		open <- n
	}
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := listening(task, stream.ListenConfig{Limit: limit})
		if err != nil {
			return err
		}
		return task.Group(func(g *kettle.Group) error {
			const clients = 50
			err := g.Go("accept", func(task *kettle.Task) error {
				for range clients {
					c, err := ln.Accept()
					if err != nil {
						return err
					}
					count(1)
					if err := yieldN(task, 2); err != nil {
						return err
					}
					count(-1)
					c.Abort()
				}
				return nil
			})
			for range clients {
				if err == nil {
					_, err = dialN(task, ln, 1)
				}
			}
			return err
		})
	}, kettle.Loops(2))
	if limit.Open() != 0 || most > 3 {
		t.Errorf("%d places are taken in the end, and %d were at once", limit.Open(), most)
	}
}

// acceptOnce starts a task that accepts one connection, and closes it at once.
func acceptOnce(g *kettle.Group, name string, ln *stream.Listener) error {
	return g.Go(name, func(t *kettle.Task) error {
		c, err := ln.Accept()
		if err == nil {
			c.Abort()
		}
		return ignoreCancel(t, err)
	})
}

// TestPlaceIsPassedOn: a listener that was told of a place, and has no client any more, does not
// keep it from the others.
func TestPlaceIsPassedOn(t *testing.T) {
	port, err := stream.ReserveShared("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, jumps := clockThatJumps()
	accepted := false
	err = kettle.Run(func(task *kettle.Task) error {
		defer port.Close()
		config := stream.ListenConfig{Limit: transport.NewLimit(1)}
		first, err := port.Listen(task, config)
		if err != nil {
			return err
		}
		second, err := port.Listen(task, config) // another one on the same socket
		if err != nil {
			return err
		}
		third, err := listening(task, config)
		if err != nil {
			return err
		}
		if _, err := dialN(task, first, 2); err != nil {
			return err
		}
		holder, err := first.Accept()
		if err != nil {
			return err
		}
		return task.Group(func(g *kettle.Group) error {
			// The first and the second see the same client.
			err := errors.Join(acceptOnce(g, "first", first), yieldN(task, 2),
				acceptOnce(g, "second", second), yieldN(task, 2))
			if err != nil {
				return err
			}
			if _, err := dialN(task, third, 1); err != nil {
				return err
			}
			err = g.Go("third", func(*kettle.Task) error {
				_, err := third.Accept()
				accepted = err == nil
				return err
			})
			err = errors.Join(err, yieldN(task, 2))
			holder.Abort()
			err = errors.Join(err, task.Sleep(time.Minute))
			g.Cancel(nil) // the second has no client
			return err
		})
	}, jumps)
	if !accepted || err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("the third has accepted: %v; %v", accepted, err)
	}
}

// TestWithoutDescriptors: accepting pauses, is told of once, and loses nobody.
func TestWithoutDescriptors(t *testing.T) { // T15, N8
	if !inOwnProcess(t, nil, "ulimit -n 100;") {
		return
	}
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		clock, jumps := clockThatJumps()
		var incidents []loop.Incident
		told := kettle.OnIncident(func(in loop.Incident) { incidents = append(incidents, in) })
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			clients, err := dialN(task, ln, 10)
			if err != nil {
				return err
			}
			free := exhaust(t)
			var accepted []*stream.Conn
			return task.Group(func(g *kettle.Group) error {
				err := g.Go("accept", func(*kettle.Task) error {
					for range clients {
						c, err := ln.Accept()
						if err != nil {
							return err
						}
						accepted = append(accepted, c)
					}
					return nil
				})
				if err != nil {
					return err
				}
				before := task.EventLoop().Turn()
				if err := task.Sleep(10 * time.Second); err != nil {
					return err
				}
				// 5, 10, 20 to 640 ms, and then a second each.
				if turns := task.EventLoop().Turn() - before; turns > 60 || len(accepted) > 0 {
					t.Errorf("%d turns in ten seconds, and %d accepted", turns, len(accepted))
				}
				free()
				took := elapsed(clock, func() { err = task.Sleep(time.Second) })
				if len(accepted) != len(clients) {
					t.Errorf("%d of %d accepted after %v", len(accepted), len(clients), took)
				}
				wantPeers(t, accepted, clients)
				return err
			})
		}, backend, jumps, told)
		if len(incidents) != 1 || !errors.Is(incidents[0].Err, syscall.EMFILE) {
			t.Errorf("it was told of as %v", incidents)
		}
	})
}

// exhaust takes all descriptors that the process may have, and returns what gives them back.
func exhaust(t *testing.T) (free func()) {
	t.Helper()
	waker, err := sys.NewWaker()
	if err != nil {
		t.Fatal(err)
	}
	var taken []int
	for {
		fd, err := sys.Duplicate(waker.FD())
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	return func() {
		waker.Close()
		for _, fd := range taken {
			_ = sys.Close(fd)
		}
	}
}

// TestFailuresAreToldOncePerBurst, to who asks for it in place of the incident.
func TestFailuresAreToldOncePerBurst(t *testing.T) {
	if !inOwnProcess(t, nil, "ulimit -n 100;") {
		return
	}
	_, jumps := clockThatJumps()
	type failure struct {
		err   error
		pause time.Duration
	}
	var told []failure
	runQuietly(t, func(task *kettle.Task) error {
		failed := func(err error, pause time.Duration) { told = append(told, failure{err, pause}) }
		ln, err := listening(task, stream.ListenConfig{Failed: failed})
		if err != nil {
			return err
		}
		for range 2 {
			if _, err := dialN(task, ln, 1); err != nil {
				return err
			}
			free := exhaust(t)
			stop := task.EventLoop().After(time.Minute, free)
			c, err := ln.Accept()
			stop.Stop()
			if err != nil {
				return err
			}
			c.Abort() // frees its descriptor at once
			// The backlog is seen empty: the burst is over.
			err = task.WithTimeout(time.Second, func(*kettle.Task) error {
				_, err := ln.Accept()
				return err
			})
			wantErrors(t, err, context.DeadlineExceeded)
		}
		return nil
	}, jumps)
	if len(told) != 2 {
		t.Fatalf("two bursts were told of as %v", told)
	}
	for _, f := range told {
		var op *net.OpError
		if f.pause != 5*time.Millisecond || !errors.As(f.err, &op) || op.Op != "accept" {
			t.Errorf("told of %v, and a pause of %v", f.err, f.pause)
		}
	}
}
