package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// made is a server that could be made here.
type made struct {
	peer
	command []string
}

// makeAll makes the servers that are none of kettle's own, which have their own tests. What cannot
// be made here is told in the log.
func makeAll(t *testing.T) []made {
	t.Helper()
	testenv.NotShort(t)
	testenv.Need(t, testenv.Unix, testenv.GoCommand)
	w, err := newWorkshop(t.Context(), "GOPROXY=off") // a test fetches nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	var all []made
	for _, p := range peers() {
		if strings.HasPrefix(p.name, "kettle") {
			continue
		}
		command, err := p.command(w)
		if err != nil {
			t.Logf("%s is not tested: %v", p.name, err)
			continue
		}
		all = append(all, made{p, command})
	}
	return all
}

// start starts a server, and returns its address.
func start(t *testing.T, m made) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	var words []string
	for _, word := range m.command {
		words = append(words, strings.ReplaceAll(word, "{addr}", addr))
	}
	cmd := exec.Command(words[0], words[1:]...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	ticks := time.NewTicker(5 * time.Millisecond)
	defer ticks.Stop()
	for {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return addr
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			t.Fatalf("%s does not listen", m.name)
		}
	}
}

// connect returns a connection that no call of the test hangs on for ever.
func connect(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// request returns n bytes that have every value and no short period, and their answer.
func request(n int) (ask, want []byte) {
	ask = make([]byte, n)
	for i := range ask {
		ask[i] = byte(i * 7 / 3)
	}
	want = bytes.Clone(ask)
	for i, b := range want {
		if 'a' <= b && b <= 'z' {
			want[i] = b - 'a' + 'A'
		}
	}
	return ask, want
}

// ping has a few bytes answered.
func ping(t *testing.T, c net.Conn) {
	t.Helper()
	got := make([]byte, 5)
	_, err := c.Write([]byte("h{`zA"))
	if err == nil {
		_, err = io.ReadFull(c, got)
	}
	if err != nil || string(got) != "H{`ZA" {
		t.Errorf("the answer is %q, %v", got, err)
	}
}

// TestServers runs everything on each of them.
func TestServers(t *testing.T) {
	all := makeAll(t)
	if len(all) == 0 {
		t.Fatal("not even Go's net could be made")
	}
	for _, m := range all {
		t.Run(m.name, func(t *testing.T) {
			isTheService(t, m)
			addr := start(t, m)
			answersAfterTheEnd(t, m, addr)
			leavesUnreadWhatItCannotAnswer(t, m, addr)
			survivesResets(t, addr)
		})
	}
}

// isTheService: all kinds of load, every byte checked.
func isTheService(t *testing.T, m made) {
	const window = 40 * time.Millisecond
	r, err := lab.Run(t.Context(), lab.Config{Servers: []lab.Server{{Name: m.name,
		Command: m.command}}, Conns: 20, IdleConns: 30, Size: 20_000, Depth: 5, Rate: 500,
		Rounds: 1, Saturate: window, Pace: window, Churn: window, Greet: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Summaries()[0]; s.Served != 50 || s.Lost != 0 || s.Rounds != 1 {
		t.Errorf("%d of 50 connections served, %d lost (%s), %d rounds", s.Served, s.Lost, s.First,
			s.Rounds)
	}
}

// answersAfterTheEnd: everything that came before the end of the client's stream is answered, and
// then the server ends its own.
func answersAfterTheEnd(t *testing.T, m made, addr string) {
	for _, size := range []int{0, 1, 100_000, 3_000_000} {
		c := connect(t, addr)
		ask, want := request(size)
		sent := make(chan error, 1)
		go func() {
			_, err := c.Write(ask)
			sent <- errors.Join(err, c.CloseWrite())
		}()
		got, err := io.ReadAll(c)
		err = errors.Join(err, <-sent)
		if m.drops && bytes.HasPrefix(want, got) {
			continue
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes of %d, as they should be: %v, %v", len(got), size,
				bytes.HasPrefix(want, got), err)
		}
	}
}

// leavesUnreadWhatItCannotAnswer: a client that does not read is not read from, so that the server
// holds little for it; others are served meanwhile, and it gets everything as soon as it reads.
func leavesUnreadWhatItCannotAnswer(t *testing.T, m made, addr string) {
	const most = 48 << 20 // the kernel's buffers hold a part of it at both ends
	c, other := connect(t, addr), connect(t, addr)
	ask, want := request(most)
	sent := 0
	for sent < most { // until nothing has been taken for a while
		if err := c.SetWriteDeadline(time.Now().Add(time.Second / 4)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Write(ask[sent:min(sent+1<<20, most)])
		sent += n
		if err != nil {
			break
		}
	}
	if hoards := sent == most; hoards != m.hoard {
		t.Errorf("it has taken %d MB of a client that does not read", sent>>20)
	}
	ping(t, other)
	got := make([]byte, sent)
	n, err := io.ReadFull(c, got)
	if err != nil || !bytes.Equal(got, want[:sent]) {
		t.Errorf("%d of %d bytes came back, as they should be: %v, %v", n, sent,
			bytes.HasPrefix(want, got[:n]), err)
	}
}

// survivesResets: clients that break off in the middle end, and others go on.
func survivesResets(t *testing.T, addr string) {
	kept := connect(t, addr)
	ping(t, kept)
	ask, _ := request(1 << 20)
	for range 20 {
		c := connect(t, addr)
		if err := c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write(ask) // as much as goes
		c.SetLinger(0)
		c.Close()
	}
	ping(t, kept)
	ping(t, connect(t, addr))
}
