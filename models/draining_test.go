package models_test

import (
	"context"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// A server while it drains: what it refuses, how long it goes on, and who decides that it ends.

// The kernel refuses whoever connects now. In a backlog that nobody empties a client would wait
// for nothing, where it could have gone elsewhere.
func TestDrainRefusesNewClients(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		if v.model.Blocking {
			testenv.Need(t, testenv.Linux) // elsewhere a listener cannot be shut down
		}
		s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: patience}})
		c := s.connect(t)
		say(t, c, []byte("for ever"))
		eventually(t, "the request is received", func() bool {
			return s.log.count(`"for ever"`) == 1
		})
		s.signal(t, syscall.SIGTERM)
		eventually(t, "new clients are refused", func() bool { return !connects(s.addr) })
		expectNothing(t, c)       // the drain goes on
		s.signal(t, os.Interrupt) // the second signal ends it
		s.wait(t)
	})
}

func connects(addr string) bool {
	c, err := dial(addr)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// The grace ends for an answer that waits for its upstream call, and for one that is sent but
// not delivered, as the client's window is full.
func TestGraceEndsForWhatIsNotDelivered(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	var servers []*server
	for _, v := range variants() {
		waiting := start(t, v, launch{Config: models.Config{Verbose: true, Wait: time.Hour}})
		say(t, waiting.connect(t), []byte("for ever"))
		eventually(t, "the request is received", func() bool {
			return waiting.log.count(`"for ever"`) == 1
		})
		sent := start(t, v, launch{})
		sendAside(sent.connectNarrow(t, 16<<10), noise(9, 200_000), 1, nil).settle(t.Context())
		servers = append(servers, waiting, sent)
	}
	for _, s := range servers {
		s.signal(t, syscall.SIGTERM)
	}
	for _, s := range servers {
		if exit := s.wait(t); exit != 0 {
			t.Errorf("%s %s: exit code %d", s.Model, s.Config.Backend, exit)
		}
	}
}

// A drain hurries nobody: an answer waits for its upstream call as it always does.
func TestDrainDoesNotCutWaitsShort(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		const wait = 500 * time.Millisecond
		s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: wait}})
		c := s.connect(t)
		began := time.Now()
		say(t, c, []byte("hello"))
		eventually(t, "the request is received", func() bool { return s.log.count(`"hello"`) == 1 })
		s.signal(t, syscall.SIGTERM)
		expect(t, c, []byte("hello"))
		if took := time.Since(began); took < wait {
			t.Errorf("the answer came after %v, want %v at least", took, wait)
		}
		expectEnd(t, c)
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}

// A terminal sends its signals to every process of a server, and so do some supervisors. A
// worker must not end by it: it has a client to answer.
func TestSignalToAllProcesses(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		if !v.forked() && !v.perClient() {
			return // there is one process
		}
		for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			s := start(t, v, launch{Config: models.Config{Verbose: true,
				Wait: 300 * time.Millisecond}})
			c := s.connect(t)
			say(t, c, []byte("hello"))
			eventually(t, "the request is received", func() bool {
				return s.log.count(`"hello"`) == 1
			})
			for _, w := range s.workers(t) {
				p, err := os.FindProcess(w.pid)
				if err == nil {
					err = p.Signal(sig)
				}
				if err != nil {
					t.Fatalf("signal worker %d: %v", w.pid, err)
				}
			}
			s.signal(t, sig)
			expect(t, c, []byte("hello"))
			expectEnd(t, c)
			if exit := s.wait(t); exit != 0 {
				t.Errorf("after %v: exit code %d", sig, exit)
			}
		}
	})
}

// The drain has ended what all connections wait for when this one is added to them.
func TestDrainBeginsAsClientIsAccepted(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		if v.forked() || v.perClient() {
			return // whose workers see it at once, whenever they begin
		}
		if v.model.Blocking {
			testenv.Need(t, testenv.Linux) // elsewhere a listener cannot be shut down
		}
		ctx, drain := context.WithCancel(t.Context())
		addrs, served := make(chan string, 1), make(chan error, 1)
		var addr string
		cfg := models.Config{Addr: "127.0.0.1:0", Backend: v.backend, Loops: v.loops, Verbose: true}
		cfg.Ready = func(a net.Addr) {
			addr = a.String()
			addrs <- addr
		}
		cfg.Log = hook(func(line string) {
			if strings.Contains(line, " connected") {
				drain()
				for v.model.Blocking && connects(addr) {
					continue // the drain is another thread's work
				}
			}
		})
		// Without a grace, what the drain does not end stays for ever.
		go func() { served <- v.model.ServeUntil(ctx, t.Context(), cfg) }()
		c, err := dial(<-addrs)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		expectEnd(t, c)
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

// hook is called with each line of a log.
type hook func(line string)

func (h hook) Write(p []byte) (int, error) {
	h(string(p))
	return len(p), nil
}
