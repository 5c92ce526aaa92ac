package sys_test

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

// blocked runs a call on a thread of its own, and waits until that thread sleeps: in the
// call, or in rare cases just before it, which these tests must bear. It returns the thread's
// number and a channel that is closed when the call has ended.
func blocked(t *testing.T, call func()) (tid int, done chan struct{}) {
	t.Helper()
	begun, done := make(chan int), make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		begun <- unix.Gettid()
		call()
	}()
	tid = <-begun
	eventually(t, "the call blocks its thread", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/stat", tid))
		_, state, found := strings.Cut(string(stat), ") ")
		return err == nil && found && strings.HasPrefix(state, "S")
	})
	return tid, done
}

// ended waits for the end of a blocked call.
func ended(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("the call is still blocked after 20 s")
	}
}

func TestInterruptAcceptWakesABlockedThread(t *testing.T) {
	testenv.Need(t, testenv.Proc)
	listener, _ := listen(t, loopback(), false)
	var err error
	_, done := blocked(t, func() { _, _, err = sys.Accept(listener, false) })
	sys.InterruptAccept(listener)
	ended(t, done)
	if err != syscall.EINVAL {
		t.Errorf("the interrupted accept: %v, want EINVAL", err)
	}
	if _, _, err := sys.Accept(listener, false); err == nil {
		t.Error("a later accept waits again")
	}
}

func TestShutdownWakesABlockedReceive(t *testing.T) {
	testenv.Need(t, testenv.Proc)
	_, server := connection(t, false)
	n, err := 1, error(nil)
	_, done := blocked(t, func() { n, err = sys.Recv(server, make([]byte, 10)) })
	if err := sys.Shutdown(server, sys.ShutdownRead); err != nil {
		t.Fatal(err)
	}
	ended(t, done)
	if n != 0 || err != nil {
		t.Errorf("the receive: %d, %v, want the end of the stream", n, err)
	}
}

func TestResetWakesABlockedSend(t *testing.T) {
	testenv.Need(t, testenv.Proc)
	client, server := connection(t, false)
	var err error
	_, done := blocked(t, func() {
		for chunk := make([]byte, 1<<20); err == nil; {
			_, err = sys.Send(server, chunk)
		}
	})
	if err := sys.Reset(client); err != nil {
		t.Fatal(err)
	}
	ended(t, done)
	if !peerGone(err) {
		t.Errorf("the send: %v, want ECONNRESET or EPIPE", err)
	}
}

// TestSignalsInterruptWaitsAndNothingElse: a wait returns early with nothing, so that its
// caller can look at its clock; calls that transfer data are begun again.
func TestSignalsInterruptWaitsAndNothingElse(t *testing.T) {
	testenv.Need(t, testenv.Proc)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGWINCH)
	defer signal.Stop(signals)
	client, server := connection(t, false)
	interrupt := func(tid int) {
		if err := unix.Tgkill(os.Getpid(), tid, unix.SIGWINCH); err != nil {
			t.Error(err)
		}
	}
	for name, wait := range blockingWaits(t, server) {
		n, err := 1, error(nil)
		start := time.Now()
		tid, done := blocked(t, func() { n, err = wait() })
		eventually(t, name+" is interrupted", func() bool {
			interrupt(tid)
			select {
			case <-done:
				return true
			default:
				return false
			}
		})
		if took := time.Since(start); n != 0 || err != nil || took > 30*time.Second {
			t.Errorf("%s: %d, %v after %v", name, n, err, took)
		}
	}
	n, err := 0, error(nil)
	tid, done := blocked(t, func() { n, err = sys.Recv(server, make([]byte, 10)) })
	for range 3 {
		interrupt(tid)
	}
	if _, err := sys.TrySend(client, []byte("x")); err != nil {
		t.Fatal(err)
	}
	ended(t, done)
	if n != 1 || err != nil {
		t.Errorf("an interrupted receive: %d, %v, want 1", n, err)
	}
}

// blockingWaits returns each way to wait for an hour until fd is readable.
func blockingWaits(t *testing.T, fd int) map[string]func() (int, error) {
	t.Helper()
	epfd, err := sys.EpollCreate()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, epfd)
	if err := sys.EpollCtl(epfd, sys.EpollAdd, fd, sys.EpollIn, 0); err != nil {
		t.Fatal(err)
	}
	return map[string]func() (int, error){
		"Poll": func() (int, error) {
			return sys.Poll([]sys.PollFD{{Fd: int32(fd), Events: sys.PollIn}}, time.Hour)
		},
		"Select": func() (int, error) {
			var read, write sys.FDSet
			read.Set(fd)
			n, err := sys.Select(fd+1, &read, &write, time.Hour)
			if read.Has(fd) {
				t.Error("an interrupted Select left its set as it was")
			}
			return n, err
		},
		"EpollWait": func() (int, error) {
			return sys.EpollWait(epfd, make([]sys.EpollEvent, 1), time.Hour)
		},
		"EpollWait without end": func() (int, error) {
			return sys.EpollWait(epfd, make([]sys.EpollEvent, 1), -1)
		},
	}
}
