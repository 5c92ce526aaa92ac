package loop

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// posts is what other goroutines have for the loop.
//
// A loop that sleeps must be woken, one that runs need not be, and one wake-up is enough however
// many posts there are. What has to be right is the order:
//
//	post:  append  ──▶ asleep? then it is not any more, and is woken
//	sleep: asleep  ──▶ look whether there is something; then it does not wait
//
// If the post is appended before the loop looks, the loop sees it. If it comes after, the loop is
// asleep already, and exactly one of those who post finds it so.
type posts struct {
	mu     sync.Mutex
	list   []Runner // waiting for the loop
	closed bool
	some   atomic.Bool // the list is not empty
	asleep atomic.Bool
	over   chan struct{} // closed with it

	spare []Runner // the loop's
}

// Post has f run in the loop, in the order of the posts. It may be called from any goroutine, and
// never waits for the loop. After Close it returns ErrClosed; what the loop does not come to before
// Close is dropped. Any other error says that the loop could not be woken: it will run f when
// something else wakes it. That is no harmless condition, and is an incident as well, told of by
// the goroutine that calls Post.
func (l *Loop) Post(f func()) error { return l.PostRunner(Func(f)) }

// PostRunner is Post for a Runner.
func (l *Loop) PostRunner(r Runner) error {
	p := &l.posts
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return fmt.Errorf("loop: post: %w", ErrClosed)
	}
	p.list = append(p.list, r)
	p.some.Store(true)
	p.mu.Unlock()
	if !p.asleep.CompareAndSwap(true, false) {
		return nil
	}
	err := l.selector.Wake()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("loop: post: %w", err)
	if !errors.Is(err, ErrClosed) { // if it is, something else has woken the loop and ended it
		p.asleep.Store(true) // it sleeps on: the next post has to try as well
		l.incident("wake the loop", err, nil)
	}
	return err
}

// sleep announces that the loop will wait. It returns false if it must not.
func (p *posts) sleep() bool {
	p.asleep.Store(true)
	return !p.some.Load()
}

// waiting reports whether there is something.
func (p *posts) waiting() bool { return p.some.Load() }

// takePosts is the second phase.
func (l *Loop) takePosts() {
	p := &l.posts
	if !p.some.Load() {
		return
	}
	p.mu.Lock()
	list := p.list
	p.list = p.spare[:0]
	p.some.Store(false)
	p.mu.Unlock()
	l.soon = append(l.soon, list...)
	l.counters.posts += uint64(len(list))
	clear(list)
	if p.spare = list; cap(list) > 4096 { // a burst is over
		p.spare = nil
	}
}

func (p *posts) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed, p.list = true, nil
	p.some.Store(false)
	close(p.over)
}

// Closed returns a channel that is closed with the loop: what was posted and has not run by then
// never will. It may be called from any goroutine.
func (l *Loop) Closed() <-chan struct{} { return l.posts.over }
