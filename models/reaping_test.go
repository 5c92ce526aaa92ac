package models_test

import (
	"slices"
	"testing"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
)

// Nothing is left of clients that have gone.

// visit has clients come and go, some at a time, each of which is served.
func (s *server) visit(v variant, clients int) error {
	const groups = 10
	return together(groups, v.serial(), func(int) error {
		for range clients / groups {
			c, err := dial(s.addr)
			if err != nil {
				return err
			}
			err = exchange(c, []byte("in and out"))
			c.Close()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func TestChildrenReaped(t *testing.T) {
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		s := start(t, v, launch{})
		ask(t, s.connect(t), "the one who stays")
		if v.serial() {
			return // there are no children
		}
		before := len(s.workers(t))
		if err := s.visit(v, 100); err != nil {
			t.Fatal(err)
		}
		eventually(t, "all ended workers are reaped", func() bool {
			return len(s.workers(t)) <= before
		})
		if slices.ContainsFunc(s.workers(t), func(p process) bool { return p.state == 'Z' }) {
			t.Error("a worker has ended and is not reaped")
		}
	})
}

// N15
func TestNothingLeftAfterManyConnections(t *testing.T) {
	testenv.NotShort(t)
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		clients := race.Less(10_000, 1000)
		if v.perClient() {
			clients = race.Less(300, 100)
		}
		manyConnections(t, v, clients)
	})
}

// N15
func TestNothingLeftAfterManyProcesses(t *testing.T) {
	testenv.Long(t)
	forEach(t, modelsOnly(), func(t *testing.T, v variant) {
		if v.perClient() {
			manyConnections(t, v, 10_000)
		}
	})
}

// manyConnections has clients come and go, and compares what the server then has with what it
// had after the first tenth of them, when it had taken what it needs.
func manyConnections(t *testing.T, v variant, clients int) {
	testenv.Need(t, testenv.Proc)
	s := start(t, v, launch{})
	if err := s.visit(v, clients/10); err != nil {
		t.Fatal(err)
	}
	var processes, threads, descriptors int
	count := func() {
		sample := s.sample(t)
		processes, threads = sample.Processes, sample.Threads
		descriptors = s.descriptors(t)
	}
	eventually(t, "the first clients have gone", func() bool {
		count()
		return descriptors < 10+20*processes && (!v.perClient() || processes == 1)
	})
	had := struct{ processes, threads, descriptors int }{processes, threads, descriptors}
	memory := s.memory(t)
	if err := s.visit(v, clients); err != nil {
		t.Fatal(err)
	}
	// The Go runtime keeps a few idle threads, how many is a matter of chance.
	eventually(t, "all that the clients have cost is free again", func() bool {
		count()
		return processes <= had.processes && threads <= had.threads+8*had.processes &&
			descriptors <= had.descriptors
	})
	most := int64(16 << 20)
	if race.Detector() {
		most += 8 << 10 * int64(clients) // it forgets no coroutine and no thread
	}
	if more := s.memory(t) - memory; more > most {
		t.Errorf("after %d clients the server has %d MB more than after the first tenth", clients,
			more>>20)
	}
}
