package models_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync/atomic"
	"time"
)

// clientScript is what one client does: a list of steps, and an ending.
type clientScript struct {
	payload []byte
	steps   []step
	ending  ending
	piece   int  // bytes that it receives at a time
	buffer  int  // of its kernel; 0 is the default
	late    int  // it receives nothing before it has sent this many bytes
	slow    bool // it pauses between the pieces, at the beginning
}

// step is one thing that a client does.
type step struct {
	send, chunk int  // bytes to send, in chunks of at most so many
	settle      bool // wait until all that was sent is answered
	pause       time.Duration
}

// ending is how a client leaves.
type ending int

const (
	halfClose ending = iota // sends no more, and reads to the end
	abort                   // RST, with its answers on the way
	vanish                  // closes, with its answers on the way
	endings
)

func (c *clientScript) String() string {
	return fmt.Sprintf("%d bytes in %d steps, pieces of %d, buffer %d, late %d, slow %v, ending %d",
		len(c.payload), len(c.steps), c.piece, c.buffer, c.late, c.slow, c.ending)
}

// run plays the script. The error says where the answers differ from what they should be: all
// of the payload if the client ends regularly, else a part from the beginning.
func (c *clientScript) run(addr string) error {
	conn, err := dialNarrow(addr, c.buffer)
	if err != nil {
		return err
	}
	defer conn.Close()
	r := &reader{clientScript: c, conn: conn, wake: make(chan struct{}, 1),
		begin: make(chan struct{}), done: make(chan error, 1)}
	if c.late == 0 {
		close(r.begin)
	}
	go func() { r.done <- r.run() }()
	err = r.play()
	switch {
	case c.ending == abort:
		reset(conn)
	case c.ending == vanish:
		conn.Close()
	case err == nil:
		err = conn.CloseWrite()
	}
	if err != nil {
		conn.Close()
	}
	broken := <-r.done
	if broken != nil && r.wrong {
		return fmt.Errorf("%v: %w", c, broken)
	}
	if c.ending != halfClose {
		return nil // it may have been cut off anywhere
	}
	if err = firstOf(err, broken); err != nil {
		return fmt.Errorf("%v: %w", c, err)
	}
	return nil
}

// reader is a client that runs: it receives on a goroutine of its own.
type reader struct {
	*clientScript
	conn  *net.TCPConn
	got   atomic.Int64
	wake  chan struct{} // there is news of got, or the end
	begin chan struct{} // closed when receiving may begin
	done  chan error
	wrong bool // an answer was wrong, rather than missing; once done
}

// play sends the payload step by step.
func (r *reader) play() error {
	sent, late := 0, r.late > 0
	defer func() {
		if late {
			close(r.begin)
		}
	}()
	for _, s := range r.steps {
		for left := min(s.send, len(r.payload)-sent); left > 0; {
			n, err := r.conn.Write(r.payload[sent:][:min(left, s.chunk)])
			if err != nil {
				return fmt.Errorf("send byte %d: %w", sent, err)
			}
			sent, left = sent+n, left-n
			if late && sent >= r.late {
				close(r.begin)
				late = false
			}
		}
		if s.pause > 0 {
			select {
			case <-time.After(s.pause):
			case <-r.wake:
			}
		}
		for s.settle && !late && r.got.Load() < int64(sent) {
			if _, open := <-r.wake; !open {
				return fmt.Errorf("%d bytes are answered of %d", r.got.Load(), sent)
			}
		}
	}
	return nil
}

// run receives, and compares.
func (r *reader) run() error {
	defer close(r.wake)
	<-r.begin
	a := answer{want: upper(r.payload)}
	buf := make([]byte, r.piece)
	for i := 0; ; i++ {
		n, err := r.conn.Read(buf)
		if wrong := a.take(buf[:n]); wrong != nil {
			r.wrong = true
			return wrong
		}
		r.got.Store(int64(a.at))
		select {
		case r.wake <- struct{}{}:
		default:
		}
		switch {
		case err == io.EOF && a.at == len(a.want):
			return nil
		case err != nil:
			return fmt.Errorf("receive byte %d of %d: %w", a.at, len(a.want), err)
		}
		if r.slow && i < 20 {
			window(context.Background(), 2*time.Millisecond)
		}
	}
}

// newScript returns the clients that follow from the seed: the first are of every kind that
// there has to be, the others are drawn. No payload is larger than most.
func newScript(seed uint64, most int) []*clientScript {
	r := rand.New(rand.NewPCG(seed, 1))
	all := []*clientScript{
		{payload: noise(seed, most), steps: []step{{send: most, chunk: most}}, piece: 60_000},
		{payload: noise(seed+1, 300), steps: []step{{send: 300, chunk: 1}}, piece: 7},
		{payload: noise(seed+2, 40_000), steps: []step{{send: 40_000, chunk: 777}}, piece: 4096,
			late: 40_000},
		{payload: noise(seed+3, 1500), piece: 512, steps: slicesOf(15, step{send: 100, chunk: 100,
			settle: true})},
		{payload: noise(seed+4, min(most, 2<<20)), steps: []step{{send: 2 << 20, chunk: 1 << 20}},
			ending: abort, piece: 10_000, slow: true},
		{payload: noise(seed+5, 100_000), steps: []step{{send: 100_000, chunk: 9999}},
			ending: vanish, piece: 1, late: 200_000},
		{}, // connects and leaves
	}
	all[len(all)-1].piece = 1
	for i := range 5 {
		n := 1 + r.IntN(1<<(1+r.IntN(20)))
		c := &clientScript{payload: noise(seed+100+uint64(i), min(n, most)),
			piece: 1 + r.IntN(60_000), ending: ending(r.IntN(int(endings))), slow: r.IntN(3) == 0}
		if r.IntN(2) == 0 {
			c.buffer = 16384 << r.IntN(5)
		}
		if r.IntN(3) == 0 {
			c.late = min(len(c.payload), 1+r.IntN(30_000))
		}
		for left := len(c.payload); left > 0; {
			s := step{send: 1 + r.IntN(left), chunk: 1 + r.IntN(1<<(6+r.IntN(14))),
				settle: r.IntN(3) == 0}
			s.chunk = max(s.chunk, s.send/200)
			if r.IntN(3) == 0 {
				s.pause = time.Duration(r.IntN(5)) * time.Millisecond
			}
			c.steps = append(c.steps, s)
			left -= s.send
		}
		all = append(all, c)
	}
	return all
}

func slicesOf(n int, s step) []step {
	all := make([]step, n)
	for i := range all {
		all[i] = s
	}
	return all
}
