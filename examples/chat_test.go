package examples_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

// guest is a client of the chat.
type guest struct {
	*net.TCPConn
	lines *bufio.Reader
	t     *testing.T
}

func (p *program) guest() *guest {
	c := p.dial()
	return &guest{c, bufio.NewReader(c), p.t}
}

func (g *guest) name() string { return g.LocalAddr().String() }

// hears reads the next line.
func (g *guest) hears(want string) {
	g.t.Helper()
	line, err := g.lines.ReadString('\n')
	if err != nil || line != want+"\n" {
		g.t.Fatalf("%s hears %q, %v, want %q", g.name(), line, err, want)
	}
}

func TestChatTellsEveryoneEverything(t *testing.T) {
	p := start(t, "chat")
	var all []*guest
	for range 4 {
		g := p.guest()
		all = append(all, g)
		for _, other := range all {
			other.hears(g.name() + " has come")
		}
	}
	for i, g := range all {
		text := fmt.Sprint("tea for ", i)
		send(t, g, text[:3])
		send(t, g, text[3:]+"\r\n")
		for _, other := range all {
			other.hears(g.name() + ": " + text)
		}
	}
	left := all[0]
	send(t, left, "good night") // is a line, as nothing follows
	left.CloseWrite()
	for _, other := range all {
		other.hears(left.name() + ": good night")
	}
	expectEnd(t, left.lines)
	for _, other := range all[1:] {
		other.hears(left.name() + " has left")
	}
	p.stop()
	for _, other := range all[1:] {
		rest, err := io.ReadAll(other.lines)
		for line := range strings.Lines(string(rest)) {
			if !strings.HasSuffix(line, " has left\n") {
				t.Errorf("in the drain: %q", line)
			}
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// TestChatPutsOutWhoDoesNotRead: one guest talks, one listens, one does neither. The first two get
// every line, until the third one has been put out, and after it.
func TestChatPutsOutWhoDoesNotRead(t *testing.T) {
	p := start(t, "chat")
	deaf := p.guest()
	deaf.hears(deaf.name() + " has come")
	talker, listener := p.guest(), p.guest()
	talker.hears(talker.name() + " has come")
	for _, g := range []*guest{talker, listener} {
		g.hears(listener.name() + " has come")
	}
	line := strings.Repeat("tea ", 4<<10)
	over, ended := make(chan struct{}), make(chan error, 1)
	const ahead = 64 // lines that the listener may be behind: however slow it is, it does read
	heardOf := make(chan struct{}, ahead)
	for range ahead {
		heardOf <- struct{}{}
	}
	go func() {
		for {
			select {
			case <-over:
				ended <- talker.CloseWrite()
				return
			case <-heardOf:
			}
			if _, err := io.WriteString(talker, line+"\n"); err != nil {
				ended <- err
				return
			}
		}
	}()
	go io.Copy(io.Discard, talker.lines)
	for out := false; !out; {
		heard, err := listener.lines.ReadString('\n')
		switch {
		case err != nil:
			t.Fatal(err)
		case heard == deaf.name()+" has left\n":
			out = true
		case heard != talker.name()+": "+line+"\n":
			t.Fatalf("the listener hears %q", heard)
		default:
			heardOf <- struct{}{}
		}
	}
	close(over)
	go io.Copy(io.Discard, listener.lines)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, deaf); !broken(err) {
		t.Errorf("who does not read reads in the end: %v", err)
	}
	p.stop()
}

// TestChatPutsNobodyOutWhoReads: however much one guest says at once, who reads gets all of it.
func TestChatPutsNobodyOutWhoReads(t *testing.T) {
	p := start(t, "chat")
	talker, listener := p.guest(), p.guest()
	talker.hears(talker.name() + " has come")
	for _, g := range []*guest{talker, listener} {
		g.hears(listener.name() + " has come")
	}
	const lines = 20_000 // many inboxes full
	sent := make(chan error, 1)
	go func() {
		_, err := io.WriteString(talker, strings.Repeat("tea\n", lines))
		sent <- err
	}()
	heard := make(chan error, 2)
	for _, g := range []*guest{talker, listener} {
		go func() {
			want := talker.name() + ": tea\n"
			for i := range lines {
				if line, err := g.lines.ReadString('\n'); line != want {
					heard <- fmt.Errorf("line %d is %q, %w", i, line, err)
					return
				}
			}
			heard <- nil
		}()
	}
	for _, err := range []error{<-sent, <-heard, <-heard} {
		if err != nil {
			t.Error(err)
		}
	}
	p.stop()
}
