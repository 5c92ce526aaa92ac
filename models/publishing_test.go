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
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/internal/testenv/race"
	"github.com/kettle-go/kettle/models"
)

// publishers returns the variants that can serve publish.
func publishers(t *testing.T) []variant {
	t.Helper()
	service, err := models.LookupService("publish")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(variants(), func(v variant) bool {
		return v.model.CanServe(service) != nil
	})
}

var publishing = models.Config{Service: "publish"}

// oneOrder reports whether all clients get all lines in the same order.
func (v variant) oneOrder() bool { return v.loops < 2 }

// listener is a client with what it has received and not looked at.
type listener struct {
	*net.TCPConn
	in *bufio.Reader
}

func listenerOf(c *net.TCPConn) listener { return listener{c, bufio.NewReaderSize(c, 64<<10)} }

// audience returns clients that the server knows.
func (s *server) audience(t *testing.T, n int) []listener {
	t.Helper()
	var all []listener
	for range n {
		all = s.join(t, all, 0)
	}
	return all
}

// join adds a client, with a receive buffer of so many bytes, or 0. It sends a line, which all get:
// so the server knows it.
func (s *server) join(t *testing.T, all []listener, buffer int) []listener {
	t.Helper()
	c := listenerOf(s.connectNarrow(t, buffer))
	say(t, c, []byte("here\n"))
	all = append(all, c)
	for _, known := range all {
		known.expectLine(t, "here\n")
	}
	return all
}

// expectLine expects a line, which comes next.
func (r listener) expectLine(t *testing.T, want string) {
	t.Helper()
	if got, err := r.in.ReadString('\n'); got != want || err != nil {
		t.Fatalf("got %.60q, %v, want %.60q", got, err, want)
	}
}

// expectText expects some lines, which come next.
func (r listener) expectText(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r.in, got); string(got) != want || err != nil {
		t.Fatalf("got %.60q, %v, want %.60q", got, err, want)
	}
}

// expectLeft expects the end of the stream.
func (r listener) expectLeft(t *testing.T) {
	t.Helper()
	if got, err := r.in.ReadString('\n'); got != "" || !errors.Is(err, io.EOF) {
		t.Fatalf("got %.60q, %v, want the end", got, err)
	}
}

// linesOf returns lines of a client, so long in all, which can be told from every other one.
func linesOf(r *rand.Rand, client, round, size int) []byte {
	var text bytes.Buffer
	for i := 0; text.Len() < size; i++ {
		fmt.Fprintf(&text, "%d %d %d ", client, round, i)
		for range min(size-text.Len(), r.IntN(1+r.IntN(6000))) {
			b := byte(r.IntN(256))
			if b == '\n' {
				b = ' '
			}
			text.WriteByte(b)
		}
		text.WriteByte('\n')
	}
	return text.Bytes()
}

// inPieces sends text, cut anywhere.
func inPieces(r *rand.Rand, c net.Conn, text []byte) error {
	for len(text) > 0 {
		n := min(len(text), 1+r.IntN(1+r.IntN(8000)))
		if _, err := c.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// bySender sorts lines by who has sent them, in the order in which they have come.
func bySender(text []byte) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		sender, _, _ := strings.Cut(line, " ")
		all[sender] += line
	}
	return all
}

// Each client gets every line of each, its own too, whole, once, and in the order of its sender,
// however what was sent is cut into chunks.
func TestLinesReachAll(t *testing.T) {
	const clients, rounds, each = 5, 8, 6 << 10 // less in two rounds than is held for a client
	seed := seedOf(t)
	forEach(t, publishers(t), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: publishing})
		all := s.audience(t, clients)
		for round := range rounds {
			sent := make([][]byte, clients)
			total := 0
			for i := range sent {
				r := rand.New(rand.NewPCG(seed, uint64(i*rounds+round)))
				sent[i] = linesOf(r, i, round, 1+r.IntN(each))
				total += len(sent[i])
			}
			got := make([][]byte, clients)
			if err := together(2*clients, false, func(i int) (err error) {
				if i < clients {
					return inPieces(rand.New(rand.NewPCG(seed, uint64(i))), all[i], sent[i])
				}
				i -= clients
				got[i] = make([]byte, total)
				_, err = io.ReadFull(all[i].in, got[i])
				return err
			}); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				lines := bySender(got[i])
				for sender, text := range sent {
					if lines[fmt.Sprint(sender)] != string(text) {
						t.Fatalf("round %d: client %d got other lines than %d sent", round, i,
							sender)
					}
				}
				if v.oneOrder() && !bytes.Equal(got[i], got[0]) {
					t.Fatalf("round %d: clients 0 and %d got lines in another order", round, i)
				}
			}
		}
	})
}

