//go:build unix

package sys_test

import (
	"bytes"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

// receiveAll receives n bytes.
func receiveAll(t *testing.T, fd, n int) []byte {
	t.Helper()
	var all []byte
	buf := make([]byte, 64<<10)
	for len(all) < n {
		await(t, fd, sys.PollIn)
		got, err := sys.TryRecv(fd, buf[:min(len(buf), n-len(all))])
		if err != nil || got == 0 {
			t.Fatalf("receive: %d, %v after %d of %d", got, err, len(all), n)
		}
		all = append(all, buf[:got]...)
	}
	return all
}

func TestBuffersAreSentInOrder(t *testing.T) {
	client, server := connection(t, true)
	large := bytes.Repeat([]byte("large "), 20<<10) // more than is sent without the scheduler
	for name, bufs := range map[string][][]byte{
		"none":      nil,
		"only void": {nil, {}},
		"one":       {[]byte("hello")},
		"some":      {nil, []byte("he"), {}, []byte("llo"), nil},
		"large":     {[]byte("a"), large, []byte("b")},
	} {
		want := bytes.Join(bufs, nil)
		n, err := sys.TrySendv(client, bufs)
		if n > len(want) || n == 0 && len(want) > 0 || err != nil {
			t.Fatalf("%s: sent %d of %d, %v", name, n, len(want), err)
		}
		if got := receiveAll(t, server, n); !bytes.Equal(got, want[:n]) {
			t.Errorf("%s: other bytes arrived than were sent", name)
		}
	}
}

// TestNoMoreThan64Buffers: those behind are left for the next call, empty ones not counted.
func TestNoMoreThan64Buffers(t *testing.T) {
	a, b := socketPair(t)
	var bufs [][]byte
	for i := range 100 {
		bufs = append(bufs, nil, []byte{byte(i)})
	}
	if n, err := sys.TrySendv(a, bufs); n != 64 || err != nil {
		t.Fatalf("sent %d, %v, want 64", n, err)
	}
	for i, got := range receiveAll(t, b, 64) {
		if got != byte(i) {
			t.Fatalf("byte %d is %d", i, got)
		}
	}
}

// TestVectoredSendIsShortThenRefused: what the kernel takes may end within a buffer, and a full
// socket takes nothing.
func TestVectoredSendIsShortThenRefused(t *testing.T) {
	for _, size := range []int{1 << 10, 1 << 20} {
		a, b := socketPair(t)
		if err := sys.SetSendBuffer(a, 32<<10); err != nil {
			t.Fatal(err)
		}
		// Each piece has bytes that differ from its neighbours', so that a wrong offset shows.
		bufs := make([][]byte, 7)
		for i := range bufs {
			bufs[i] = bytes.Repeat([]byte{byte('a' + i)}, size/len(bufs))
		}
		whole := bytes.Join(bufs, nil)
		var sent []byte
		for {
			n, err := sys.TrySendv(a, bufs)
			if err == nil && n > 0 {
				sent = append(sent, whole[:n]...)
				continue
			}
			if n != 0 || err != syscall.EAGAIN {
				t.Fatalf("pieces of %d bytes: %d, %v, want EAGAIN", size, n, err)
			}
			break
		}
		if len(sent) == 0 || size > 64<<10 && len(sent) >= len(whole) {
			t.Fatalf("%d bytes of %d were taken", len(sent), len(whole))
		}
		if got := receiveAll(t, b, len(sent)); !bytes.Equal(got, sent) {
			t.Errorf("pieces of %d bytes: other bytes arrived than were taken", size)
		}
	}
}

// TestVectoredSendDoesNotWait, even where the socket would.
func TestVectoredSendDoesNotWait(t *testing.T) {
	for _, size := range []int{1, 1 << 20} {
		a, _ := socketPair(t)
		bufs := [][]byte{make([]byte, size), make([]byte, size)}
		if err := sys.SetNonblock(a, false); err != nil {
			t.Fatal(err)
		}
		for {
			_, err := sys.TrySendv(a, bufs)
			if err == syscall.EAGAIN {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestVectoredSendToNobody(t *testing.T) {
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, syscall.SIGPIPE, syscall.SIGWINCH)
	defer signal.Stop(signals)
	a, b := socketPair(t)
	if err := sys.Close(b); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 1 << 20} {
		bufs := [][]byte{make([]byte, size), make([]byte, size)}
		if n, err := sys.TrySendv(a, bufs); n != 0 || err != syscall.EPIPE {
			t.Errorf("send: %d, %v, want EPIPE", n, err)
		}
	}
	if n, err := sys.TrySendv(-1, [][]byte{{1}}); n != 0 || err != syscall.EBADF {
		t.Errorf("send: %d, %v, want EBADF", n, err)
	}
	// Go hands out pending signals in the order of their numbers, and equal ones once. So what
	// comes behind a SIGPIPE, if there is one, is a signal of another, higher number.
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	if got := <-signals; got != syscall.SIGWINCH {
		t.Errorf("a send raised %v", got)
	}
}

func TestVectoredSendDoesNotAllocate(t *testing.T) {
	testenv.Need(t, testenv.Linux) // elsewhere the list of buffers is made by x/sys
	a, b := socketPair(t)
	buf := make([]byte, 64)
	bufs := [][]byte{buf, nil, buf[:10]}
	large := [][]byte{make([]byte, 100<<10)}
	sink := make([]byte, 200<<10)
	for name, bufs := range map[string][][]byte{"small": bufs, "large": large} {
		if n := testing.AllocsPerRun(100, func() {
			_, _ = sys.TrySendv(a, bufs)
			_, _ = sys.TryRecv(b, sink)
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	if n := testing.AllocsPerRun(10_000, func() { _, _ = sys.TrySendv(a, large) }); n != 0 {
		t.Errorf("refused: %v allocations", n)
	}
}
