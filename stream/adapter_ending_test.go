package stream_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/kettle-go/kettle"
	"github.com/kettle-go/kettle/internal/testenv"
	"github.com/kettle-go/kettle/stream"
)

// closeWrite ends the sending side.
func closeWrite(t testing.TB, c net.Conn) {
	t.Helper()
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Error(err)
	}
}

// fill writes until there is no room anywhere, and returns how much was taken.
func fill(t testing.TB, c net.Conn) (n int) {
	t.Helper()
	p := make([]byte, 100_000)
	for i := range p {
		p[i] = byte(i % 251)
	}
	for {
		if err := c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		some, err := c.Write(p[n%251 : n%251+90_000])
		n += some
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return n
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// wantFilled reads what fill has written, and then the end of the stream.
func wantFilled(t testing.TB, c net.Conn, n int) {
	t.Helper()
	got, err := io.ReadAll(c)
	if err != nil || len(got) != n {
		t.Errorf("read %d bytes and %v, want the %d that were written", len(got), err, n)
	}
	for i, b := range got {
		if b != byte(i%251) {
			t.Fatalf("byte %d is %d, want %d", i, b, i%251)
		}
	}
}

// N5
func TestCloseByGoroutineSendsWhatWasWritten(t *testing.T) {
	outsideOnEverySelector(t, func(t *testing.T, backend kettle.Option) {
		o := newOutside(t, stream.ListenConfig{}, backend)
		here, there := o.pair(t)
		n := fill(t, here)
		if err := here.Close(); err != nil {
			t.Fatal(err)
		}
		wantFilled(t, there, n)
	})
}

// N4
func TestCloseWriteByGoroutine(t *testing.T) {
	outsideOnEverySelector(t, func(t *testing.T, backend kettle.Option) {
		o := newOutside(t, stream.ListenConfig{}, backend)
		here, there := o.pair(t)
		n := fill(t, here)
		closeWrite(t, here)
		closeWrite(t, here) // again is no error
		if _, err := here.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Write after CloseWrite: %v, want EPIPE", err)
		}
		wantFilled(t, there, n)
		if _, err := there.Write([]byte("late")); err != nil {
			t.Error(err)
		}
		closeWrite(t, there)
		if got, err := io.ReadAll(here); string(got) != "late" || err != nil {
			t.Errorf("read %q, %v", got, err)
		}
	})
}

// A connection that nobody uses, from here or there, fails where it is used next.
func TestResetSeenByGoroutine(t *testing.T) {
	o := newOutside(t, stream.ListenConfig{})
	here, there := o.pair(t)
	if err := there.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	there.Close()
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read: %v, want ECONNRESET", err)
	}
	if _, err := here.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write: %v, want ECONNRESET", err)
	}
}

// waitingCalls are calls of all kinds that wait. Each sends the error that ends it.
func waitingCalls(t *testing.T, o *outside) (calls int, failed <-chan error) {
	t.Helper()
	here, _ := o.pair(t)
	fill(t, here)
	if err := here.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	waits := []func() error{
		func() error { _, err := here.Read(make([]byte, 1)); return err },
		func() error { _, err := here.Read(make([]byte, 1)); return err },
		func() error { _, err := here.Write(make([]byte, 1<<20)); return err },
		func() error { _, err := here.Write(make([]byte, 1<<20)); return err },
		func() error { _, err := o.Accept(); return err },
		func() error { _, err := o.Accept(); return err },
	}
	all := make(chan error, len(waits))
	begun := make(chan bool)
	for _, wait := range waits {
		go func() {
			begun <- true
			all <- wait()
		}()
		<-begun
	}
	return len(waits), all
}