// What comes of a line says nothing about how it was cut.
func TestCuttingLines(t *testing.T) {
	r := rand.New(rand.NewPCG(seedOf(t), 0))
	cut := func(text []byte, most int) ([]byte, error) {
		var chunks [][]byte
		for len(text) > 0 {
			n := min(len(text), 1+r.IntN(most))
			chunks = append(chunks, text[:n:n])
			text = text[n:]
		}
		return models.CutLines(chunks)
	}
	for range 50 {
		text := bytes.Repeat([]byte("0123456789abcde"), r.IntN(3000))
		for range r.IntN(12) {
			if len(text) > 0 {
				text[r.IntN(len(text))] = '\n'
			}
		}
		whole, longest := 0, 0
		for line := range bytes.Lines(text) {
			longest = max(longest, len(line))
			if !bytes.HasSuffix(line, []byte("\n")) && len(line) >= models.LongestLine {
				longest = models.LongestLine + 1
			}
			if longest > models.LongestLine || !bytes.HasSuffix(line, []byte("\n")) {
				break
			}
			whole += len(line)
		}
		for _, most := range []int{1, 100, 20_000, 1 << 20} {
			got, err := cut(text, most)
			if !bytes.Equal(got, text[:whole]) || (err != nil) != (longest > models.LongestLine) {
				t.Fatalf("cut after %d at most: %d bytes, %v, want %d, and the longest line has %d",
					most, len(got), err, whole, longest)
			}
		}
	}
}

// Who sends a line that is too long is disconnected. That is nobody else's concern.
func TestLineTooLong(t *testing.T) {
	forEach(t, publishers(t), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: models.Config{Service: "publish", Verbose: true}})
		all := s.audience(t, 3)
		longest := strings.Repeat("x", models.LongestLine-1) + "\n"
		say(t, all[0], []byte(longest))
		for _, c := range all {
			c.expectLine(t, longest)
		}
		say(t, all[0], []byte("tea\nx"+longest))
		say(t, all[1], []byte(longest[:len(longest)-1]+"x"))
		for _, c := range all[:2] {
			if text, err := io.ReadAll(c.in); len(text) > len("tea\n") {
				t.Errorf("before its end it gets %.60q, %v", text, err)
			}
		}
		all[2].expectLine(t, "tea\n")
		say(t, all[2], []byte("milk\n"))
		all[2].expectLine(t, "milk\n")
		eventually(t, "the log says why", func() bool {
			return s.log.count("lost: a line is longer than 16384 bytes\n") == 2
		})
	})
}

// For a client that does not read little is held, and nobody waits for it. What it misses is
// whole lines; when it reads again, it gets what comes from then on.
func TestNobodyWaitsForTheDeaf(t *testing.T) {
	// Four of them are less than a server holds for a client: two that are under way, and two that
	// have come, but who has sent them may not know yet.
	const size = 16_000
	count := race.Less(2000, 800)
	forEach(t, publishers(t), func(t *testing.T, v variant) {
		testenv.Need(t, testenv.Proc)
		s := start(t, v, launch{Config: publishing})
		all := s.join(t, s.audience(t, 2), 16<<10)
		others, deaf := all[:2], all[2]
		line := func(i int) string { return fmt.Sprintf("%d %0*d\n", i, size, i) }
		before := s.memory(t)
		for i := 0; i < count; i += 2 {
			text := line(i) + line(i+1)
			say(t, others[0], []byte(text))
			for _, c := range others {
				c.SetDeadline(time.Now().Add(patience))
				c.expectText(t, text)
			}
		}
		if more := s.memory(t) - before; more > 20<<20 {
			t.Errorf("the server holds %d KiB more", more>>10)
		}
		if got := deaf.catchUp(t, others, line); got == 0 || got >= count {
			t.Errorf("it got %d of %d lines", got, count)
		}
		s.stop(t)
		if s.log.count("clients that did not keep up have missed ") != 1 {
			t.Error("the log does not say how many lines were missed")
		}
	})
}

// catchUp reads lines, of which some are missing, until one comes that another client has sent when
// there was room again. It returns how many there were.
func (r listener) catchUp(t *testing.T, others []listener, line func(int) string) (n int) {
	t.Helper()
	const end = "the end\n"
	for next := 0; ; n++ {
		text, err := r.in.ReadString('\n')
		if text == end {
			return n
		}
		i := 0
		fmt.Sscan(text, &i)
		if err != nil || i < next || text != line(i) {
			t.Fatalf("line %d is followed by %.60q, %v", next-1, text, err)
		}
		next = i + 1
		r.SetDeadline(time.Now().Add(patience))
		say(t, others[0], []byte(end))
		for _, c := range others {
			c.expectLine(t, end)
		}
	}
}

