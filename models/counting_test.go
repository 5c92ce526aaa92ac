package models_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/models"
)

// One counter for all clients: each line gets a number, and none is given twice or left out.

// counting is the configuration of a server that counts.
var counting = models.Config{Service: "count"}

// counters returns the variants that can count.
func counters() []variant {
	return slices.DeleteFunc(variants(), func(v variant) bool {
		return v.perClient() || v.forked()
	})
}

// lines returns a payload of whole lines, of all lengths, among them nothing but their ends.
func lines(r *rand.Rand, n int) []byte {
	var p []byte
	for range n {
		switch r.IntN(4) {
		case 0:
			p = append(p, bytes.Repeat([]byte("x"), r.IntN(300))...)
		case 1:
			p = append(p, "tea \x00\xff"...)
		}
		p = append(p, '\n')
	}
	return p
}

// numbers receives numbers until the end of the stream, which must come behind a whole one.
func numbers(c net.Conn) (all []uint64, err error) {
	for r := bufio.NewReader(c); ; {
		text, err := r.ReadString('\n')
		if err == io.EOF && text == "" {
			return all, nil
		}
		if err != nil {
			return all, fmt.Errorf("after %d numbers: %q: %w", len(all), text, err)
		}
		n, err := strconv.ParseUint(text[:len(text)-1], 10, 64)
		if err != nil || strconv.FormatUint(n, 10) != text[:len(text)-1] {
			return all, fmt.Errorf("number %d is %q", len(all)+1, text)
		}
		all = append(all, n)
	}
}

// countedClient sends lines, cut anywhere, and returns their numbers. A late one sends them all
// before it receives any, as far as the buffers on the way allow.
func countedClient(t *testing.T, addr string, r *rand.Rand, n int) ([]uint64, error) {
	late := r.IntN(2) == 0
	c, err := dialNarrow(addr, []int{0, 16 << 10}[r.IntN(2)])
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p, done := lines(r, n), make(chan error, 1)
	most := 1 << r.IntN(18)
	go func() {
		for len(p) > 0 {
			piece := p[:min(len(p), 1+rand.IntN(most)+len(p)/1000)]
			if _, err := c.Write(piece); err != nil {
				done <- err
				return
			}
			p = p[len(piece):]
		}
		done <- c.CloseWrite()
	}()
	if late {
		window(t.Context(), 100*time.Millisecond)
	}
	all, err := numbers(c)
	if err := errors.Join(err, <-done); err != nil {
		return all, err
	}
	if len(all) != n {
		return all, fmt.Errorf("%d lines are answered by %d numbers", n, len(all))
	}
	return all, nil
}

func TestOneCounterForAll(t *testing.T) {
	const clients = 6
	most := race.Less(20_000, 5000)
	seed := seedOf(t)
	forEach(t, counters(), func(t *testing.T, v variant) {
		for _, wait := range []time.Duration{0, 2 * time.Millisecond} {
			s := start(t, v, launch{Config: models.Config{Service: "count", Wait: wait}})
			given := make([][]uint64, clients)
			if err := together(clients, v.serial(), func(i int) (err error) {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				given[i], err = countedClient(t, s.addr, r, 1+r.IntN(most))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for i, numbers := range given {
				if !slices.IsSorted(numbers) {
					t.Errorf("the numbers of client %d are not in order", i)
				}
			}
			all := slices.Concat(given...)
			slices.Sort(all)
			for i, n := range all {
				if n != uint64(i)+1 {
					t.Fatalf("of %d numbers, %d is followed by %d", len(all), i, n)
				}
			}
		}
	})
}

// On one thread it is as right without a lock. Where there are several, all that is sure is that
// each line gets a number, and none more than there have been lines.
func TestCounterWithoutLock(t *testing.T) {
	const clients, each = 4, 5000
	forEach(t, counters(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Service: "count-unlocked"}})
		var given [clients][]uint64
		if err := together(clients, v.serial(), func(i int) (err error) {
			given[i], err = countedClient(t, s.addr, rand.New(rand.NewPCG(1, uint64(i))), each)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		all := slices.Concat(given[:]...)
		if low, high := slices.Min(all), slices.Max(all); low < 1 || high > clients*each {
			t.Errorf("%d lines got numbers from %d to %d", len(all), low, high)
		}
		slices.Sort(all)
		different := len(slices.Compact(all))
		if different < clients*each && (v.singleThreaded() || v.serial()) {
			t.Errorf("one thread gave %d different numbers to %d lines", different, clients*each)
		}
	})
}

// Where threads share the number, updates are lost without a lock, sooner or later.
func TestUpdatesAreLostWithoutLock(t *testing.T) {
	shared := slices.DeleteFunc(counters(), func(v variant) bool {
		return v.singleThreaded() || v.serial() || v.loops > 1 // who may all be on one loop
	})
	forEach(t, shared, func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Service: "count-unlocked"}})
		given := 0
		eventually(t, "a number is given twice", func() bool {
			const clients, each = 8, 2000
			var highest [clients]uint64
			given += clients * each
			if err := together(clients, false, func(i int) error {
				all, err := countedClient(t, s.addr, rand.New(rand.NewPCG(2, uint64(i))), each)
				highest[i] = slices.Max(append(all, 0))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return slices.Max(highest[:]) < uint64(given)
		})
	})
}

