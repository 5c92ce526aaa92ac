package examples_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// subscriber is a client of push.
type subscriber struct {
	*net.TCPConn
	lines *bufio.Reader
}

// subscribe connects subscribers, and publishes until each of them has got something: only then is
// it sure that they get what comes next.
func (p *program) subscribe(n int) []*subscriber {
	p.t.Helper()
	var all []*subscriber
	for range n {
		c := p.dial()
		s := &subscriber{c, bufio.NewReader(c)}
		all = append(all, s)
		for {
			send(p.t, p.input, "who is there?\n")
			c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			if _, err := s.lines.Peek(1); err == nil {
				break
			} else if !errors.Is(err, os.ErrDeadlineExceeded) {
				p.t.Fatal(err)
			}
		}
		c.SetReadDeadline(time.Now().Add(patience))
	}
	send(p.t, p.input, "begin\n")
	for _, s := range all {
		for line := ""; line != "begin\n"; {
			var err error
			if line, err = s.lines.ReadString('\n'); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	return all
}

// numbered returns line i.
func numbered(i int) string { return fmt.Sprintf("%d %s\n", i, strings.Repeat("tea ", 8<<10)) }

// flood publishes more than the system holds for one who does not read; the others read.
func flood(t *testing.T, p *program, readers []*subscriber) {
	t.Helper()
	for i := range 600 {
		send(t, p.input, numbered(i))
		for _, s := range readers {
			if line, err := s.lines.ReadString('\n'); err != nil || line != numbered(i) {
				t.Fatalf("line %d: %d bytes, %v", i, len(line), err)
			}
		}
	}
}

func TestPushReachesSubscribersOnAllLoops(t *testing.T) {
	for _, loops := range []string{"1", "4"} {
		t.Run("loops="+loops, func(t *testing.T) {
			p := start(t, "push", "--loops", loops)
			all := p.subscribe(20)
			all[0].Close()
			for i := range 100 {
				send(t, p.input, fmt.Sprintf("line %d\n", i))
			}
			for _, s := range all[1:] {
				for i := range 100 {
					expect(t, s.lines, fmt.Sprintf("line %d\n", i))
				}
			}
			p.input.Close()
			p.signal(os.Interrupt)
			for _, s := range all[1:] {
				expectEnd(t, s.lines)
			}
			p.wait()
		})
	}
}

// TestPushLeavesOutLinesForWhoDoesNotRead: it stays connected, and what it reads in the end are
// whole lines, the first ones, with a gap behind them. The others get every line in time.
func TestPushLeavesOutLinesForWhoDoesNotRead(t *testing.T) {
	// N1
	p := start(t, "push", "--loops", "2")
	all := p.subscribe(5)
	slow := all[0]
	flood(t, p, all[1:])
	if most := peak(t, p.pid); most > 64<<20 {
		t.Errorf("the program has used %d bytes", most)
	}
	p.signal(os.Interrupt)
	last, got := -1, 0
	for {
		line, err := slow.lines.ReadString('\n')
		if err != nil {
			if line != "" {
				t.Errorf("the last line has no end, but %d bytes", len(line))
			}
			break
		}
		number, _, _ := strings.Cut(line, " ")
		i, err := strconv.Atoi(number)
		if err != nil || i <= last || line != numbered(i) {
			t.Fatalf("after line %d: one of %d bytes, number %q", last, len(line), number)
		}
		last = i
		got++
	}
	if got == 0 || got == 600 {
		t.Errorf("who did not read has got %d of 600 lines", got)
	}
	p.wait()
}

func TestPushDisconnectsWhoDoesNotRead(t *testing.T) {
	p := start(t, "push", "--loops", "2", "--disconnect")
	all := p.subscribe(5)
	flood(t, p, all[1:])
	var err error
	for err == nil {
		_, err = all[0].lines.ReadString('\n')
	}
	if !broken(err) {
		t.Errorf("who did not read reads in the end: %v", err)
	}
	p.stop()
}
