package models_test

import (
	"fmt"
	"net"
	"os/exec"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// What a drain owes to those whose requests it has taken, at the worst moments.

// The drain comes as soon as the clients are connected: workers have just been started.
func TestDrainReachesThoseJustConnected(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		n := 8
		if v.serial() {
			n = 1
		}
		s := start(t, v, launch{Config: models.Config{Verbose: true}})
		var clients []net.Conn
		for range n {
			c := s.connect(t)
			say(t, c, []byte("hello"))
			clients = append(clients, c)
		}
		eventually(t, "all are connected", func() bool { return s.log.count(" connected") == n })
		s.signal(t, syscall.SIGTERM)
		for _, c := range clients {
			expect(t, c, []byte("hello"))
			expectEnd(t, c)
		}
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}

// What has been answered but not delivered survives that the client goes on sending: a server
// that closes too early makes the kernel answer that with RST, and drop the rest.
func TestDrainDeliversWhatItHasAnswered(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		c := s.connectNarrow(t, 16<<10)
		ask(t, c, "awake") // a worker that has yet to start would not receive all of it
		p := noise(7, 200_000)
		more := make(chan struct{})
		sending := sendAside(c, p, 1, func() error {
			<-more
			for range 1000 { // until the server has closed the connection
				if _, err := c.Write([]byte("x")); err != nil {
					break
				}
				window(t.Context(), time.Millisecond)
			}
			return nil
		})
		sending.settle(t.Context())
		s.signal(t, syscall.SIGTERM)
		close(more)
		window(t.Context(), 20*time.Millisecond) // it goes on sending, and nobody reads
		expect(t, c, p)
		<-sending.done
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}

// A worker that does not run cannot end by itself.
func TestDrainEndsStoppedWorkers(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Proc)
	testenv.NotShort(t)
	var servers []*server
	for _, v := range modelsOnly() {
		if !v.forked() && !v.perClient() {
			continue
		}
		s := start(t, v, launch{})
		ask(t, s.connect(t), "served")
		for _, p := range s.workers(t) {
			stop := exec.Command("/bin/sh", "-c", fmt.Sprintf("kill -STOP %d", p.pid))
			if err := stop.Run(); err != nil {
				t.Fatalf("stop worker %d: %v", p.pid, err)
			}
		}
		servers = append(servers, s)
	}
	began := time.Now()
	for _, s := range servers {
		s.signal(t, syscall.SIGTERM)
	}
	for _, s := range servers {
		if exit := s.wait(t); exit != 0 {
			t.Errorf("%s: exit code %d", s.Model, exit)
		}
	}
	if took := time.Since(began); took > models.Grace+models.KillPause+2*time.Second {
		t.Errorf("the servers ended only after %v", took)
	}
}

func TestLimitOfOne(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		if v.serial() {
			return
		}
		s := start(t, v, launch{Config: models.Config{MaxConns: 1}})
		ask(t, s.connect(t), "the one")
		expectEnd(t, s.connect(t))
	})
}

func TestLimitIsDividedAmongWorkers(t *testing.T) {
	for limit := range 40 {
		for workers := 1; workers < 9; workers++ {
			shares, sum := models.Divide(limit, workers), 0
			for _, n := range shares {
				if sum += n; n == 0 && limit > 0 {
					t.Errorf("%d among %d: %v: a share of 0 is no limit", limit, workers, shares)
				}
			}
			if sum != limit || len(shares) == 0 || len(shares) > workers {
				t.Errorf("%d among %d: %v", limit, workers, shares)
			}
		}
	}
}

// The pause ends somewhere between the two looks at the clock that a turn of the loop takes.
func TestEndOfPauseIsNotMissed(t *testing.T) {
	for i := range 100_000 {
		if retry := time.Now().Add(time.Duration(i % 2000)); !models.PauseIsSeen(retry) {
			t.Fatalf("try %d: the listener is not watched, and the wait is without end", i)
		}
	}
}

// A pause of accepting must not hold up an answer that is due, nor an answer the accepting.
func TestWaitEndsWithWhatComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for _, c := range []struct{ retry, due, want time.Duration }{
			{retry: 0, due: 0, want: -1},
			{retry: 3, due: 0, want: 3},
			{retry: 0, due: 3, want: 3},
			{retry: 3, due: 5, want: 3},
			{retry: 5, due: 3, want: 3},
		} {
			var retry, due time.Time
			if c.retry > 0 {
				retry = now.Add(c.retry)
			}
			if c.due > 0 {
				due = now.Add(c.due)
			}
			if got := models.UntilNext(retry, due); got != c.want {
				t.Errorf("accepting again in %d, an answer due in %d: the wait is %d, want %d",
					c.retry, c.due, got, c.want)
			}
		}
	})
}

// Who resets the connection wants nothing more: the drain does not wait for its acknowledgement.
func TestDrainDoesNotLingerForReset(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		s := start(t, v, launch{})
		c := s.connectNarrow(t, 16<<10)
		sendAside(c, noise(15, 60_000), 1, nil).settle(t.Context())
		s.signal(t, syscall.SIGTERM)
		window(t.Context(), 50*time.Millisecond) // it lingers
		began := time.Now()
		reset(c)
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
		if took := time.Since(began); took > models.Grace-time.Second {
			t.Errorf("the server ended %v after the reset", took)
		}
	})
}

// A goroutine that waits until its client has got everything waits as goroutines do.
func TestLingeringTakesNoThread(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Proc)
	const clients = 60
	for _, v := range modelsOnly() {
		if v.model.Name != "goroutines" {
			continue
		}
		s := start(t, v, launch{})
		var here []*net.TCPConn
		var sending []*sender
		for range clients {
			c := s.connectNarrow(t, 16<<10)
			here = append(here, c)
			sending = append(sending, sendAside(c, noise(14, 60_000), 1, nil))
		}
		for _, flow := range sending {
			flow.settle(t.Context())
		}
		s.signal(t, syscall.SIGTERM)
		most := 0
		for range 10 {
			window(t.Context(), 50*time.Millisecond)
			most = max(most, s.sample(t).Threads)
		}
		if most > clients/2 {
			t.Errorf("while %d clients were lingering there were %d threads", clients, most)
		}
		for _, c := range here {
			reset(c)
		}
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	}
}
