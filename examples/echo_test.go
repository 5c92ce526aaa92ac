package examples_test

import (
	"bytes"
	"io"
	"os"
	"syscall"
	"testing"
)

func TestEchoAnswersWhatItHasReceivedAndEnds(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			p := start(t, "echo")
			one, other := p.dial(), p.dial()
			send(t, other, "tea")
			send(t, one, "milk")
			expect(t, one, "milk")
			expect(t, other, "tea")
			if err := one.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			expectEnd(t, one)
			p.signal(sig) // while the other one is there
			expectEnd(t, other)
			p.wait()
		})
	}
}

// TestEchoHasOneWhoDoesNotReadWaitAlone: one client sends much and reads nothing, and another is
// answered as before. In the end the first one gets all its bytes.
func TestEchoHasOneWhoDoesNotReadWaitAlone(t *testing.T) {
	// N1
	p := start(t, "echo")
	slow, quick := p.dial(), p.dial()
	much := pattern(32 << 20)
	sent := make(chan error, 1)
	go func() {
		_, err := slow.Write(much)
		slow.CloseWrite()
		sent <- err
	}()
	for range 200 {
		send(t, quick, "tea")
		expect(t, quick, "tea")
	}
	if rss := peak(t, p.pid); rss > 64<<20 {
		t.Errorf("the program has used %d bytes", rss)
	}
	got, err := io.ReadAll(slow)
	if err != nil || !bytes.Equal(got, much) {
		t.Errorf("%d of %d bytes, %v", len(got), len(much), err)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	p.stop()
}
