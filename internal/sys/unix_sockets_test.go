//go:build unix

package sys_test

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/kettle-go/kettle/internal/sys"
	"github.com/kettle-go/kettle/internal/testenv"
)

const onLinux = runtime.GOOS == "linux"

// listenUnix returns a non-blocking unix socket that listens on path.
func listenUnix(t *testing.T, path string, backlog int) int {
	t.Helper()
	fd, err := sys.ListenUnix(path, sys.ListenOptions{Backlog: backlog, Nonblock: true})
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	closeAtEnd(t, fd)
	return fd
}

// connectUnix returns both ends of a connection to a listening unix socket.
func connectUnix(t *testing.T, listener int, path string) (client, server int) {
	t.Helper()
	client, err := sys.ConnectUnix(path)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	closeAtEnd(t, client)
	await(t, listener, sys.PollIn)
	server, err = sys.AcceptUnix(listener)
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	closeAtEnd(t, server)
	return client, server
}

// socketPair returns two unix sockets that are connected to each other.
func socketPair(t *testing.T) (a, b int) {
	t.Helper()
	a, b, err := sys.SocketPair()
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, a)
	closeAtEnd(t, b)
	return a, b
}

// wantName fails unless the name of a unix socket is as wanted.
func wantName(t *testing.T, of func(int) (string, error), fd int, want string) {
	t.Helper()
	if got, err := of(fd); got != want || err != nil {
		t.Errorf("the name is %q, %v, want %q", got, err, want)
	}
}

func checkUnix(t *testing.T, path string) {
	t.Helper()
	listener := listenUnix(t, path, 8)
	if _, err := sys.AcceptUnix(listener); err != syscall.EAGAIN {
		t.Errorf("accept with nobody there: %v, want EAGAIN", err)
	}
	client, server := connectUnix(t, listener, path)
	wantName(t, sys.UnixPath, listener, path)
	wantName(t, sys.UnixPath, server, path)
	wantName(t, sys.UnixPath, client, "")
	wantName(t, sys.PeerUnixPath, client, path)
	wantName(t, sys.PeerUnixPath, server, "")
	for _, fd := range []int{listener, client, server} {
		if !flag(t, fd, syscall.F_GETFD, syscall.FD_CLOEXEC) {
			t.Errorf("descriptor %d is inherited by processes", fd)
		}
		if !flag(t, fd, syscall.F_GETFL, syscall.O_NONBLOCK) {
			t.Errorf("descriptor %d blocks", fd)
		}
	}
	if n, err := sys.TrySend(client, []byte("hello")); n != 5 || err != nil {
		t.Errorf("send: %d, %v", n, err)
	}
	buf := make([]byte, 10)
	await(t, server, sys.PollIn)
	if n, err := sys.TryRecv(server, buf); err != nil || string(buf[:n]) != "hello" {
		t.Errorf("received %q, %v", buf[:n], err)
	}
}

func TestUnixSocketWithAPath(t *testing.T) {
	checkUnix(t, filepath.Join(t.TempDir(), "socket"))
}

func TestUnixSocketOfNoFile(t *testing.T) {
	name := "@kettle-sys-test-" + rand.Text()
	if !onLinux {
		for _, try := range []func() (int, error){
			func() (int, error) { return sys.ListenUnix(name, sys.ListenOptions{}) },
			func() (int, error) { return sys.ConnectUnix(name) },
		} {
			if _, err := try(); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("the error is %v, want one that is unsupported", err)
			}
		}
		return
	}
	checkUnix(t, name)
	if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a file: %v", err)
	}
}

// TestLongestUnixName: the longest that fits works, one byte more is refused by a message that
// tells the limit, and nothing is cut off.
func TestLongestUnixName(t *testing.T) {
	dir, err := os.MkdirTemp("", "k") // t.TempDir may be too long by itself
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	limit := 103
	if onLinux {
		limit = 107
	}
	fits := dir + "/" + strings.Repeat("x", limit-len(dir)-1)
	checkUnix(t, fits)
	for _, try := range []func(string) (int, error){
		func(p string) (int, error) { return sys.ListenUnix(p, sys.ListenOptions{}) },
		sys.ConnectUnix,
	} {
		_, err := try(fits + "y")
		if !errors.Is(err, syscall.ENAMETOOLONG) || !strings.Contains(err.Error(), fits+"y") {
			t.Errorf("too long by one: %v", err)
		}
		for _, bad := range []string{"", "@", "a\x00b"} {
			if _, err := try(bad); !errors.Is(err, syscall.EINVAL) {
				t.Errorf("%q: %v, want EINVAL", bad, err)
			}
		}
	}
}

func TestUnixRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	_, err := sys.ConnectUnix(path)
	wantErrno(t, err, "connect", syscall.ENOENT)
	listener := listenUnix(t, path, 1)
	_, err = sys.ListenUnix(path, sys.ListenOptions{})
	wantErrno(t, err, "bind", syscall.EADDRINUSE)
	_, err = sys.ListenUnix(path+"2", sys.ListenOptions{ReusePort: true})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("with ReusePort: %v", err)
	}
	if err := sys.Close(listener); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the file went with its socket: %v", err)
	}
	_, err = sys.ConnectUnix(path)
	wantErrno(t, err, "connect", syscall.ECONNREFUSED)
	if _, err = sys.AcceptUnix(listener); err != syscall.EBADF {
		t.Errorf("accept: %v, want EBADF", err)
	}
	tcp, _ := connection(t, true)
	_, err = sys.UnixPath(tcp)
	wantErrno(t, err, "getsockname", syscall.EAFNOSUPPORT)
	_, err = sys.PeerUnixPath(tcp)
	wantErrno(t, err, "getpeername", syscall.EAFNOSUPPORT)
	const bad = -1
	_, err = sys.UnixPath(bad)
	wantErrno(t, err, "getsockname", syscall.EBADF)
}

func TestFullBacklogOfAUnixSocket(t *testing.T) {
	testenv.Need(t, testenv.Linux) // elsewhere it looks like nobody listening
	path := filepath.Join(t.TempDir(), "socket")
	listener := listenUnix(t, path, 1)
	waiting := 0
	for ; ; waiting++ {
		fd, err := sys.ConnectUnix(path)
		if err != nil {
			wantErrno(t, err, "connect", syscall.EAGAIN)
			break
		}
		closeAtEnd(t, fd)
	}
	for range waiting {
		fd, err := sys.AcceptUnix(listener)
		if err != nil {
			t.Fatal(err)
		}
		closeAtEnd(t, fd)
	}
	connectUnix(t, listener, path)
}

// TestPeerThatClosedBeforeAccept: what it sent can be received.
func TestPeerThatClosedBeforeAccept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	listener := listenUnix(t, path, 8)
	client, err := sys.ConnectUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	_, sent := sys.TrySend(client, []byte("last"))
	if err := errors.Join(sent, sys.Close(client)); err != nil {
		t.Fatal(err)
	}
	server, err := sys.AcceptUnix(listener)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, server)
	buf := make([]byte, 10)
	for _, want := range []string{"last", ""} {
		if n, err := sys.TryRecv(server, buf); err != nil || string(buf[:n]) != want {
			t.Errorf("received %q, %v, want %q", buf[:n], err, want)
		}
	}
}

func TestSocketPairIsConnected(t *testing.T) {
	a, b := socketPair(t)
	for from, to := range map[int]int{a: b, b: a} {
		if !flag(t, from, syscall.F_GETFD, syscall.FD_CLOEXEC) ||
			!flag(t, from, syscall.F_GETFL, syscall.O_NONBLOCK) {
			t.Errorf("descriptor %d blocks, or is inherited by processes", from)
		}
		if n, err := sys.TrySend(from, []byte("x")); n != 1 || err != nil {
			t.Errorf("send: %d, %v", n, err)
		}
		if n, err := sys.TryRecv(to, make([]byte, 2)); n != 1 || err != nil {
			t.Errorf("receive: %d, %v", n, err)
		}
		wantName(t, sys.UnixPath, from, "")
	}
}

// TestFileIDTellsASocketFromItsSuccessor, and does not follow links.
func TestFileIDTellsASocketFromItsSuccessor(t *testing.T) {
	type id struct{ dev, ino uint64 }
	of := func(path string) id {
		dev, ino, err := sys.FileID(path)
		if err != nil {
			t.Error(err)
		}
		return id{dev, ino}
	}
	dir := t.TempDir()
	path, other, link := dir+"/socket", dir+"/other", dir+"/link"
	listenUnix(t, path, 1)
	ours := of(path)
	if ours == (id{}) || of(path) != ours {
		t.Errorf("the ID is %v, then %v", ours, of(path))
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	listenUnix(t, other, 1)
	if of(link) == ours || of(other) == ours {
		t.Error("two files have one ID")
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	if of(path) == ours {
		t.Error("the successor has the same ID")
	}
	if _, _, err := sys.FileID(other); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is gone: %v", err)
	}
}
