package models_test

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/models"
)

// What a request costs that has to be computed: time of the CPU, and in some models everybody's.

// marked is a request that is computed on.
const marked = models.Marker + " tea"

// A marked request costs the CPU time that it is said to, and no other does. How long it takes is
// the machine's affair, who may have others to serve.
func TestWorkIsCPUTime(t *testing.T) {
	forEach(t, variants(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		const work, times = 30 * time.Millisecond, 5
		s := start(t, v, launch{Config: models.Config{Work: work}})
		c := s.connect(t)
		ask(t, c, "first")
		m := s.meter(t)
		cost := func(text string) time.Duration {
			before, err := m.Sample()
			if err != nil {
				t.Fatal(err)
			}
			for range times {
				ask(t, c, text)
			}
			after, err := m.Sample()
			if err != nil {
				t.Fatal(err)
			}
			return after.Since(before).CPU
		}
		used := cost(marked)
		if used < times*work {
			t.Errorf("%d requests with %v of work took %v of CPU", times, work, used)
		}
		if v.model.Name == "polling" { // whose nature it is to use all that there is
			return
		}
		if used > 2*times*work {
			t.Errorf("%d requests with %v of work took %v of CPU", times, work, used)
		}
		for _, text := range []string{"tea " + models.Marker, models.Marker[1:], "tea"} {
			if used := cost(text); used >= times*work {
				t.Errorf("%d requests %q took %v of CPU", times, text, used)
			}
		}
	})
}

// While one client's request is computed on, the others of its loop wait, and no others do.
func TestWhoWaitsForWork(t *testing.T) {
	known := slices.DeleteFunc(variants(), func(v variant) bool { // who shares a loop with whom
		return v.serial() || v.forked() || v.loops > 1
	})
	forEach(t, known, func(t *testing.T, v variant) {
		const work = 300 * time.Millisecond
		s := start(t, v, launch{Config: models.Config{Work: work, Verbose: true}})
		busy, other := s.connect(t), s.connect(t)
		ask(t, busy, "here")
		ask(t, other, "here too")
		for try := 1; ; try++ { // the machine may be busy, but not always
			say(t, busy, []byte(marked))
			eventually(t, "it is computed on", func() bool { return s.log.count(marked) == try })
			ask(t, other, "and I?")
			busy.SetReadDeadline(time.Now().Add(work / 6))
			n, err := busy.Read(make([]byte, 1))
			answered := n == 1
			if !answered && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal(err)
			}
			if answered == v.singleThreaded() {
				return
			}
			if v.singleThreaded() || try == 5 {
				t.Fatalf("the work was over before the other client was answered: %v", answered)
			}
			busy.SetReadDeadline(time.Now().Add(patience))
			expect(t, busy, []byte(marked[1:])) // the first byte was read
		}
	})
}

// What is computed is given up when the grace of a drain is over.
func TestDrainEndsWork(t *testing.T) {
	t.Parallel()
	testenv.NotShort(t)
	var servers []*server
	for _, v := range modelsOnly() {
		servers = append(servers,
			start(t, v, launch{Config: models.Config{Work: time.Hour, Verbose: true}}))
	}
	for _, s := range servers { // when all have begun, as from here on the CPUs are taken
		say(t, s.connect(t), []byte(marked))
	}
	for _, s := range servers {
		eventually(t, "it is computed on", func() bool { return s.log.count(marked) == 1 })
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
	if took := time.Since(began); took > models.Grace+models.KillPause+3*time.Second {
		t.Errorf("the servers ended only after %v", took)
	}
}
