package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/stream"
)

// disorder is a server with two listeners, and everything that can happen to it, in random order.
type disorder struct {
	testing.TB
	*kettle.Group
	random    *rand.Rand
	server    *stream.Server
	listeners []*stream.Listener
	clients   []*stream.Conn
	serving   *kettle.Task // the scope of Serve
	served    error
	over      bool // Serve has returned
	waited    int  // how many have been told
	log       []string
}

// TestServerEndsInAnyOrder: drains, ends and cancellations, by tasks of the loop and from other
// goroutines, before, while and after it serves, with clients that come, go, and do not read. After
// any of that everybody is told, and nothing is left.
func TestServerEndsInAnyOrder(t *testing.T) {
	seed := looptest.Seed(t)
	for round := range uint64(60) {
		d := &disorder{TB: t, random: rand.New(rand.NewPCG(uint64(seed), round))}
		runQuietly(t, func(task *kettle.Task) error { return task.Group(d.play) },
			kettle.Clock(jumping), kettle.Seed(seed+round))
		if t.Failed() {
			t.Fatalf("round %d: %s", round, strings.Join(d.log, ", "))
		}
	}
}

func (d *disorder) play(g *kettle.Group) error {
	d.Group = g
	d.server = &stream.Server{Handler: d.handle, Linger: time.Duration(d.random.IntN(3)-1) * 100}
	for _, network := range []string{"tcp", "unix"} {
		d.listeners = append(d.listeners, listenTest(d, d.Task, stream.ListenConfig{}, network))
	}
	acts, ends := d.acts(), d.ends()
	begin := d.random.IntN(4)
	waiters := 0
	for step := range 25 {
		var err error
		switch {
		case step == begin:
			d.log = append(d.log, "Serve")
			err = d.Go("Serve", d.serve)
		case step%10 == 2:
			waiters++
			err = d.Go("Wait", func(t *kettle.Task) error {
				defer func() { d.waited++ }()
				return d.server.Wait(t)
			})
		default:
			act := acts[d.random.IntN(len(acts))]
			if d.random.IntN(10) == 0 {
				act = ends[d.random.IntN(len(ends))]
			}
			d.log = append(d.log, act.what)
			act.do()
		}
		if err != nil {
			return err
		}
		for range d.random.IntN(3) {
			if err := d.Yield(); err != nil {
				return err
			}
		}
	}
	return d.end(waiters)
}

// end ends the server, in one of two ways, after which nothing may be left.
func (d *disorder) end(waiters int) error {
	begun := d.EventLoop().Now()
	if d.random.IntN(2) == 0 {
		d.log = append(d.log, "Close at last")
		d.server.Close()
	} else {
		d.log = append(d.log, "Drain at last")
		d.server.Drain(time.Hour)
		for _, c := range d.clients {
			c.Abort()
		}
	}
	if err := d.server.Wait(d.Task); err != nil {
		return err
	}
	if err := d.Sleep(2 * time.Second); err != nil { // what lingers is over by then
		return err
	}
	if took := d.EventLoop().Now() - begun; took > time.Minute {
		d.Errorf("the end took %v", took)
	}
	for _, c := range d.clients {
		c.Abort()
	}
	d.check(waiters)
	return nil
}

// check looks at what is left.
func (d *disorder) check(waiters int) {
	stats := d.server.Stats()
	left := stats.Open + stats.Handlers
	if !d.over || d.waited != waiters || left != 0 || stats.Failed != 0 {
		d.Errorf("Serve is over: %v, %d of %d were told, %+v", d.over, d.waited, waiters, stats)
	}
	var cancelled *kettle.CancelError
	if d.served != nil && !errors.As(d.served, &cancelled) &&
		!errors.Is(d.served, stream.ErrServerClosed) && !errors.Is(d.served, net.ErrClosed) {
		d.Errorf("Serve returns %v", d.served)
	}
	for _, ln := range d.listeners {
		if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
			d.Errorf("the listener on %v: %v", ln.Addr(), err)
		}
	}
}

func (d *disorder) serve(t *kettle.Task) error {
	return t.WithCancel(func(t *kettle.Task) error {
		d.serving = t
		d.served = d.server.Serve(t, d.listeners...)
		d.over = true
		return nil
	})
}

// handle is the handler: one of several.
func (d *disorder) handle(t *kettle.Task, c *stream.Conn) error {
	switch d.random.IntN(4) {
	case 0: // cleans up
		_, err := c.Next()
		_ = t.Shield(time.Millisecond, func(t *kettle.Task) error { return t.Sleep(time.Hour) })
		return err
	case 1: // has more to say than anybody reads
		_, err := c.Write(make([]byte, 16<<20))
		return err
	case 2:
		return shout(t, c)
	}
	return upper(t, c)
}

// act is something that can happen.
type act struct {
	what string
	do   func()
}

func (d *disorder) acts() []act {
	return []act{
		{"dial", d.dial}, {"dial", d.dial}, {"dial", d.dial}, {"dial", d.dial},
		{"yield", func() { _ = d.Yield() }},
		{"sleep", func() { _ = d.Sleep(time.Duration(d.random.IntN(300))) }},
		{"a client ends", func() { d.client(func(c *stream.Conn) { _ = c.CloseWrite() }) }},
		{"a client aborts", func() { d.client((*stream.Conn).Abort) }},
		{"a client closes", func() { d.client(func(c *stream.Conn) { _ = c.Close() }) }},
		{"a client says something", func() {
			d.client(func(c *stream.Conn) { _ = c.TryWrite([]byte("one\ntwo\nth")) })
		}},
		{"a connection is closed here", func() {
			for c := range d.server.Conns() {
				_ = c.Close()
				return
			}
		}},
	}
}

// ends are those acts that may be the end of it.
func (d *disorder) ends() []act {
	s := d.server
	all := []act{
		{"a listener is closed", func() { _ = d.listeners[d.random.IntN(2)].Close() }},
		{"cancel", func() {
			if d.serving != nil {
				d.serving.Cancel(fmt.Errorf("nobody wants it"))
			}
		}},
	}
	for _, end := range []act{
		{"Drain", func() { s.Drain(time.Hour) }}, {"Drain(0)", func() { s.Drain(0) }},
		{"Close", s.Close}, {"Abort", s.Abort},
	} {
		all = append(all, end, act{end.what + " from elsewhere", func() {
			_, _ = kettle.Blocking(d.Task, func(context.Context) (struct{}, error) {
				end.do()
				return struct{}{}, nil
			})
		}})
	}
	return all
}

// dial has one more client, if the server accepts.
func (d *disorder) dial() {
	addr := d.listeners[d.random.IntN(2)].Addr()
	c, err := stream.Dial(d.Task, addr.Network(), addr.String())
	if err == nil {
		d.clients = append(d.clients, c)
	}
}

// client does something with one of the clients.
func (d *disorder) client(do func(c *stream.Conn)) {
	if n := len(d.clients); n > 0 {
		do(d.clients[d.random.IntN(n)])
	}
}
