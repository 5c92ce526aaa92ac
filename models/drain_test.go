package models_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/models"
)

// How a server ends: it answers what it has received, for Grace at most, and leaves nothing.

func TestDrainAnswersWhatWasReceived(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: 200 * time.Millisecond}})
		c := s.connect(t)
		say(t, c, []byte("received, "))
		eventually(t, "the request is received", func() bool {
			return s.log.count(`: "received, "`) == 1
		})
		say(t, c, []byte("and in the kernel's buffer"))
		s.signal(t, syscall.SIGTERM)
		expect(t, c, []byte("received, and in the kernel's buffer"))
		expectEnd(t, c)
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}

// More is on its way than fits into the buffers: the client gets a part from the beginning,
// then the end, and nothing else.
func TestDrainOfBusyClients(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		c := s.connect(t)
		p := noise(3, race.Less(12<<20, 6<<20))
		sending := sendAside(c, p, 1, nil)
		a := answer{want: upper(p)}
		buf := make([]byte, 64<<10)
		for signalled := false; ; {
			n, err := c.Read(buf)
			if wrong := a.take(buf[:n]); wrong != nil {
				t.Fatal(wrong)
			}
			if a.at > 1<<20 && !signalled {
				s.signal(t, syscall.SIGTERM)
				signalled = true
			}
			if err != nil {
				break
			}
		}
		reset(c)
		<-sending.done
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}

func TestDrainOfIdleClientsTakesNoTime(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
			s := start(t, v, launch{})
			c := s.connect(t)
			ask(t, c, "one who stays")
			began := time.Now()
			s.signal(t, sig)
			expectEnd(t, c)
			if exit := s.wait(t); exit != 0 {
				t.Errorf("after %v: exit code %d", sig, exit)
			}
			if took := time.Since(began); took > models.Grace-time.Second {
				t.Errorf("with nothing to answer the end took %v", took)
			}
			if other, err := dial(s.addr); err == nil {
				other.Close()
				t.Error("it can still be connected to")
			}
		}
	})
}

func TestDrainDropsClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	var servers []*idleServer
	for _, v := range variants() {
		s := newIdleServer(t, v, 0, "not reading")
		eventually(t, "a request is received", func() bool { return s.log.count("request ") > 0 })
		servers = append(servers, s)
	}
	window(t.Context(), 300*time.Millisecond) // the buffers fill
	began := time.Now()
	for _, s := range servers {
		s.signal(t, syscall.SIGTERM)
	}
	for _, s := range servers {
		if exit := s.wait(t); exit != 0 {
			t.Errorf("%v: exit code %d", s.variant, exit)
		}
		took := time.Since(began)
		// A send that waits for much room may end early by finding a little, when the signal
		// interrupts it; then everything has been sent that was received.
		if took < models.Grace-100*time.Millisecond && !s.model.Blocking {
			t.Errorf("%v ended after %v, without its grace", s.variant, took)
		}
		if took > models.Grace+2*time.Second {
			t.Errorf("%v ended only after %v", s.variant, took)
		}
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: patience}})
		c := s.connect(t)
		say(t, c, []byte("for ever"))
		eventually(t, "the request is received", func() bool {
			return s.log.count(`"for ever"`) == 1
		})
		began := time.Now()
		s.signal(t, os.Interrupt)
		eventually(t, "the server ends", func() bool {
			s.cmd.Process.Signal(os.Interrupt)
			return s.over()
		})
		if took := time.Since(began); took > models.Grace-time.Second {
			t.Errorf("after the second signal it took %v", took)
		}
		s.wait(t)
		if s.cmd.ProcessState.Success() {
			t.Error("its exit code does not tell that it was interrupted")
		}
	})
}

// The worker that has the client, and all others, are killed.
func TestCrashedWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Proc)
	for _, v := range variants() {
		if !v.forked() {
			continue
		}
		s := start(t, v, launch{})
		ask(t, s.connect(t), "served by the first")
		killed := s.workers(t)
		for _, p := range killed {
			if err := sys.Kill(p.pid); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "every worker is another", func() bool { return s.replaced(t, killed) })
		c := s.welcome(t)
		ask(t, c, "served by another")
		if n := s.log.count("a worker has ended (signal 9): starting another"); n != len(killed) {
			t.Errorf("%d workers were killed, the log knows of %d", len(killed), n)
		}
	}
}

func TestWorkersEndWithTheirParent(t *testing.T) {
	t.Parallel()
	for _, v := range variants() {
		if !v.forked() && !v.perClient() {
			continue
		}
		s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: time.Minute}})
		for i := range 3 {
			c := s.connect(t)
			word := fmt.Sprintf("at work %d", i)
			say(t, c, []byte(word))
			eventually(t, "a worker is at work", func() bool { return s.log.count(word) == 1 })
		}
		s.kill(t) // and then waits for all processes
	}
}

func TestDrainAmongManyClients(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		if v.serial() {
			return
		}
		s := start(t, v, launch{Config: models.Config{Verbose: true, Wait: 100 * time.Millisecond}})
		const n = 30
		clients, _ := s.crowd(t, n)
		for i, c := range clients {
			say(t, c, fmt.Appendf(nil, "last request of %d", i))
		}
		eventually(t, "all are received", func() bool { return s.log.count("last request") == n })
		s.signal(t, syscall.SIGTERM)
		for i, c := range clients {
			expect(t, c, fmt.Appendf(nil, "last request of %d", i))
			expectEnd(t, c)
		}
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}
