package uring_test

import (
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/uring"
)

// TestGoroutineThatWaitsInGosPollerMissesNothing: the loop moves between threads, others keep the
// threads busy, its peers wait for each answer before they go on. One completion that wakes nobody
// would stop them for good.
func TestGoroutineThatWaitsInGosPollerMissesNothing(t *testing.T) {
	r := open(t, uring.Config{})
	fd, err := sys.Duplicate(r.FD())
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "ring")
	defer file.Close()
	if err := file.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	raw, err := file.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	const peers, messages = 8, 500
	stop := make(chan struct{})
	var busy, talking sync.WaitGroup
	defer busy.Wait()
	defer close(stop)
	busy.Go(func() { compute(stop) })
	open := peers
	for range peers {
		a, b := connection(t)
		r.Receive(a, &upTo{echo: echo{ring: r, fd: a}, ended: func() { open-- }})
		talking.Go(func() { talk(t, b, messages) })
	}
	defer talking.Wait()
	collect := func(uintptr) bool { return r.Reap(100) > 0 }
	for open > 0 {
		if err := r.Enter(); err != nil {
			t.Fatal(err)
		}
		if r.Reap(100) > 0 {
			continue
		}
		if err := raw.Read(collect); err != nil {
			t.Fatalf("the loop waits, and %d are still open: %v", open, err)
		}
		if r.Live()%7 == 0 {
			runtime.Gosched()
		}
	}
}

// compute keeps a thread busy, now and then for long.
func compute(stop chan struct{}) {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		default:
		}
		for i := range n % 100_000 {
			n += i & 1
		}
		runtime.Gosched()
	}
}

// upTo is an echo that tells when its peer has ended.
type upTo struct {
	echo
	ended func()
}

func (u *upTo) Completed(c uring.Completion) {
	if c.Op == uring.OpReceive && !c.More {
		u.ended()
		return
	}
	if c.Op == uring.OpSend {
		u.echo.Completed(c)
		return
	}
	m := u.ring.Memory(c.N)
	m.Append(c.Chunk.Bytes)
	c.Chunk.Release()
	u.m = m
	u.ring.Send(u.fd, m, u)
}

// talk exchanges messages and ends.
func talk(t *testing.T, fd int, messages int) {
	defer sys.Shutdown(fd, sys.ShutdownWrite)
	buf := make([]byte, 10)
	fds := []sys.PollFD{{Fd: int32(fd), Events: sys.PollIn}}
	deadline := time.Now().Add(limit)
	for range messages {
		if _, err := sys.TrySend(fd, buf); err != nil {
			t.Error(err)
			return
		}
		for got := 0; got < len(buf); {
			n, err := sys.TryRecv(fd, buf[got:])
			if sys.WouldBlock(err) {
				if _, err := sys.Poll(fds, time.Second); err != nil || time.Now().After(deadline) {
					t.Errorf("no answer: %v", err)
					return
				}
				continue
			}
			if n == 0 || err != nil {
				t.Errorf("no answer: %d, %v", n, err)
				return
			}
			got += n
		}
	}
}
