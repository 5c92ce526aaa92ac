package load_test

import (
	"net"
	"testing"
	"time"

	"github.com/kettle-go/kettle/lab/load"
)

// TestStuckIsNotSlow: a server that has fallen behind, and still answers at the end of the drain,
// is slow; one from which nothing comes any more is stuck, if only with one of its clients.
func TestStuckIsNotSlow(t *testing.T) {
	slow := serial(64, func(int) { time.Sleep(10 * time.Millisecond) })
	stops := func(i int, c net.Conn) {
		serial(64, func(k int) {
			if i == 1 && k == 10 {
				<-t.Context().Done()
			}
		})(i, c)
	}
	for name, c := range map[string]struct {
		serve handler
		stuck bool
	}{"slow": {slow, false}, "stops": {stops, true}, "good": {upper, false}} {
		for _, backend := range load.Backends() {
			l := dial(t, load.Config{Addr: serve(t, c.serve), Conns: 3, Backend: backend,
				Timeout: 200 * time.Millisecond})
			res, err := l.Pace(t.Context(), 1500, 0, 100*time.Millisecond, load.Hooks{})
			if err != nil {
				t.Fatal(err)
			}
			if res.Stuck != c.stuck || (res.Silent > 0) != (name != "good") {
				t.Errorf("%s, %s: stuck is %v, with %d connections silent", name, backend,
					res.Stuck, res.Silent)
			}
		}
	}
}

// TestDroppedConnections are those that have been answered on, before the server has ended them.
func TestDroppedConnections(t *testing.T) {
	refusing := func(i int, c net.Conn) {
		if i%2 == 0 {
			upper(i, c)
		}
	}
	for name, c := range map[string]struct {
		serve   handler
		dropped int
	}{
		"refused": {refusing, 0},
		"closed":  {closing(80, func(c *net.TCPConn) { c.CloseWrite() }), 3},
		"reset":   {closing(80, reset), 3},
	} {
		l := dial(t, load.Config{Addr: serve(t, c.serve), Conns: 6, Size: 8})
		if _, err := l.Saturate(t.Context(), 0, 200*time.Millisecond, load.Hooks{}); err != nil {
			t.Fatal(err)
		}
		s := l.Stats()
		if s.Lost != 3 || s.Dropped != c.dropped || (s.FirstDropped != nil) != (c.dropped > 0) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}