// N1. An answer is longer than what it answers: who sends ends of lines and nothing else, and does
// not read, makes the server hold no more than anybody.
func TestManyLinesAndNobodyReads(t *testing.T) {
	forEach(t, counters(), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		for _, wait := range []time.Duration{0, time.Millisecond} {
			s := start(t, v, launch{Config: models.Config{Service: "count", Wait: wait}})
			greedy := s.connect(t)
			say(t, greedy, []byte("\n"))
			if text, err := bufio.NewReader(greedy).ReadString('\n'); text != "1\n" {
				t.Fatalf("the first number is %q, %v", text, err)
			}
			before := s.memory(t)
			flood := sendAside(greedy, bytes.Repeat([]byte("\n"), 1<<20), 200, nil)
			flood.settle(t.Context())
			if flood.finished() {
				t.Errorf("all of it was taken: %d bytes (%v)", flood.sent.Load(), flood.err)
			}
			if more := s.memory(t) - before; more > 16<<20 {
				t.Errorf("for a client that does not read, the server holds %d KB more", more>>10)
			}
			if !v.serial() {
				other := s.connect(t)
				say(t, other, []byte("one more\n"))
				other.CloseWrite()
				if n, err := numbers(other); len(n) != 1 || err != nil {
					t.Errorf("beside it, a client got %d, %v", n, err)
				}
			}
			reset(greedy)
			<-flood.done
		}
	})
}

// A drain answers every line that has been received, also when the answers are not yet all sent.
func TestDrainAnswersAllLines(t *testing.T) {
	forEach(t, counters(), func(t *testing.T, v variant) {
		const n = 50_000 // which the system takes at once, and whose numbers are more than it sends
		s := start(t, v, launch{Config: counting})
		c := s.connectNarrow(t, 16<<10)
		say(t, c, bytes.Repeat([]byte("\n"), n))
		window(t.Context(), 50*time.Millisecond) // the answers back up
		s.signal(t, syscall.SIGTERM)
		all, err := numbers(c)
		if err != nil || len(all) != n {
			t.Errorf("%d lines got %d numbers, %v", n, len(all), err)
		}
		if !slices.IsSorted(all) || len(all) > 0 && all[len(all)-1] != n {
			t.Error("they are not in order, or not all that there are")
		}
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}

// A client that leaves with answers on the way, at whatever point, is nobody else's concern.
func TestLeaveWhileLinesAreCounted(t *testing.T) {
	forEach(t, counters(), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: counting})
		for i := range 6 {
			c := s.connect(t)
			flood := sendAside(c, bytes.Repeat([]byte("\n"), 1<<20), 20, nil)
			if i%2 == 0 {
				flood.settle(t.Context())
			}
			reset(c)
			<-flood.done
		}
		_, err := countedClient(t, s.addr, rand.New(rand.NewPCG(1, 1)), 1000)
		if err != nil {
			t.Error(err)
		}
	})
}

func TestProcessesDoNotCount(t *testing.T) {
	for _, v := range modelsOnly() {
		for _, name := range models.Services() {
			service, err := models.LookupService(name)
			if err != nil {
				t.Fatal(err)
			}
			why := v.model.CanServe(service)
			common := name != "upper" && name != "echo"
			if name == "publish" { // see TestWhoPublishes
				continue
			}
			if refused := common && (v.perClient() || v.forked()); refused != (why != nil) {
				t.Errorf("%v, %s: %v", v, name, why)
			}
		}
	}
}
