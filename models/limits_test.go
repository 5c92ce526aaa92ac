package models_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// What happens at the limits: of connections, of descriptors, of what select can watch.

// crowd connects n clients at the same time, and returns those that are served. The others
// must see their connection closed.
func (s *server) crowd(t *testing.T, n int) (served []*net.TCPConn, refused int) {
	t.Helper()
	var mu sync.Mutex
	err := together(n, false, func(int) error {
		c, err := dial(s.addr)
		if err != nil {
			return err
		}
		err = exchange(c, []byte("is there room?"))
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			served = append(served, c)
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return err // neither served nor refused
		}
		refused++
		return c.Close()
	})
	t.Cleanup(func() { leave(served) })
	if err != nil {
		t.Fatal(err)
	}
	return served, refused
}

func leave(clients []*net.TCPConn) {
	for _, c := range clients {
		c.Close()
	}
}

// welcome connects clients until one is served: the server may not yet know that others left.
func (s *server) welcome(t *testing.T) (c *net.TCPConn) {
	t.Helper()
	eventually(t, "a new client is served", func() bool {
		var err error
		if c, err = dial(s.addr); err != nil {
			return false
		}
		if err = exchange(c, []byte("room now?")); err != nil {
			c.Close()
		}
		return err == nil
	})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestConnectionLimit(t *testing.T) {
	const refusal = "refusing clients: "
	forEach(t, variants(), func(t *testing.T, v variant) {
		limit := 2*runtime.NumCPU() + 1
		s := start(t, v, launch{Config: models.Config{MaxConns: limit}})
		if v.serial() { // the others wait, so no limit above 1 can be reached
			ask(t, s.connect(t), "alone")
			return
		}
		served, refused := s.crowd(t, 3*limit)
		if len(served) != limit {
			t.Errorf("%d clients were served at a time, the limit is %d", len(served), limit)
		}
		eventually(t, "the refusals are told", func() bool { return s.log.count(refusal) > 0 })
		for range 3 {
			for _, c := range served {
				ask(t, c, "we go on")
			}
		}
		served[0].Close()
		served[0] = s.welcome(t)
		for _, c := range served {
			ask(t, c, "we go on with somebody new")
		}
		if n := s.log.count(refusal); n != 1 {
			t.Errorf("%d refusals in a burst gave %d lines, want 1", refused, n)
		}
		if _, refused := s.crowd(t, 5); refused != 5 {
			t.Errorf("of 5 more, %d were refused", refused)
		}
		eventually(t, "the second burst is told", func() bool { return s.log.count(refusal) == 2 })
	})
}

// N8
func TestDescriptorsRunOut(t *testing.T) {
	const limit, exhausted = 40, "new clients wait until a descriptor is free"
	spread := slices.DeleteFunc(variants(), func(v variant) bool {
		return v.perClient() || v.serial() // which hold one connection in a process
	})
	forEach(t, spread, func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		s := start(t, v, launch{Descriptors: limit})
		processes := 1
		if v.forked() {
			processes = runtime.NumCPU()
		}
		clients := make([]*net.TCPConn, limit*processes+10)
		if n := sys.DescriptorLimit() / 4; len(clients) > n {
			t.Fatalf("%d clients are too many for %d descriptors", len(clients), 4*n)
		}
		for i := range clients {
			clients[i] = s.connect(t)
			say(t, clients[i], []byte("hello"))
		}
		eventually(t, "descriptors have run out", func() bool {
			return s.log.count(exhausted) == processes
		})
		s.settlesDown(t)
		// Who waits is served when there is room: each that leaves makes room for one more.
		if v.loops > 1 { // where who came first may wait in the backlog of another loop
			if err := together(len(clients), false, func(i int) error {
				defer clients[i].Close()
				return receive(clients[i], []byte("hello"))
			}); err != nil {
				t.Fatal(err)
			}
		} else {
			expect(t, clients[0], []byte("hello"))
			ask(t, clients[0], "I have been here for long")
			for i, c := range clients {
				if i > 0 {
					expect(t, c, []byte("hello"))
				}
				c.Close()
			}
		}
		if n := s.log.count(exhausted); n > len(clients) {
			t.Errorf("the log says %d times that the descriptors have run out", n)
		}
		ask(t, s.connect(t), "afterwards")
	})
}

