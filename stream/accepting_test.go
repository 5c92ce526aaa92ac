package stream_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

// dialN makes n connections.
func dialN(t *kettle.Task, ln *stream.Listener, n int) ([]*stream.Conn, error) {
	var all []*stream.Conn
	for range n {
		c, err := stream.Dial(t, "tcp", ln.Addr().String())
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}

// yieldN lets n turns of the loop pass, and more than that.
func yieldN(t *kettle.Task, n int) error {
	for range n {
		if err := t.Yield(); err != nil {
			return err
		}
	}
	return nil
}

// wantPeers fails the test unless accepted are the other sides of the clients, in order.
func wantPeers(t *testing.T, accepted, clients []*stream.Conn) {
	t.Helper()
	var got, want []string
	for _, c := range accepted {
		got = append(got, c.RemoteAddr().String())
	}
	for _, c := range clients {
		want = append(want, c.LocalAddr().String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("accepted %v, want %v", got, want)
	}
}

// TestAcceptLeavesTheOthersInTheBacklog, where they cost nothing and other processes may have them.
func TestAcceptLeavesTheOthersInTheBacklog(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			clients, err := dialN(task, ln, 5)
			if err != nil {
				return err
			}
			before := openDescriptors(t)
			var accepted []*stream.Conn
			for i := range clients {
				c, err := ln.Accept()
				if err != nil {
					return err
				}
				accepted = append(accepted, c)
				if err := yieldN(task, 3); err != nil {
					return err
				}
				if open := openDescriptors(t) - before; open != i+1 {
					t.Errorf("%d connections are open after %d were accepted", open, i+1)
				}
			}
			wantPeers(t, accepted, clients)
			return nil
		}, backend)
	})
}

// TestAcceptorsAreServedInOrder: who has waited longest gets the first client.
func TestAcceptorsAreServedInOrder(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			accepted := make([]*stream.Conn, 3)
			return task.Group(func(g *kettle.Group) error {
				for i := range accepted {
					err := g.Go("accept", func(*kettle.Task) (err error) {
						accepted[i], err = ln.Accept()
						return err
					})
					if err != nil {
						return err
					}
				}
				if err := task.Yield(); err != nil {
					return err
				}
				clients, err := dialN(task, ln, len(accepted)+1)
				if err != nil {
					return err
				}
				last, err := ln.Accept() // after all who have waited
				if err != nil {
					return err
				}
				wantPeers(t, append(accepted, last), clients)
				return nil
			})
		}, backend)
	})
}

// TestCancelledAcceptLosesNoConnection, whenever it is cancelled.
func TestCancelledAcceptLosesNoConnection(t *testing.T) { // T27
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			cancelled, tries := 0, 0
			for tries < 8 || tries < 1000 && cancelled == tries { // a ring may tell later
				taken, clients, err := acceptCancelled(task, ln, tries)
				if err != nil {
					return err
				}
				tries++
				if taken == nil {
					cancelled++
					if taken, err = ln.Accept(); err != nil {
						return err
					}
				}
				wantPeers(t, []*stream.Conn{taken}, clients)
			}
			if cancelled == 0 || cancelled == tries {
				t.Errorf("%d of %d were cancelled: there is no race", cancelled, tries)
			}
			return nil
		}, backend)
	})
}