// However a loop ends, no goroutine waits for it.
func TestEndOfLoopEndsCallsOfGoroutines(t *testing.T) {
	stop := errors.New("the test stops it")
	ends := map[string]struct {
		end  func(o *outside)
		want error
	}{
		"cancelled": {func(o *outside) { o.cancel() }, context.Canceled},
		"group":     {func(o *outside) { o.group.Cancel(stop) }, stop},
		"broken": {func(o *outside) {
			_, _ = kettle.Submit(context.Background(), o.handle, "Goexit",
				func(t *kettle.Task) (bool, error) {
					t.EventLoop().Soon(runtime.Goexit)
					return true, nil
				})
		}, net.ErrClosed},
	}
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			o := newOutsideThatEnds(t)
			here, _ := o.pair(t)
			n, failed := waitingCalls(t, o)
			c.end(o)
			for range n {
				if err := <-failed; !errors.Is(err, net.ErrClosed) || !errors.Is(err, c.want) {
					t.Errorf("%v, want net.ErrClosed and %v", err, c.want)
				}
			}
			<-o.ended
			o.leave()
			for what, err := range map[string]error{"Close": here.Close(),
				"SetDeadline": here.SetDeadline(time.Time{}), "Close of the listener": o.Close()} {
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("%s afterwards: %v, want net.ErrClosed", what, err)
				}
			}
			if _, err := here.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Write afterwards: %v, want net.ErrClosed", err)
			}
			if here.RemoteAddr() == nil || here.LocalAddr() == nil || o.Addr() == nil {
				t.Error("the addresses are gone")
			}
		})
	}
}

// A group does not end while goroutines have connections of it.
func TestGroupWaitsForConnsOfGoroutines(t *testing.T) {
	o := newOutside(t, stream.ListenConfig{})
	here, there := o.pair(t)
	o.leave()
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	if _, err := here.Write([]byte("still there")); err != nil {
		t.Error(err)
	}
	if err := here.Close(); err != nil {
		t.Error(err)
	}
	if got, err := io.ReadAll(there); string(got) != "still there" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
}

// In a group that is cancelled a connection cannot be used, and does not stay open.
func TestConnOfGoroutinesInCancelledGroup(t *testing.T) {
	peer := make(chan error, 1)
	err := kettle.Run(func(task *kettle.Task) error {
		ln, err := stream.Listen(task, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer ln.Close()
		go func() {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err == nil {
				_, err = io.ReadAll(c)
				c.Close()
			}
			peer <- err
		}()
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		return task.Group(func(g *kettle.Group) error {
			g.Cancel(errors.New("the test gives it up"))
			outside := stream.NetConn(g, c)
			if _, err := outside.Read(nil); !errors.Is(err, net.ErrClosed) &&
				!errors.Is(err, kettle.ErrWrongGoroutine) {
				t.Errorf("Read: %v", err)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
	if err := <-peer; err != nil {
		t.Errorf("the peer: %v, want the end of the stream", err)
	}
}

// A task that waited for its own loop would stop it for ever.
func TestTaskMustNotUseConnOfGoroutines(t *testing.T) {
	o := newOutside(t, stream.ListenConfig{})
	here, _ := o.pair(t)
	_, err := kettle.Submit(t.Context(), o.handle, "misuse", func(*kettle.Task) (bool, error) {
		_, readErr := here.Read(make([]byte, 1))
		_, writeErr := here.Write(make([]byte, 1))
		_, acceptErr := o.Accept()
		for _, err := range []error{readErr, writeErr, acceptErr} {
			if !errors.Is(err, kettle.ErrWrongGoroutine) {
				t.Errorf("%v, want ErrWrongGoroutine", err)
			}
		}
		return true, o.Close() // this does not have to wait
	})
	if err != nil {
		t.Error(err)
	}
}

// N15
func TestNoDescriptorIsLeftOfGoroutines(t *testing.T) {
	testenv.Need(t, testenv.Proc)
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	before := -1
	for range 3 { // the first opens what stays, such as Go's own poller
		t.Run("loop", func(t *testing.T) {
			o := newOutside(t, stream.ListenConfig{})
			for range 2 * acceptAhead { // those that nobody accepts too
				c, err := net.Dial("tcp", o.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
			for range acceptAhead / 2 {
				c, err := o.Accept()
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
			}
		})
		if before < 0 {
			before = open()
		}
	}
	if after := open(); after > before {
		t.Errorf("%d descriptors are open, %d were before", after, before)
	}
}

// acceptAhead is at least how many connections are accepted before anybody asks.
const acceptAhead = 16
