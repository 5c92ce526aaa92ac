package kettle_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/kettle-go/kettle"
)

// buffer is the reference of Queue.
type buffer struct {
	*game
	q *kettle.Queue[int]

	items            []int
	closed           bool
	undone           int
	getters, putters queueOf
	brought          map[int]int // what each putter has
	joining          queueOf
	last             int // value that was put
}

func (b *buffer) full() bool { return b.q.Cap() != kettle.Unbounded && len(b.items) >= b.q.Cap() }

// offer says whether a value gets in.
func (b *buffer) offer(v int) bool {
	if b.closed || b.full() {
		return false
	}
	b.undone++
	if who, ok := b.getters.pop(); ok {
		b.decide(who, fmt.Sprint("got ", v))
	} else {
		b.items = append(b.items, v)
	}
	return true
}

func (b *buffer) take() int {
	v := b.items[0]
	b.items = b.items[1:]
	if who, ok := b.putters.pop(); ok {
		b.offer(b.brought[who])
		b.decide(who, "ok")
	}
	return v
}

func (b *buffer) arrivePut(who, v int) {
	switch {
	case b.closed:
		b.decide(who, "closed")
	case b.offer(v):
		b.decide(who, "ok")
	default:
		b.putters = append(b.putters, who)
		b.brought[who] = v
	}
}

func (b *buffer) arriveGet(who int) {
	switch {
	case len(b.items) > 0:
		b.decide(who, fmt.Sprint("got ", b.take()))
	case b.closed:
		b.decide(who, "closed")
	default:
		b.getters = append(b.getters, who)
	}
}

func (b *buffer) arriveJoin(who int) {
	if b.joining = append(b.joining, who); b.undone == 0 {
		b.allDone()
	}
}

func (b *buffer) allDone() {
	for who, ok := b.joining.pop(); ok; who, ok = b.joining.pop() {
		b.decide(who, "ok")
	}
}

func (b *buffer) withdraw(who int) {
	b.getters.remove(who)
	b.putters.remove(who)
	b.joining.remove(who)
}

func (b *buffer) shutdown(immediate bool) {
	b.closed = true
	for _, queue := range []*queueOf{&b.getters, &b.putters} {
		for who, ok := queue.pop(); ok; who, ok = queue.pop() {
			b.decide(who, "closed")
		}
	}
	if immediate {
		b.undone -= len(b.items)
		b.items = nil
	}
	if b.undone == 0 {
		b.allDone()
	}
}

func (b *buffer) check() error {
	if got := b.q.Len(); got != len(b.items) {
		return fmt.Errorf("%d values are in the queue, want %v", got, b.items)
	}
	return nil
}

// done is what a task says that has got something.
func (b *buffer) done() {
	if b.undone--; b.undone == 0 {
		b.allDone()
	}
	b.q.Done()
}

// The kinds of steps, the more frequent ones several times.
const (
	put = iota
	put2
	put3
	get
	get2
	tryPut
	tryGet
	join
	shutdown
	kindsOfBuffer
)

func (b *buffer) do(t *kettle.Task, who int, s step) error {
	switch s.kind {
	case put, put2, put3:
		b.last++
		v := b.last
		_, err := b.wait(t, who, s, func() { b.arrivePut(who, v) },
			func(t *kettle.Task) (string, error) { return "ok", b.q.Put(t, v) })
		return err
	case get, get2:
		ok, err := b.wait(t, who, s, func() { b.arriveGet(who) },
			func(t *kettle.Task) (string, error) {
				v, err := b.q.Get(t)
				return fmt.Sprint("got ", v), err
			})
		if ok {
			pause(t, s.after)
			b.done()
		}
		return err
	case join:
		_, err := b.wait(t, who, s, func() { b.arriveJoin(who) },
			func(t *kettle.Task) (string, error) { return "ok", b.q.Join(t) })
		return err
	case shutdown:
		if s.before+s.after >= 5 { // rarely
			b.shutdown(s.before == 3)
			b.q.Shutdown(s.before == 3)
		}
	default:
		return b.try(s)
	}
	return b.check()
}

func (b *buffer) try(s step) error {
	if s.kind == tryPut {
		b.last++
		if want, got := b.offer(b.last), b.q.TryPut(b.last); got != want {
			return fmt.Errorf("TryPut gives %v, want %v", got, want)
		}
		return b.check()
	}
	want, wantOK := 0, len(b.items) > 0
	if wantOK {
		want = b.take()
	}
	if got, ok := b.q.TryGet(); got != want || ok != wantOK {
		return fmt.Errorf("TryGet gives %d, %v, want %d, %v", got, ok, want, wantOK)
	}
	if wantOK {
		b.done()
	}
	return b.check()
}

// TestSchedulesOfQueues: each value that was put is got once, in order, by whoever has waited
// longest; no value is lost, whoever is cancelled whenever.
func TestSchedulesOfQueues(t *testing.T) { // K13, K14
	rapid.Check(t, func(rt *rapid.T) {
		capacity := rapid.SampledFrom([]int{1, 2, 3, kettle.Unbounded}).Draw(rt, "capacity")
		b := &buffer{q: kettle.NewQueue[int](capacity), brought: map[int]int{}}
		b.game = &game{reference: b}
		if err := b.play(drawSchedule(rt, kindsOfBuffer), b.do); err != nil {
			rt.Fatal(err)
		}
	})
}
