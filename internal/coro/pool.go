package coro

// Pool makes coroutines and keeps some that have ended, each with its goroutine, for other
// bodies. It belongs to one goroutine. The zero Pool keeps none: see Max.
//
// What it keeps is bounded, for two reasons: a stack that has once grown stays as large, and under
// the race detector each life of a goroutine costs memory that is never given back.
type Pool struct {
	Max  int // how many are kept
	free []*Coro
}

// New returns a coroutine that will run body, as New of the package does. When it has ended it can
// be given back.
func (p *Pool) New(body Body) *Coro {
	last := len(p.free) - 1
	if last < 0 {
		c := newCoro(body)
		c.pooled = true
		return c
	}
	c := p.free[last]
	p.free[last] = nil
	p.free = p.free[:last]
	c.body, c.begun, c.ended = body, false, false
	return c
}

// Put takes back a coroutine of this pool that has ended; nobody may use it any more. One that has
// ended in another way than by returning is taken back too, unless its goroutine is gone.
func (p *Pool) Put(c *Coro) {
	if !c.ended {
		panic("coro: a coroutine that has not ended was given back")
	}
	goroutineGone := !c.pooled
	c.body, c.failure = nil, nil
	switch {
	case goroutineGone:
	case len(p.free) < p.Max:
		p.free = append(p.free, c)
	default:
		c.stop()
	}
}

// Len returns how many are kept at present.
func (p *Pool) Len() int { return len(p.free) }

// Close ends the coroutines that are kept.
func (p *Pool) Close() {
	for _, c := range p.free {
		c.stop()
	}
	p.free = nil
}
