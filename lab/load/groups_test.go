package load_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// allTogether answers nobody before each of so many connections has asked: one that is not asked
// on again holds up all the others.
type allTogether struct {
	mu    sync.Mutex
	conns int
	asked int
	all   chan struct{} // closed when all of this round have asked
}

// asks waits until all have asked, or ended is closed.
func (a *allTogether) asks(ended <-chan struct{}) {
	a.mu.Lock()
	all := a.all
	if a.asked++; a.asked == a.conns {
		close(all)
		a.asked, a.all = 0, make(chan struct{})
	}
	a.mu.Unlock()
	select {
	case <-all:
	case <-ended:
	}
}

// TestEveryAnswerIsFollowedByARequest, whatever comes together: as many as a group has, less, more.
func TestEveryAnswerIsFollowedByARequest(t *testing.T) {
	for _, conns := range []int{1, 15, 16, 17, 100} {
		together := &allTogether{conns: conns, all: make(chan struct{})}
		ended := make(chan struct{})
		addr := serve(t, func(i int, c net.Conn) {
			serial(64, func(int) { together.asks(ended) })(i, c)
		})
		l := dial(t, load.Config{Addr: addr, Conns: conns})
		// At the end of the window some have asked once more and others have not: they are let go.
		res, err := l.Saturate(t.Context(), 0, 200*time.Millisecond, load.Hooks{
			End: func(time.Time) { close(ended) }})
		if err != nil {
			t.Fatal(err)
		}
		check(t, res, conns)
		if res.Requests < 3*int64(conns) || res.Served != conns {
			t.Errorf("%d connections: %d of them served, %d answers", conns, res.Served,
				res.Requests)
		}
		if n := res.Latency.TotalCount(); n != res.Requests {
			t.Errorf("%d connections: %d latencies of %d answers", conns, n, res.Requests)
		}
	}
}
