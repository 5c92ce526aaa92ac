package streamtest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/stream"
)

func trafficChecks() []check {
	return []check{
		{"EachGetsItsOwnBytes", eachGetsItsOwnBytes},
		{"ManyBytesBothWays", manyBytesBothWays},
		{"FasterThanItsConsumer", fasterThanItsConsumer},
		{"OneThatFloods", oneThatFloods},
		{"LongReadsGiveWay", longReadsGiveWay},
	}
}

// eachGetsItsOwnBytes: many connections have chunks in hand at the same time, while their tasks
// suspend in every way, and the others read and write. Each chunk stays what it was, and each
// client gets its own bytes back, inverted.
func eachGetsItsOwnBytes(f *fixture) {
	const clients, rounds = 24, 30
	var all []*actor
	for tag := range clients {
		client, server := f.pair()
		all = append(all, f.do(func(t *kettle.Task) error { return invert(t, server, tag) }),
			f.do(func(t *kettle.Task) error {
				random := rand.New(rand.NewPCG(uint64(tag), 1))
				for range rounds {
					size := 1 + random.IntN(6000)
					if random.IntN(8) == 0 {
						size += 70 << 10
					}
					if err := askBack(t, client, tag, size); err != nil {
						return err
					}
				}
				return client.CloseWrite()
			}))
	}
	for _, a := range all {
		f.succeeds(a)
	}
}

// askBack sends bytes with a tag, and has them come back inverted. It reads while it writes.
func askBack(t *kettle.Task, c *stream.Conn, tag, size int) error {
	sent := bytes.Repeat([]byte{byte(tag)}, size)
	return t.Group(func(g *kettle.Group) error {
		if err := g.Go("write", func(*kettle.Task) error {
			_, err := c.Write(sent)
			return err
		}); err != nil {
			return err
		}
		got := make([]byte, size)
		if _, err := c.ReadFull(got); err != nil {
			return err
		}
		return allAre(got, ^byte(tag))
	})
}

// invert is a service that has a chunk in hand for a while.
func invert(t *kettle.Task, c *stream.Conn, tag int) error {
	for turn := 0; ; turn++ {
		chunk, err := c.Next()
		if err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		for range (turn + tag) % 4 {
			if err := t.Yield(); err != nil {
				return err
			}
		}
		if err := allAre(chunk, byte(tag)); err != nil {
			return err
		}
		for i := range chunk {
			chunk[i] = ^chunk[i]
		}
		if turn%3 == 0 {
			if err := t.Sleep(1); err != nil {
				return err
			}
		}
		if err := allAre(chunk, ^byte(tag)); err != nil {
			return err
		}
		if _, err := c.Write(chunk); err != nil {
			return err
		}
	}
}

func allAre(p []byte, want byte) error {
	for i, b := range p {
		if b != want {
			return fmt.Errorf("byte %d of %d is %#x, want %#x: it is another's", i, len(p), b, want)
		}
	}
	return nil
}

// manyBytesBothWays: a few megabytes in each direction at once, written and read in every way and
// size.
func manyBytesBothWays(f *fixture) {
	const total = 4 << 20
	var all []*actor
	for side, c := range []*stream.Conn{f.a, f.b} {
		mine, theirs := pattern(side, total), pattern(1-side, total)
		random := rand.New(rand.NewPCG(uint64(side), 2))
		all = append(all, f.do(func(*kettle.Task) error {
			for rest := mine; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(1<<random.IntN(18)))
				if err := writeSomehow(c, rest[:n], random.IntN(3)); err != nil {
					return err
				}
				rest = rest[n:]
			}
			return c.CloseWrite()
		}), f.do(func(*kettle.Task) error {
			got, err := readSomehow(c, rand.New(rand.NewPCG(uint64(side), 3)))
			if err == io.EOF && !bytes.Equal(got, theirs) {
				return fmt.Errorf("%d bytes have come, or others: want %d", len(got), total)
			} else if err != io.EOF {
				return err
			}
			return nil
		}))
	}
	for _, a := range all {
		f.succeeds(a)
	}
}

func writeSomehow(c *stream.Conn, p []byte, way int) error {
	switch way {
	case 0:
		_, err := c.Write(p)
		return err
	case 1:
		_, err := c.Writev([][]byte{p[:len(p)/2], p[len(p)/2:]})
		return err
	}
	if err := c.TryWrite(p); err != stream.ErrFull {
		return err
	}
	_, err := c.Write(p)
	return err
}

// readSomehow reads everything up to the end, each piece in another way.
func readSomehow(c *stream.Conn, random *rand.Rand) (all []byte, err error) {
	buffer := make([]byte, 1<<17)
	for {
		size := 1 + random.IntN(1<<random.IntN(17))
		var p []byte
		n := 0
		switch random.IntN(5) {
		case 0:
			p, err = c.Next()
		case 1:
			n, err = c.Read(buffer[:size])
			p = buffer[:n]
		case 2:
			n, err = c.ReadFull(buffer[:size])
			if p = buffer[:n]; err != nil && n > 0 {
				err = nil // the next read finds the end again
			}
		case 3:
			p, err = c.ReadUntil([]byte{7, 38}, []byte{1})
			if err != nil && err != io.EOF {
				p, err = c.Next()
			}
		case 4:
			_, err = c.Peek(min(size, 1000))
			if err == io.EOF && c.Buffered() > 0 {
				err = nil
			}
		}
		if all = append(all, p...); err != nil {
			return all, err
		}
	}
}

