package models_test

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
)

// Who is served, and when: nobody has to wait for what others do.

func TestSecondClientServed(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		first, second := s.connect(t), s.connect(t)
		ask(t, first, "the first")
		say(t, second, []byte("the second"))
		if v.serial() {
			expectNothing(t, second)
			ask(t, first, "still the first")
			first.Close()
			expect(t, second, []byte("the second"))
			return
		}
		expect(t, second, []byte("the second"))
		ask(t, first, "the first again")
	})
}

func TestServedWhileOthersConnect(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		t.Run("storm", func(t *testing.T) { servedDuringStorm(t, v) })
		if v.inOrder() {
			t.Run("backlog", func(t *testing.T) { servedBeforeBacklog(t, v) })
		}
	})
}

// servedDuringStorm has clients come and go while one who is connected is served.
func servedDuringStorm(t *testing.T, v variant) {
	s := start(t, v, launch{})
	c := s.connect(t)
	ask(t, c, "before the storm")
	storm := 400
	if v.perClient() {
		storm = 60
	}
	over := make(chan error, 1)
	go func() {
		over <- together(4, false, func(int) error {
			for range storm / 4 {
				other, err := dial(s.addr)
				if err != nil {
					return err
				}
				other.Close()
			}
			return nil
		})
	}()
	for i := 0; ; i++ {
		ask(t, c, fmt.Sprintf("message %d during the storm", i))
		select {
		case err := <-over:
			if err != nil {
				t.Error(err)
			}
			ask(t, c, "after the storm")
			c.Close()
			ask(t, s.connect(t), "another client after the storm")
			return
		default:
		}
	}
}

// servedBeforeBacklog holds that a single thread does not accept all who wait before it serves
// those who are connected. With the server stopped, so many come that accepting them takes
// several turns of its loop. Polling is stopped somewhere in its round of the clients: it then
// has still to ask some, but not both the first and the last. A loop that had already been told
// of a new client, and then finds the listener before the client, accepts twice.
func servedBeforeBacklog(t *testing.T, v variant) {
	testenv.Need(t, testenv.Proc)
	s := start(t, v, launch{Config: verbose})
	clients := make([]*net.TCPConn, 60)
	for i := range clients {
		clients[i] = s.connect(t)
		ask(t, clients[i], "connected")
	}
	ends := []*net.TCPConn{clients[0], clients[len(clients)-1]}
	const rounds, others = 3, 200
	for round := range rounds {
		proceed := s.pause(t)
		connected := s.log.count(" connected\n")
		crowd := make([]*net.TCPConn, others)
		for i := range crowd {
			crowd[i] = s.connect(t)
		}
		for i, c := range ends {
			say(t, c, fmt.Appendf(nil, "round %d.%d", round, i))
		}
		proceed()
		for i, c := range ends {
			expect(t, c, fmt.Appendf(nil, "round %d.%d", round, i))
		}
		eventually(t, "all are accepted", func() bool {
			return s.log.count(" connected\n") == len(clients)+others*(1+round)
		})
		leave(crowd)
		for i := range ends {
			before, _, _ := strings.Cut(s.log.String(), fmt.Sprintf("round %d.%d", round, i))
			if n := strings.Count(before, " connected\n") - connected; n > 2*64+2 {
				t.Errorf("%d of %d were accepted before a client was served", n, others)
			}
		}
	}
}

// N12
func TestFirehoseDoesNotStarveOthers(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		t.Run("together", func(t *testing.T) { sipsBesideFirehose(t, v) })
		if v.inOrder() {
			t.Run("in turns", func(t *testing.T) { sipBeforeSecondGulp(t, v) })
		}
	})
}

// openHose connects a client that sends and receives without pause, until shut is called.
func (s *server) openHose(t *testing.T) (water *sender, shut func()) {
	t.Helper()
	hose := s.connect(t)
	ask(t, hose, "water")
	water = sendAside(hose, noise(12, 1<<20), 1<<20, nil)
	var drunk atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for buf := make([]byte, 64<<10); ; {
			n, err := hose.Read(buf)
			if drunk.Add(int64(n)); err != nil {
				return
			}
		}
	}()
	enough := int64(race.Less(16<<20, 4<<20))
	eventually(t, "the firehose runs", func() bool { return drunk.Load() > enough })
	return water, func() {
		reset(hose)
		<-water.done
		<-ended
	}
}

func sipsBesideFirehose(t *testing.T, v variant) {
	s := start(t, v, launch{})
	_, shut := s.openHose(t)
	defer shut()
	if v.serial() {
		shut()
	}
	began := time.Now()
	for range 3 {
		c := s.connect(t)
		for range 10 {
			ask(t, c, "a sip")
		}
		c.Close()
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("beside a firehose, 30 short messages took %v", took)
	}
}

// sipBeforeSecondGulp holds that a single thread takes one chunk from each client, or a few, and
// then goes on to the next, even if there is more to take. The server is stopped meanwhile, so
// that all wait at the same time.
func sipBeforeSecondGulp(t *testing.T, v variant) {
	testenv.Need(t, testenv.Proc)
	s := start(t, v, launch{Config: verbose})
	first := s.connect(t)
	ask(t, first, "early")
	water, shut := s.openHose(t)
	defer shut()
	last := s.connect(t)
	ask(t, last, "late")
	proceed := s.pause(t)
	water.settle(t.Context())
	before := s.log.count(" bytes more\n")
	say(t, first, []byte("a sip"))
	say(t, last, []byte("a sip"))
	proceed()
	expect(t, first, []byte("a sip"))
	expect(t, last, []byte("a sip"))
	eventually(t, "both are told", func() bool { return s.log.count(`: "a sip"`) == 2 })
	text := s.log.String()
	gulps := strings.Count(text[:strings.LastIndex(text, `: "a sip"`)], " bytes more\n") - before
	most := 6
	if v.model.Loops { // on the library, which takes up to 256 KiB before the next one's turn
		most = 10
	}
	if gulps > most {
		t.Errorf("%d chunks of a firehose were served before two short messages", gulps)
	}
}

// N1
func TestClientThatDoesNotRead(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		s := start(t, v, launch{})
		greedy := s.connect(t)
		ask(t, greedy, "more")
		before := s.memory(t)
		flood := sendAside(greedy, noise(1, 1<<20), 200, nil)
		flood.settle(t.Context())
		others := func() error {
			return together(10, v.serial(), func(i int) error {
				c, err := dial(s.addr)
				if err != nil {
					return err
				}
				defer c.Close()
				return exchange(c, noise(uint64(i), 5000))
			})
		}
		waiting := s.connect(t)
		say(t, waiting, []byte("patient"))
		if v.serial() {
			expectNothing(t, waiting)
		} else {
			expect(t, waiting, []byte("patient"))
			if err := others(); err != nil {
				t.Errorf("beside a client that does not read: %v", err)
			}
			waiting.Close()
		}
		flood.settle(t.Context())
		if flood.finished() {
			t.Errorf("all of it was taken from a client that does not read: %d bytes (%v)",
				flood.sent.Load(), flood.err)
		}
		if more := s.memory(t) - before; more > 64<<20 {
			t.Errorf("for a client that does not read, the server holds %d MB more", more>>20)
		}
		reset(greedy)
		<-flood.done
		if v.serial() {
			expect(t, waiting, []byte("patient"))
			waiting.Close()
		}
		if err := others(); err != nil {
			t.Errorf("after the client that did not read: %v", err)
		}
	})
}