// acceptCancelled has a client connect, and cancels a task that accepts it so many turns later.
func acceptCancelled(t *kettle.Task, ln *stream.Listener, turns int) (c *stream.Conn,
	clients []*stream.Conn, err error) {
	err = t.Group(func(g *kettle.Group) error {
		var accepting *kettle.Task
		err := g.Start("accept", func(t *kettle.Task, ready func()) (err error) {
			accepting = t
			ready()
			if c, err = ln.Accept(); t.Cancelled(err) {
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
		err = g.Go("connect", func(t *kettle.Task) (err error) {
			clients, err = dialN(t, ln, 1)
			return err
		})
		if err != nil {
			return err
		}
		if err := yieldN(t, turns); err != nil {
			return err
		}
		accepting.Cancel(nil)
		return nil
	})
	return c, clients, err
}

// TestCancelTheFirstOfTwo: the connection that had woken nobody yet is the second's.
func TestCancelTheFirstOfTwo(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := listening(task, stream.ListenConfig{})
		if err != nil {
			return err
		}
		return task.Group(func(g *kettle.Group) error {
			var first *kettle.Task
			var ends []string
			for _, name := range []string{"first", "second"} {
				err := g.Go(name, func(t *kettle.Task) error {
					if name == "first" {
						first = t
					}
					c, err := ln.Accept()
					if t.Cancelled(err) {
						ends = append(ends, name+" cancelled")
						return nil
					}
					if err == nil {
						ends = append(ends, name+" accepted")
						err = c.Close()
					}
					return err
				})
				if err != nil {
					return err
				}
			}
			if err := yieldN(task, 2); err != nil {
				return err
			}
			first.Cancel(nil)
			if _, err := dialN(task, ln, 1); err != nil {
				return err
			}
			if err := yieldN(task, 4); err != nil {
				return err
			}
			if want := []string{"first cancelled", "second accepted"}; !slices.Equal(ends, want) {
				t.Errorf("they ended as %q", ends)
			}
			return nil
		})
	})
}

// TestUnwantedClientsKeepNobodyBusy: they wait in the backlog, and the loop sleeps.
func TestUnwantedClientsKeepNobodyBusy(t *testing.T) {
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		_, jumps := clockThatJumps()
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			err = task.WithTimeout(time.Second, func(*kettle.Task) error {
				_, err := ln.Accept()
				return err
			})
			wantErrors(t, err, context.DeadlineExceeded)
			clients, err := dialN(task, ln, 2)
			if err != nil {
				return err
			}
			before := task.EventLoop().Turn()
			if err := task.Sleep(time.Hour); err != nil { // which it does only if nothing is ready
				return err
			}
			if turns := task.EventLoop().Turn() - before; turns > 5 {
				t.Errorf("%d turns in an hour", turns)
			}
			c, err := ln.Accept()
			if err != nil {
				return err
			}
			wantPeers(t, []*stream.Conn{c}, clients[:1])
			return nil
		}, backend, jumps)
	})
}

// TestCloseWakesAcceptors, and whoever comes later, and the backlog is refused.
func TestCloseWakesAcceptors(t *testing.T) { // N11
	eachBackend(t, func(t *testing.T, backend kettle.Option) {
		runQuietly(t, func(task *kettle.Task) error {
			ln, err := listening(task, stream.ListenConfig{})
			if err != nil {
				return err
			}
			woken := 0
			err = task.Group(func(g *kettle.Group) error {
				for range 3 {
					err := g.Go("accept", func(*kettle.Task) error {
						_, err := ln.Accept()
						wantErrors(t, err, net.ErrClosed)
						woken++
						return nil
					})
					if err != nil {
						return err
					}
				}
				return errors.Join(task.Yield(), ln.Close(), ln.Close())
			})
			if _, again := ln.Accept(); !errors.Is(again, net.ErrClosed) || woken != 3 {
				t.Errorf("%d were woken, and the next one gets %v", woken, again)
			}
			if _, refused := dialN(task, ln, 1); refused == nil {
				t.Error("a client could connect to a listener that is closed")
			}
			return err
		}, backend)
	})
}

// TestAcceptGivesWay: a backlog that never ends does not keep out the others.
func TestAcceptGivesWay(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := listening(task, stream.ListenConfig{})
		if err != nil {
			return err
		}
		clients, err := dialN(task, ln, 100)
		if err != nil {
			return err
		}
		return task.Group(func(g *kettle.Group) error {
			turns, over := 0, false
			err := g.Go("other", func(t *kettle.Task) error {
				for !over {
					turns++
					if err := t.Yield(); err != nil {
						return err
					}
				}
				return nil
			})
			for range clients {
				if err == nil {
					_, err = ln.Accept()
				}
			}
			if over = true; turns < 2 {
				t.Errorf("the other task has run %d times", turns)
			}
			return err
		})
	})
}

// TestAcceptIsForTasks of the listener's loop, and not for TLS.
func TestAcceptIsForTasks(t *testing.T) {
	runQuietly(t, func(task *kettle.Task) error {
		ln, err := listening(task, stream.ListenConfig{})
		if err != nil {
			return err
		}
		_, err = kettle.Blocking(task, func(context.Context) (struct{}, error) {
			_, err := ln.Accept()
			wantErrors(t, err, kettle.ErrWrongGoroutine)
			wantErrors(t, ln.Close(), kettle.ErrWrongGoroutine)
			return struct{}{}, nil
		})
		return err
	})
}