// N2: from a producer by way of a proxy to a consumer that takes its time, every byte arrives, and
// little is pending anywhere.
func fasterThanItsConsumer(f *fixture) {
	producer, left := f.a, f.b
	right, consumer := f.pair()
	const total = 12 << 20
	w := f.do(func(*kettle.Task) error {
		p := pattern(5, 1<<20)
		for range total / len(p) {
			if _, err := producer.Write(p); err != nil {
				return err
			}
		}
		return producer.CloseWrite()
	})
	most := 0
	proxy := f.do(func(*kettle.Task) error {
		_, err := io.Copy(watched{right, &most}, left)
		if err == nil {
			err = right.CloseWrite()
		}
		return err
	})
	f.settle()
	p := make([]byte, 1<<20)
	want := string(pattern(5, len(p)))
	for range total / len(p) {
		n, err := consumer.ReadFull(p)
		f.got(p[:n], err, want, nil)
		f.turns(3)
	}
	f.atEnd(consumer)
	f.succeeds(w)
	f.succeeds(proxy)
	if limit := 200 << 10; most > limit {
		f.Errorf("the proxy had %d bytes pending, more than %d", most, limit)
	}
}

// watched notes how much is pending at most.
type watched struct {
	*stream.Conn
	most *int
}

func (w watched) Write(p []byte) (int, error) {
	n, err := w.Conn.Write(p)
	*w.most = max(*w.most, w.Pending())
	return n, err
}

// oneThatFloods: a connection on which there is always something to read does not keep another one
// waiting for longer than some turns of the loop.
func oneThatFloods(f *fixture) {
	quiet, peer := f.pair()
	f.do(func(*kettle.Task) error {
		for {
			if _, err := f.b.Write(pattern(1, 64<<10)); err != nil {
				return err
			}
		}
	})
	f.do(func(*kettle.Task) error { _, err := io.Copy(io.Discard, f.a); return err })
	f.do(func(*kettle.Task) error { _, err := io.Copy(peer, peer); return err })
	before := f.task.Stats().Turns
	const rounds = 50
	for range rounds {
		f.write(quiet, "ping")
		f.reads(quiet, "ping")
	}
	if n := f.task.Stats().Turns - before; n > rounds*40 {
		f.Errorf("%d round trips took %d turns", rounds, n)
	}
}

// longReadsGiveWay: a read of very much, all of which has arrived, does not keep the others waiting
// until it has it, and heeds its cancellation.
func longReadsGiveWay(f *fixture) {
	for _, c := range []struct {
		what string
		read func(n int) (int, error)
		turn int // as much may be read in one, so that there are several
	}{
		{"ReadFull", func(n int) (int, error) { return f.a.ReadFull(make([]byte, n)) }, 1 << 20},
		{"Discard", f.a.Discard, 1 << 19}, // a buffer at a time
	} {
		written, w := f.flood(f.b, enough)
		w.giveUp()
		f.fails(w, errOver)
		before := f.task.Stats().Turns
		r := f.do(func(*kettle.Task) error { _, err := c.read(*written); return err })
		f.succeeds(r)
		turns := f.task.Stats().Turns - before
		if want := uint64(*written / c.turn); turns < want {
			f.Errorf("%s of %d bytes took %d turns, want at least %d", c.what, *written, turns,
				want)
		}
	}

	written, w := f.flood(f.b, enough)
	w.giveUp()
	f.fails(w, errOver)
	n := 0
	r := f.do(func(*kettle.Task) (err error) { n, err = f.a.Discard(*written); return err })
	f.turns(2)
	r.giveUp()
	if err := f.result(r); err == nil && *written > 2<<20 {
		f.Errorf("%d bytes were dropped, and it was cancelled soon", n)
	}
	f.reads(f.a, string(f.floodBytes(n, *written)))

	f.must(f.a.SetLimit(enough))
	written, w = f.flood(f.b, enough)
	w.giveUp()
	f.fails(w, errOver)
	r = f.do(func(*kettle.Task) error { _, err := f.a.Peek(*written); return err })
	f.turns(2)
	r.giveUp()
	_ = f.result(r)
	if n := f.a.Buffered(); n > 1<<20 {
		f.Errorf("in two turns it has received %d bytes", n)
	}
	f.reads(f.a, string(f.floodBytes(0, *written)))
}

// floodBytes returns bytes of a flood.
func (f *fixture) floodBytes(from, to int) []byte {
	p := make([]byte, to-from)
	for i := range p {
		p[i] = byte((from + i) * 7)
	}
	return p
}
