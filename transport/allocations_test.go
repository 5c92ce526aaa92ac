package transport_test

import (
	"testing"

	"github.com/kettle-go/kettle/transport"
)

// TestNoAllocationPerMessage: neither to push nor to pull, once buffers are there.
func TestNoAllocationPerMessage(t *testing.T) {
	for _, pull := range []bool{false, true} {
		everywhere(t, func(w *world) {
			for _, size := range []int{64, 30_000, 100_000} { // at once, large, and pending
				client := &pinger{size: size, message: tagged(1, size), stop: w.Stop}
				var server transport.Protocol = &echo{}
				if pull {
					server = &pullingEcho{}
				}
				tc, ts := w.pair(client, server)
				round := func() {
					client.rounds = 20
					_ = tc.Write(client.message)
					w.must(w.Run())
				}
				round() // makes the buffers
				round()
				// Less than one for each round; Run has some of its own.
				if n := testing.AllocsPerRun(10, round); n >= 20 {
					w.Errorf("%d bytes, pull %v: %.1f allocations in 20 rounds", size, pull, n)
				}
				tc.Abort()
				ts.Abort()
				w.turns(2)
			}
		})
	}
}

// TestNoAllocationPerMessageOfACrowd: nor where more of them are under way at once than buffers are
// kept, and each connection is in another state than the one before it.
func TestNoAllocationPerMessageOfACrowd(t *testing.T) {
	onSelectors(t, "tcp", func(w *world) {
		const clients, rounds = 400, 5
		message := tagged(1, 64)
		left := 0
		done := func() {
			if left--; left == 0 {
				w.Stop()
			}
		}
		var all []*transport.Transport
		for i := range clients {
			var server transport.Protocol = &echo{}
			if i%2 == 0 {
				server = &pullingEcho{}
			}
			tc, _ := w.pair(&pinger{size: len(message), message: message, stop: done}, server)
			all = append(all, tc)
		}
		round := func() {
			left = clients
			for _, tc := range all {
				tc.Protocol().(*pinger).rounds = rounds
				_ = tc.Write(message)
			}
			w.must(w.Run())
		}
		round()
		round()
		// Fewer than one for a hundred messages; Run has some of its own, and tables grow.
		const messages = 2 * rounds * clients
		if n := testing.AllocsPerRun(3, round); n > messages/100 {
			w.Errorf("%.0f allocations for %d messages", n, messages)
		}
	})
}

// pinger sends its message again when it has come back, for some rounds.
type pinger struct {
	transport.Base
	message           []byte
	size, got, rounds int
	stop              func()
}

// Data counts.
func (p *pinger) Data(t *transport.Transport, b []byte) {
	if p.got += len(b); p.got < p.size {
		return
	}
	p.got = 0
	if p.rounds--; p.rounds == 0 {
		p.stop()
		return
	}
	_ = t.Write(p.message)
}

// pullingEcho sends back what it receives.
type pullingEcho struct{ transport.Base }

// Readable receives and sends.
func (*pullingEcho) Readable(t *transport.Transport) {
	for {
		p, err := t.Receive(0)
		if err != nil {
			return
		}
		_ = t.Write(p)
	}
}