// The parent must not hold what its workers serve: then its descriptors do not run out.
func TestDescriptorsOfOneClientAtATime(t *testing.T) {
	const limit = 40
	serial := slices.DeleteFunc(variants(), func(v variant) bool {
		return !v.perClient() && !v.serial()
	})
	forEach(t, serial, func(t *testing.T, v variant) {
		s := start(t, v, launch{Descriptors: limit})
		if err := together(limit+10, v.serial(), func(i int) error {
			c, err := dial(s.addr)
			if err != nil {
				return err
			}
			defer c.Close()
			return exchange(c, []byte("hello"))
		}); err != nil {
			t.Error(err)
		}
	})
}

// settlesDown waits until the server uses next to no CPU.
func (s *server) settlesDown(t *testing.T) {
	t.Helper()
	if s.Model == "polling" {
		return
	}
	var used float64
	for range 10 {
		m := s.meter(t)
		before, err := m.Sample()
		if err != nil {
			t.Fatal(err)
		}
		window(t.Context(), 300*time.Millisecond)
		after, err := m.Sample()
		if err != nil {
			t.Fatal(err)
		}
		u := after.Since(before)
		if used = u.CPU.Seconds() / u.Elapsed.Seconds(); used < 0.05 {
			return
		}
	}
	t.Errorf("the server uses %.0f %% of a CPU", 100*used)
}

func TestDescriptorAbove1023(t *testing.T) {
	const tooLarge = "too large for select"
	forEach(t, variants(), func(t *testing.T, v variant) {
		testenv.NeedDescriptors(t, 1300)
		s := start(t, v, launch{Occupied: 1100})
		n := 3 * freeBelow * max(1, runtime.NumCPU()/2)
		switch {
		case v.serial():
			ask(t, s.connect(t), "always a low one")
			return
		case v.perClient():
			n = 20
		}
		served, refused := s.crowd(t, n)
		switch {
		case !v.onSelect() && refused > 0:
			t.Errorf("%d of %d clients were refused", refused, n)
		case v.onSelect() && (refused == 0 || len(served) == 0):
			t.Errorf("%d clients were served and %d refused: want some of both", len(served),
				refused)
		}
		if v.onSelect() {
			eventually(t, "the refusals are told", func() bool { return s.log.count(tooLarge) > 0 })
		}
		for _, c := range served {
			ask(t, c, "we go on")
		}
		lines := 1
		if v.forked() {
			lines = runtime.NumCPU()
		}
		if n := s.log.count(tooLarge); n > lines {
			t.Errorf("%d refusals gave %d lines of log, want %d", refused, n, lines)
		}
		leave(served)
		s.welcome(t)
	})
}

// A server may have many files open before it begins: it serves, or says why it cannot.
func TestDescriptorsOfServerAbove1023(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		testenv.NeedDescriptors(t, 1300)
		s := try(t, v, launch{Inherited: 1100})
		if !v.onSelect() {
			ask(t, s.connect(t), "with a high one")
			return
		}
		if exit := s.wait(t); exit != 1 || s.out.count("listening") > 0 {
			t.Errorf("exit code %d; it said %q", exit, &s.out)
		}
		if s.log.count("select") == 0 || s.log.count("\n") > 1 && !v.forked() {
			t.Errorf("it does not say in a line why it cannot begin: %q", &s.log)
		}
	})
}

func TestLimitOfProcessesIsNeverNone(t *testing.T) {
	for allowed, want := range map[int]int{0: 1, 1: 1, 7: 1, 8: 1, 16: 2, 800: 100, 1 << 30: 256} {
		if got := models.ProcessRoom(allowed); got != want {
			t.Errorf("where %d processes are allowed the limit is %d, want %d", allowed, got, want)
		}
	}
}

// While no worker can be started, one line says so for all who are refused.
func TestFailedStartsAreToldOnce(t *testing.T) {
	t.Parallel()
	const refusal = "refusing clients: start a worker process: "
	for _, v := range modelsOnly() {
		if !v.perClient() {
			continue
		}
		testenv.Need(t, testenv.Unix)
		program := filepath.Join(t.TempDir(), "server")
		install := func() {
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Link(self, program); err != nil {
				t.Fatal(err)
			}
		}
		install()
		s := start(t, v, launch{Program: program})
		for burst := 1; burst <= 2; burst++ {
			if err := os.Remove(program); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				expectEnd(t, s.connect(t))
			}
			install()
			ask(t, s.connect(t), "with a worker")
			if n := s.log.count(refusal); n != burst {
				t.Errorf("%d bursts gave %d lines of log", burst, n)
			}
		}
	}
}
