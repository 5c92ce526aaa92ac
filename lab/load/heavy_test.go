package load_test

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/ascii"
	"github.com/kettle-go/kettle/lab/load"
)

// computing serves requests of size bytes. One that begins with the marker takes a while longer.
// It counts both kinds, by the number of the connection; those above are counted as the last one.
type computing struct {
	size            int
	work            time.Duration
	marked, unheavy [20]atomic.Int64
}

func (s *computing) serve(i int, c net.Conn) {
	buf := make([]byte, s.size)
	i = min(i, len(s.marked)-1)
	for {
		if _, err := io.ReadFull(c, buf); err != nil {
			return
		}
		if bytes.HasPrefix(buf, []byte(load.Marker)) {
			s.marked[i].Add(1)
			time.Sleep(s.work)
		} else {
			s.unheavy[i].Add(1)
		}
		ascii.Upper(buf)
		if _, err := c.Write(buf); err != nil {
			return
		}
	}
}

// TestHeavyRequestsBeginWithTheMarker, each of them, and no other; and which connections are heavy
// is spread over all.
func TestHeavyRequestsBeginWithTheMarker(t *testing.T) {
	for _, heavy := range []int{0, 1, 3, 7, 10} {
		for _, size := range []int{8, 64, 5001} {
			s := computing{size: size}
			l := dial(t, load.Config{Addr: serve(t, s.serve), Conns: 10, Heavy: heavy, Size: size,
				Idle: 2})
			if n, err := l.Greet(t.Context(), 5*time.Second); n != 12 || err != nil {
				t.Fatalf("Greet = %d, %v", n, err)
			}
			check(t, saturate(t, l, 20*time.Millisecond), 10)
			check(t, pace(t, l, 1000, 20*time.Millisecond), 10)
			before := s.marked[19].Load()
			res := churning(t, l, 5*time.Millisecond)
			check(t, res, 10)
			if n := s.marked[19].Load() - before; n < res.HeavyRequests-int64(heavy) {
				t.Errorf("churning: %d heavy requests, of which the server knows %d",
					res.HeavyRequests, n)
			}
			found, last := 0, -1
			for i := range 10 {
				marked, other := s.marked[i].Load(), s.unheavy[i].Load()
				if marked > 0 && other > 0 {
					t.Errorf("connection %d has sent %d marked requests and %d others", i, marked,
						other)
				}
				if marked == 0 {
					continue
				}
				if apart := i - last; apart > 10/heavy+1 || found > 0 && apart < 10/heavy {
					t.Errorf("%d of 10 are heavy: %d and then %d", heavy, last, i)
				}
				found, last = found+1, i
			}
			if found != heavy {
				t.Errorf("%d connections have sent marked requests, want %d", found, heavy)
			}
			if n := s.marked[10].Load() + s.marked[11].Load(); n > 0 {
				t.Errorf("idle connections have sent %d marked requests", n)
			}
			l.Close()
		}
	}
}

// TestHeavyLatenciesAreApart from those of the others.
func TestHeavyLatenciesAreApart(t *testing.T) {
	const work = 10 * time.Millisecond
	s := computing{size: 64, work: work}
	l := dial(t, load.Config{Addr: serve(t, s.serve), Conns: 6, Heavy: 2})
	closed := saturate(t, l, 200*time.Millisecond)
	if n := closed.Heavy.TotalCount(); n != closed.HeavyRequests || n == 0 {
		t.Errorf("closed loop: %d latencies of %d heavy requests", n, closed.HeavyRequests)
	}
	if n := closed.Latency.TotalCount(); n != closed.Requests-closed.HeavyRequests {
		t.Errorf("closed loop: %d latencies of %d requests, %d of them heavy", n, closed.Requests,
			closed.HeavyRequests)
	}
	paced := pace(t, l, 300, 200*time.Millisecond)
	if n := paced.Heavy.TotalCount(); n < 19 || n > 21 { // every third of 60
		t.Errorf("paced: %d heavy latencies", n)
	}
	if n := paced.Latency.TotalCount(); n < 39 || n > 41 {
		t.Errorf("paced: %d other latencies", n)
	}
	for name, res := range map[string]*load.Result{"closed": closed, "paced": paced} {
		if least := time.Duration(res.Heavy.Min()); least < work*99/100 || res.HeavyConns != 2 {
			t.Errorf("%s: a heavy request took %v, and each takes %v; %d connections are heavy",
				name, least, work, res.HeavyConns)
		}
		if least := time.Duration(res.Latency.Min()); least >= work {
			t.Errorf("%s: the fastest of the others took %v", name, least)
		}
		r := res.Report()
		if r.HeavyConns != 2 || r.HeavyRequests != res.HeavyRequests ||
			r.HeavyMax != res.Heavy.Max() || r.HeavyP50 > r.HeavyP99 {
			t.Errorf("%s: the report is %+v", name, r)
		}
	}
	light := dial(t, load.Config{Addr: serve(t, s.serve), Conns: 2})
	if res := saturate(t, light, time.Millisecond); res.Heavy != nil || res.HeavyConns != 0 {
		t.Errorf("without heavy connections: %+v", res)
	}
}
