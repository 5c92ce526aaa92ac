package synthetic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/testenv"
)

// serving runs a server until the test ends, and returns its address, and a function that ends it
// and returns what it has said.
func serving(t *testing.T, b Behaviour) (addr string, end func() string) {
	t.Helper()
	testenv.Need(t, testenv.Unix)
	ctx, cancel := context.WithCancel(t.Context())
	var said bytes.Buffer
	ready := make(chan net.Addr, 1)
	done := make(chan error, 1)
	go func() {
		done <- b.Serve(ctx, "127.0.0.1:0", func(addr net.Addr) { ready <- addr }, &said)
	}()
	ended := false
	end = func() string {
		if cancel(); !ended {
			ended = true
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		return said.String()
	}
	t.Cleanup(func() { end() })
	select {
	case where := <-ready:
		return where.String(), end
	case err := <-done:
		t.Fatalf("it does not serve: %v", err)
	}
	return "", nil
}

// dialing returns a connection on which no call waits for ever.
func dialing(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// exchange sends a request, in pieces of one byte, and reads the answer.
func exchange(t *testing.T, c net.Conn, ask, want string) {
	t.Helper()
	for i := range ask {
		if _, err := c.Write([]byte(ask[i : i+1])); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("the answer to %q is %q, %v", ask, got, err)
	}
}

// TestAnswersComeWhenTheyAreDue, and not before.
func TestAnswersComeWhenTheyAreDue(t *testing.T) {
	const delay, interval = 20 * time.Millisecond, 5 * time.Millisecond
	addr, end := serving(t, Behaviour{Size: 4, Delay: delay, Interval: interval})
	c := dialing(t, addr)
	began := time.Now()
	exchange(t, c, "tea{", "TEA{")
	if took := time.Since(began); took < delay {
		t.Errorf("an answer after %v, which takes %v", took, delay)
	}
	began = time.Now()
	exchange(t, c, strings.Repeat("abcd", 10), strings.Repeat("ABCD", 10))
	if took := time.Since(began); took < delay+9*interval {
		t.Errorf("ten answers after %v, of which nine come %v after another", took, interval)
	}
	var late, answered int
	if _, err := fmt.Sscanf(end(), heldUp, &late, &answered); err != nil || answered != 11 ||
		late < 0 || late > answered {
		t.Errorf("held up before %d of %d answers: %v", late, answered, err)
	}
}

// TestStallsAreWaitedFor by the request that is under way when one begins.
func TestStallsAreWaitedFor(t *testing.T) {
	addr, _ := serving(t, Behaviour{Size: 1, Stall: 40 * time.Millisecond,
		Period: 50 * time.Millisecond})
	c := dialing(t, addr)
	began, longest := time.Now(), time.Duration(0)
	for time.Since(began) < 300*time.Millisecond {
		asked := time.Now()
		exchange(t, c, "x", "X")
		longest = max(longest, time.Since(asked))
	}
	if longest < 30*time.Millisecond {
		t.Errorf("no answer takes longer than %v, with stalls of 40 ms", longest)
	}
}

// TestClientsOfAllKinds: one that ends its side gets what it is owed, one that breaks off harms
// nobody, one that does not read is not read from.
func TestClientsOfAllKinds(t *testing.T) {
	addr, _ := serving(t, Behaviour{Size: 100})
	other := dialing(t, addr)
	ask := strings.Repeat("kettle! ..", 10)
	ended := dialing(t, addr)
	go func() {
		_, _ = ended.Write([]byte(strings.Repeat(ask, 1000) + "rest"))
		_ = ended.CloseWrite()
	}()
	got, err := io.ReadAll(ended)
	if want := strings.Repeat(strings.ToUpper(ask), 1000); err != nil || string(got) != want {
		t.Errorf("%d of %d bytes after the end, %v", len(got), len(want), err)
	}
	exchange(t, other, ask, strings.ToUpper(ask))

	for range 10 {
		broken := dialing(t, addr)
		_, _ = broken.Write([]byte(strings.Repeat(ask, 10)))
		_ = broken.SetLinger(0)
		broken.Close()
	}
	exchange(t, other, ask, strings.ToUpper(ask))

	deaf := dialing(t, addr)
	sent, chunk := 0, []byte(strings.Repeat(ask, 1000))
	for err == nil && sent < 64<<20 {
		var n int
		_ = deaf.SetWriteDeadline(time.Now().Add(time.Second / 4))
		n, err = deaf.Write(chunk)
		sent += n
	}
	if err == nil {
		t.Errorf("it has taken %d MB of a client that does not read", sent>>20)
	}
	exchange(t, other, ask, strings.ToUpper(ask))
	got = make([]byte, sent/100*100)
	if n, err := io.ReadFull(deaf, got); err != nil || bytes.Contains(got, []byte("kettle")) {
		t.Errorf("%d of %d bytes, in upper case: %v; %v", n, len(got),
			!bytes.Contains(got, []byte("kettle")), err)
	}
}

func TestAddressThatIsTaken(t *testing.T) {
	addr, _ := serving(t, Behaviour{Size: 1})
	err := Behaviour{Size: 1}.Serve(t.Context(), addr, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "synthetic: listen on "+addr) {
		t.Errorf("%v", err)
	}
	err = Behaviour{Size: 1}.Serve(t.Context(), "no.such.host.invalid:1", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "listen on no.such.host.invalid:1") {
		t.Errorf("%v", err)
	}
}

// full is a log that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestServerThatCannotSayHowItWas(t *testing.T) {
	testenv.Need(t, testenv.Unix)
	ctx, cancel := context.WithCancel(t.Context())
	err := Behaviour{Size: 1}.Serve(ctx, "127.0.0.1:0", func(net.Addr) { cancel() }, full{})
	if !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}