// Clients that leave while lines are under way, at whatever point, are nobody else's concern.
func TestLeaveInTheMidst(t *testing.T) {
	const rounds, each = 30, 20
	forEach(t, publishers(t), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: publishing})
		stay := s.audience(t, 2)
		padding := strings.Repeat("x", 1000)
		for round := range rounds {
			c := s.connect(t)
			say(t, c, []byte("from who leaves\nfrom who leaves\nhalf a line"))
			var want []string
			for i := range each {
				want = append(want, fmt.Sprintf("%d %d %s\n", round, i, padding))
				say(t, stay[0], []byte(want[i]))
				switch {
				case i != round%each:
				case round%3 == 0:
					reset(c)
				default:
					c.Close() // with bytes unread, or on the way
				}
			}
			for _, c := range stay {
				for _, line := range want {
					c.expectNext(t, line)
				}
			}
		}
	})
}

// expectNext expects a line, after those of clients that leave.
func (r listener) expectNext(t *testing.T, want string) {
	t.Helper()
	for {
		switch got, err := r.in.ReadString('\n'); {
		case got == want:
			return
		case got != "from who leaves\n":
			t.Fatalf("got %.60q, %v, want %.60q", got, err, want)
		}
	}
}

// A client that ends its side gets what was published, and has then left.
func TestFinishAfterPublishing(t *testing.T) {
	forEach(t, publishers(t), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: publishing})
		all := s.audience(t, 2)
		say(t, all[0], []byte("tea\nmilk\nno end"))
		all[0].CloseWrite()
		all[0].expectLine(t, "tea\n")
		all[0].expectLine(t, "milk\n")
		all[0].expectLeft(t)
		all[1].expectLine(t, "tea\n")
		all[1].expectLine(t, "milk\n")
		say(t, all[1], []byte("sugar\n"))
		all[1].expectLine(t, "sugar\n")
	})
}

// In a drain all get what has arrived of anybody, also who has yet to read what is pending.
func TestDrainPublishesWhatHasArrived(t *testing.T) {
	const count = 30
	forEach(t, publishers(t), func(t *testing.T, v variant) {
		s := start(t, v, launch{Config: publishing})
		joined := s.join(t, s.audience(t, 2), 4<<10)
		all, slow := joined[:2:2], joined[2]
		line := strings.Repeat("x", 2000) + "\n"
		for i := range all {
			say(t, all[i], []byte(strings.Repeat(line, count/2)))
		}
		for _, c := range all {
			for range count {
				c.expectLine(t, line)
			}
		}
		say(t, all[1], []byte("last\n"))
		s.signal(t, syscall.SIGTERM)
		for _, c := range append(all, slow) {
			if c == slow {
				for range count {
					c.expectLine(t, line)
				}
			}
			c.expectLine(t, "last\n")
			c.expectLeft(t)
		}
		if exit := s.wait(t); exit != 0 {
			t.Errorf("exit code %d", exit)
		}
	})
}

// Which models can serve publish, and why the others cannot.
func TestWhoPublishes(t *testing.T) {
	service, err := models.LookupService("publish")
	if err != nil {
		t.Fatal(err)
	}
	can := []string{"selectors", "goroutines", "protocol", "streams", "uring"}
	for _, m := range models.All() {
		why := m.CanServe(service)
		if (why == nil) != slices.Contains(can, m.Name) {
			t.Errorf("%s: %v", m.Name, why)
		}
		if why == nil {
			continue
		}
		if text := why.Error(); !strings.HasPrefix(text, "service publish is not applicable to "+
			"model "+m.Name+": ") || strings.HasSuffix(text, ": ") {
			t.Errorf("%s: %s", m.Name, text)
		}
		err := m.Serve(t.Context(), models.Config{Addr: "127.0.0.1:0", Service: "publish"})
		if err == nil || !strings.Contains(err.Error(), why.Error()) {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	streams, err := models.Lookup("streams")
	if err != nil {
		t.Fatal(err)
	}
	err = streams.Serve(t.Context(), models.Config{Addr: "127.0.0.1:0", Service: "publish",
		Wait: time.Second})
	if err == nil || !strings.Contains(err.Error(), "no answer can wait") {
		t.Errorf("with a wait: %v", err)
	}
}
