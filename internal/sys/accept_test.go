//go:build unix

package sys_test

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/kettle-go/kettle/internal/sys"
)

// TestAcceptWithoutDescriptors lets a process run out of descriptors: the connection stays in
// the backlog, and is there when one is free again.
func TestAcceptWithoutDescriptors(t *testing.T) {
	if !inChild() {
		child, output := child(t)
		if err := child.Run(); err != nil {
			t.Errorf("in a process of its own: %v\n%s", err, output)
		}
		return
	}
	listener, addr := listen(t, loopback(), true)
	client := connect(t, addr)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(limit.Cur, 64)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if got := sys.DescriptorLimit(); got != 64 {
		t.Errorf("the limit is %d, want 64", got)
	}
	var taken []int
	for {
		fd, err := syscall.Dup(client)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	await(t, listener, sys.PollIn)
	for range 3 {
		if _, _, err := sys.Accept(listener, true); err != syscall.EMFILE || !sys.Exhausted(err) {
			t.Fatalf("accept: %v, want EMFILE", err)
		}
	}
	_, err := sys.Connect(addr)
	wantErrno(t, err, "socket", syscall.EMFILE)
	_, err = sys.NewWaker()
	wantErrno(t, err, "pipe", syscall.EMFILE)
	for _, fd := range taken {
		if err := sys.Close(fd); err != nil {
			t.Error(err)
		}
	}
	server, _, err := sys.Accept(listener, true)
	if err != nil {
		t.Fatalf("accept with descriptors free again: %v", err)
	}
	closeAtEnd(t, server)
}

// TestConnectionThatDiesInTheBacklog: accept skips it, or returns it broken, and the next
// one is served.
func TestConnectionThatDiesInTheBacklog(t *testing.T) {
	listener, addr := listen(t, loopback(), true)
	if _, _, err := sys.Accept(listener, true); err != syscall.EAGAIN {
		t.Errorf("accept with nobody there: %v, want EAGAIN", err)
	}
	for range 3 {
		dead := connect(t, addr)
		await(t, dead, sys.PollOut)
		if err := sys.Reset(dead); err != nil {
			t.Fatal(err)
		}
	}
	client := connect(t, addr)
	await(t, client, sys.PollOut)
	if _, err := sys.TrySend(client, []byte("alive")); err != nil {
		t.Fatal(err)
	}
	for {
		await(t, listener, sys.PollIn)
		fd, _, err := sys.Accept(listener, true)
		if err != nil {
			t.Fatalf("accept: %v", err)
		}
		closeAtEnd(t, fd)
		await(t, fd, sys.PollIn)
		buf := make([]byte, 10)
		n, err := sys.TryRecv(fd, buf)
		if err == nil && string(buf[:n]) == "alive" {
			return
		}
		if !peerGone(err) {
			t.Fatalf("receive from a dead connection: %d, %v", n, err)
		}
	}
}
