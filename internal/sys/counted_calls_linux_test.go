package sys_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

// counted returns the system calls that a function makes, on a thread that does nothing else. What
// the thread has done before is not counted, nor what others do.
func counted(t *testing.T, do func()) sys.Calls {
	t.Helper()
	testenv.Need(t, testenv.CountedCalls)
	threads, begin, done := make(chan int), make(chan bool), make(chan bool)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		threads <- unix.Gettid()
		<-begin
		do()
		close(done)
	}()
	tid := <-threads
	c, err := sys.CountCalls(tid)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	close(begin)
	<-done
	calls, err := c.Count()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d calls: %v", calls.Total(), calls)
	return calls
}

// pair returns a connection: two sockets, which are closed with the test.
func pair(t *testing.T) (server, client int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		sys.Close(fds[0])
		sys.Close(fds[1])
	})
	return fds[0], fds[1]
}

// exchange has a byte answered by whoever is at the other end of each connection: all are sent
// before the first answer is awaited.
func exchange(t *testing.T, clients []int) bool {
	p := []byte{'x'}
	for _, fd := range clients {
		if _, err := unix.Write(fd, p); err != nil {
			t.Error(err)
			return false
		}
	}
	for _, fd := range clients {
		if _, err := unix.Read(fd, p); err != nil {
			t.Error(err)
			return false
		}
	}
	return true
}

// answer receives a byte and sends it back: a receive and a send.
func answer(t *testing.T, fd int) {
	p := make([]byte, 1)
	if _, err := unix.Read(fd, p); err != nil {
		t.Error(err)
	}
	if _, err := unix.Write(fd, p); err != nil {
		t.Error(err)
	}
}

// TestBlockingServerMakesTwoCalls for each message: it receives and it sends.
func TestBlockingServerMakesTwoCalls(t *testing.T) {
	const messages = 500
	server, client := pair(t)
	calls := counted(t, func() {
		go func() {
			for range messages {
				if !exchange(t, []int{client}) {
					return
				}
			}
		}()
		for range messages {
			answer(t, server)
		}
	})
	if calls[sys.ReceiveCall] != messages || calls[sys.SendCall] != messages ||
		calls[sys.WaitCall] != 0 || calls[sys.AcceptCall] != 0 {
		t.Errorf("%d messages took %v", messages, calls)
	}
}

// TestWaitIsSharedByABatch: one epoll_wait for all that are ready.
func TestWaitIsSharedByABatch(t *testing.T) {
	const batches, size = 50, 8
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer sys.Close(poll)
	var clients []int
	for range size {
		server, client := pair(t)
		clients = append(clients, client)
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(server)}
		if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, server, &event); err != nil {
			t.Fatal(err)
		}
	}
	events := make([]unix.EpollEvent, size)
	sent, received := make(chan bool), make(chan bool)
	calls := counted(t, func() {
		go clientsOf(t, clients, batches, sent, received)
		for range batches {
			<-sent
			n, err := unix.EpollWait(poll, events, -1)
			if err != nil || n != size {
				t.Errorf("%d of %d are ready: %v", n, size, err)
			}
			for _, e := range events[:max(n, 0)] {
				answer(t, int(e.Fd))
			}
			received <- true
		}
	})
	if calls[sys.ReceiveCall] != batches*size || calls[sys.SendCall] != batches*size ||
		calls[sys.WaitCall] != batches {
		t.Errorf("%d batches of %d took %v", batches, size, calls)
	}
}

// clientsOf sends a byte on each connection, tells that all are there, and takes the answers when
// it is told that they are.
func clientsOf(t *testing.T, clients []int, batches int, sent, received chan bool) {
	p := []byte{'x'}
	for range batches {
		for _, fd := range clients {
			if _, err := unix.Write(fd, p); err != nil {
				t.Error(err)
			}
		}
		sent <- true
		<-received
		for _, fd := range clients {
			if _, err := unix.Read(fd, p); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestCallsOfEveryKind are told apart.
func TestCallsOfEveryKind(t *testing.T) {
	server, client := pair(t)
	calls := counted(t, func() {
		p := []byte{'x'}
		for range 3 {
			_, _, _ = unix.Accept4(server, 0) // which does not listen
		}
		for range 4 {
			_ = unix.Sendto(client, p, 0, nil)
			_, _, _ = unix.Recvfrom(server, p, 0)
		}
		for range 5 {
			_, _ = unix.Poll(nil, 0)
		}
		for range 200 {
			_, _ = unix.Getpgid(0)
		}
	})
	if calls[sys.ReceiveCall] != 4 || calls[sys.SendCall] != 4 || calls[sys.WaitCall] != 5 ||
		calls[sys.AcceptCall] != 3 || calls[sys.OtherCall] < 200 || calls[sys.OtherCall] > 250 {
		t.Errorf("the calls are %v", calls)
	}
}
