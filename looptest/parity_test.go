package looptest_test

import (
	"errors"
	"maps"
	"net"
	"testing"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/loop"
	"github.com/kettle-go/kettle/looptest"
	"github.com/kettle-go/kettle/selectors"
)

// TestSelectorIsLikeAnyOther: random operations, right ones and wrong ones, on it and on one that
// has a kernel. They must find the same, and fail in the same way.
func TestSelectorIsLikeAnyOther(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	rapid.Check(t, func(t *rapid.T) {
		real, err := selectors.Default()
		if err != nil {
			t.Fatal(err)
		}
		p := &pairs{T: t, both: [2]loop.Selector{real, looptest.NewSelector()}}
		defer p.close()
		for range 3 {
			p.open()
		}
		t.Repeat(map[string]func(*rapid.T){
			"register":   func(*rapid.T) { p.change(loop.Selector.Register) },
			"modify":     func(*rapid.T) { p.change(loop.Selector.Modify) },
			"unregister": func(*rapid.T) { p.unregister() },
			"send":       func(*rapid.T) { p.setReadable(true) },
			"receive":    func(*rapid.T) { p.setReadable(false) },
			"select":     func(*rapid.T) { p.selectBoth() },
		})
	})
}

// pairs are two selectors, and connections that both are told of.
type pairs struct {
	*rapid.T
	both  [2]loop.Selector // the second one is the one without a kernel
	conns []*conn
}

// conn is a connection, of which one end is watched.
type conn struct {
	mine, peer net.Conn
	fd         int
	readable   bool
}

// FD returns the descriptor.
func (c *conn) FD() int { return c.fd }

func (p *pairs) open() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		p.Fatal(err)
	}
	defer listener.Close()
	mine, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		p.Fatal(err)
	}
	peer, err := listener.Accept()
	if err != nil {
		p.Fatal(err)
	}
	c := &conn{mine: mine, peer: peer}
	raw, err := mine.(*net.TCPConn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { c.fd = int(fd) })
	}
	if err != nil {
		p.Fatal(err)
	}
	p.conns = append(p.conns, c)
	p.simulated().SetReady(c.fd, selectors.Write) // there is room for what nobody sends
}

func (p *pairs) simulated() *looptest.Selector { return p.both[1].(*looptest.Selector) }

func (p *pairs) close() {
	for _, c := range p.conns {
		c.mine.Close()
		c.peer.Close()
	}
	for _, s := range p.both {
		if err := s.Close(); err != nil {
			p.Error(err)
		}
		if err := s.Wake(); !errors.Is(err, selectors.ErrClosed) {
			p.Errorf("wake after Close: %v", err)
		}
	}
}

// file draws a connection, its descriptor, or what can be no descriptor.
func (p *pairs) file() any {
	c := rapid.SampledFrom(p.conns).Draw(p.T, "connection")
	return rapid.SampledFrom([]any{c, c.fd, c, c.fd, -1, "word", nil}).Draw(p.T, "file")
}

// change registers or modifies.
func (p *pairs) change(do func(loop.Selector, any, selectors.Events, any) (selectors.Key, error)) {
	file := p.file()
	events := rapid.SampledFrom([]selectors.Events{1, 2, 3, 1, 2, 3, 0, 4}).Draw(p.T, "events")
	data := rapid.Int().Draw(p.T, "data")
	key, err := do(p.both[0], file, events, data)
	got, gotErr := do(p.both[1], file, events, data)
	p.compare(key, err, got, gotErr)
}

func (p *pairs) unregister() {
	file := p.file()
	key, err := p.both[0].Unregister(file)
	got, gotErr := p.both[1].Unregister(file)
	p.compare(key, err, got, gotErr)
}

// compare compares what the two selectors have answered.
func (p *pairs) compare(key selectors.Key, err error, got selectors.Key, gotErr error) {
	if got != key {
		p.Errorf("the key is %+v, want %+v", got, key)
	}
	if (err == nil) != (gotErr == nil) {
		p.Errorf("the error is %v, want %v", gotErr, err)
	}
	for _, kind := range []error{selectors.ErrInvalidEvents, selectors.ErrInvalidFD,
		selectors.ErrRegistered, selectors.ErrNotRegistered, selectors.ErrClosed} {
		if errors.Is(err, kind) != errors.Is(gotErr, kind) {
			p.Errorf("the error is %v, want %v", gotErr, err)
		}
	}
}

// setReadable sends something, or receives it.
func (p *pairs) setReadable(readable bool) {
	c := rapid.SampledFrom(p.conns).Draw(p.T, "connection")
	if c.readable == readable {
		return
	}
	c.readable = readable
	one := make([]byte, 1)
	var err error
	ready := selectors.Write
	if readable {
		_, err = c.peer.Write(one)
		ready |= selectors.Read
	} else {
		_, err = c.mine.Read(one)
	}
	if err != nil {
		p.Fatal(err)
	}
	p.simulated().SetReady(c.fd, ready)
}

// selectBoth compares what is found, after some more operations that make some of it stale.
func (p *pairs) selectBoth() {
	var counts [2]int
	for i, s := range p.both {
		var err error
		if counts[i], err = s.Select(0); err != nil {
			p.Fatal(err)
		}
	}
	if counts[0] != counts[1] {
		p.Errorf("%d are ready, want %d", counts[1], counts[0])
	}
	for range rapid.IntRange(0, 4).Draw(p.T, "operations in the batch") {
		rapid.SampledFrom([]func(){
			p.unregister,
			func() { p.change(loop.Selector.Register) },
			func() { p.change(loop.Selector.Modify) },
		}).Draw(p.T, "operation")()
	}
	want, got := maps.Collect(p.both[0].Ready()), maps.Collect(p.both[1].Ready())
	if !maps.Equal(got, want) {
		p.Errorf("ready: %v, want %v", got, want)
	}
}
